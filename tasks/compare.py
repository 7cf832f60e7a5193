"""inv compare: a canary or an A/B test beside the live version, in numbers, charts and one verdict."""

from __future__ import annotations

import json as encode
from dataclasses import replace

from invoke import Context, task

from .errors import BadInput, DeplError, Unreachable, first_line
from .model import since as times
from .model.percent import Percent
from .model.version import Version
from .plan.wishes import Target
from .run import files, pace, screen
from .run.choose import choose
from .run.look import end_with_the_reader
from .run.report import Report, make
from .stats import observe
from .stats import replay as replays
from .stats.comparison import Comparison
from .stats.observe import Look
from .stats.report import machine, text


@task(
    help={
        "app": "which app; needed only where there are several",
        "since": "count from then on: 30m, 2h, 1d ago, or a time in UTC; default: since it began",
        "watch": "look again and again, with charts, until Ctrl-C",
        "json": "print JSON, for machines",
        "html": "write a page of its own to this file",
        "replay": "judge logs of the past instead: files of nginx's, such as 'logs/*.log'",
        "version": "with --replay: the canary; default: of the two versions, that with fewer requests",
        "percent": "with --replay: its share of the users; default: as the logs show it",
    }
)
def compare(
    c: Context,
    app: str | None = None,
    since: str | None = None,
    watch: bool = False,
    json: bool = False,
    html: str | None = None,
    replay: str | None = None,
    version: str | None = None,
    percent: str | None = None,
) -> None:
    """Compare a canary, or an A/B test, with what is live."""
    if watch and (json or replay):
        raise BadInput("--watch draws what happens now: without --json and --replay.")
    if replay and since is not None:
        raise BadInput("--since is for what happens now; logs are read from their beginning.")
    if not replay and (version or percent):
        raise BadInput("--version and --percent are for --replay; else the hosts know who is compared.")
    report, target = make(aside=json), choose(app)
    start = times.parse(since, target.now) if since is not None else None
    if replay:
        show(_of_logs(target, replay, version, percent), report, json, html)
        return
    if not watch:
        end_with_the_reader()
        look = _look(target, start)
        show(look.seen, report, json, html)
        _complain_of(look)
        return
    for now in pace.looks(target.app.canary.every):
        try:
            look = _look(replace(target, now=now), start)
        except Unreachable as error:
            report.note(f"Note: {first_line(error)}")
            continue
        screen.clear()
        text.show(look.seen, report.line, charts=True)
        if html:
            write(look.seen, html)
        for line in look.silence:
            report.note(line)
        if look.seen.rollout.ended is not None:
            return


def _look(target: Target, start: float | None) -> Look:
    found, silent = observe.current(target)
    look = observe.rollout(target, found) if start is None else observe.since(target, found, start)
    return replace(look, missing={**silent, **look.missing})


def _of_logs(target: Target, pattern: str, version: str | None, percent: str | None) -> Comparison:
    rules = target.app.canary
    rollout, counts = replays.counts(
        files.matching(pattern),
        app=target.name,
        rules=rules,
        goals=target.app.goals,
        tick=rules.every,
        canary=Version.parse(version) if version is not None else None,
        live=None,
        share=Percent.parse(percent) if percent is not None else None,
    )
    return observe.judged(target, rollout, counts)


def show(seen: Comparison, report: Report, json: bool, html: str | None) -> None:
    """Print a comparison, or JSON for machines; and write its page where one is wished for."""
    if html:
        write(seen, html)
        report.artifact(html)
    if json:
        print(encode.dumps(machine.as_json(seen), indent=2))
    else:
        text.show(seen, report.line)
        if html:
            report.line(f"page: {html}")


def write(seen: Comparison, html: str) -> None:
    """Write the page of a comparison to a file."""
    # Only here, since what draws takes 0.1 s to import.
    from .stats.report import page

    files.write(html, page.html(seen))


def _complain_of(look: Look) -> None:
    if look.missing:
        raise DeplError("; ".join(look.silence))
