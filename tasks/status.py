"""inv status, inv logs, inv audit: what is where, what it wrote, who did what."""

from __future__ import annotations

import json as encode
from dataclasses import asdict

from invoke import Context, task

from .commands import docker
from .errors import DeplError, Refused
from .model.app import WEB
from .model.environment import names
from .model.version import Version
from .plan import components, hosts, overview
from .plan.balancer import Balancer
from .plan.facts import Facts
from .plan.looks import Newest
from .plan.wishes import Target
from .run import evidence, screen, tail
from .run.choose import choose
from .run.look import end_with_the_reader, look, look_around
from .run.report import make

APP = "which app; needed only where there are several"
HEADS = ("VERSION", "HOST", ">SLOT", ">SHARE", "STATE", "HEALTH", ">INSTALLED", ">MEMORY")


@task(help={"app": APP, "json": "print JSON, for machines"})
def status(c: Context, app: str | None = None, json: bool = False) -> None:
    """Show every release on every host: share, state, health."""
    target = choose(app)
    end_with_the_reader()
    facts, balancers, missing = look_around(target, memory=True)
    out = {host.name for host in hosts.out(target, balancers)}
    rows, look_of_auto = overview.rows(facts), evidence.newest(target, facts)
    if json:
        print(_as_json(target, facts, balancers, missing, look_of_auto))
    else:
        title = f"{target.app.name} on {names(target.hosts)} ({target.environment.name})"
        screen.show(title, HEADS, [row.cells(target.now, out) for row in rows])
        for line in [
            *components.lines(target, facts),
            *overview.under_way(facts),
            *overview.expiring([*facts, *balancers], target.environment.tls, target.now),
            *overview.balance(target, balancers, facts, missing),
            *([look_of_auto.line(target.now)] if look_of_auto else []),
        ]:
            print(line)
        busy = [one for one in facts if one.host.name not in out]
        make().done(overview.summary(busy, {host: reason for host, reason in missing.items() if host not in out}))
    if lost := missing.keys() - out:
        asked = len(target.hosts) + len(target.environment.balancers)
        raise DeplError(f"{len(lost)} of {asked} hosts did not answer.")


def _as_json(
    target: Target, facts: list[Facts], balancers: list[Balancer], missing: dict[str, str], newest: Newest | None
) -> str:
    live = {one.host.name: str(one.live.table.live.version) if one.live else None for one in facts}
    rows = [row.as_json() for row in overview.rows(facts)]
    found = {
        "app": target.app.name, "live": live, "releases": rows, "missing": missing,
        "without_traffic": [host.name for host in hosts.out(target, balancers)],
        "workers": components.rows(facts),
        "jobs": components.job_rows(target, facts),
        "under_way": overview.under_way(facts),
        "expiring": overview.expiring([*facts, *balancers], target.environment.tls, target.now),
        "look": asdict(newest) if newest else None,
    }  # fmt: skip
    return encode.dumps(found, indent=2)


@task(help={"version": "an installed version; default: the live one", "app": APP, "follow": "go on until Ctrl-C",
            "lines": "how many lines of each host", "component": "web, or such as worker.2"})  # fmt: skip
def logs(
    c: Context,
    version: str | None = None,
    app: str | None = None,
    follow: bool = False,
    lines: str = "50",
    component: str = "web",
) -> None:
    """Show what a release wrote, each line with its host's name."""
    wanted = Version.parse(version) if version is not None else None
    count = tail.number_of_lines(lines)
    target = choose(app)
    end_with_the_reader()
    container = components.container(target, component)
    facts, missing = look(target)
    names = {}
    for one in facts:
        chosen = wanted or (one.live.table.live.version if one.live else None)
        name = target.layout.container(chosen, container) if chosen else ""
        if name in {each.name for each in one.containers}:
            names[one.host] = name
    if not names:
        what = f"{wanted} is not installed" if wanted else "Nothing is live"
        if any(one.live for one in facts) and container != WEB:
            what = f"{container} does not run"
        raise Refused(f"{what} on {', '.join(one.host.name for one in facts) or 'any host'}.\nSee: inv status")
    tail.show(target, {host: docker.logs(name, tail=count, follow=follow) for host, name in names.items()})
    _complain_of(missing)


@task(help={"app": APP, "json": "print JSON lines, for machines"})
def audit(c: Context, app: str | None = None, json: bool = False) -> None:
    """Show who changed what, when and how it ended, newest last."""
    end_with_the_reader()
    facts, balancers, missing = look_around(choose(app))
    written = [(one.host, one.audit) for one in facts] + [(one.host, one.audit) for one in balancers]
    rows = [{"host": host.name, **entry} for host, entries in written for entry in entries]
    rows.sort(key=lambda row: str(row.get("at")))
    if json:
        for row in rows:
            print(encode.dumps(row))
    else:
        screen.show("", ("AT", "WHO", "WHAT", "OUTCOME", "HOSTS"), _joined(rows))
    _complain_of(missing)


def _complain_of(missing: dict[str, str]) -> None:
    if missing:
        raise DeplError("; ".join(f"{host} did not answer: {reason}" for host, reason in missing.items()))


def _joined(rows: list[dict[str, object]]) -> list[list[str]]:
    """One line for what happened at the same time on several hosts."""
    hosts: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        what = tuple(str(row.get(key, "")) for key in ("at", "who", "what", "outcome"))
        hosts.setdefault(what, []).append(str(row["host"]))
    return [[*what, ", ".join(found)] for what, found in hosts.items()]
