"""inv migrate: an app's database to what a version needs; or only to see what that would do."""

from __future__ import annotations

import json as encode
import re
from functools import partial

from invoke import Context, task

from .errors import BadInput, DeplError
from .model.version import Version
from .plan import migrate as plans
from .plan import rehearsal
from .run.rehearse import Rehearsed, rehearse
from .run.work import OnHosts, begin


@task(
    help={
        "version": "an installed version; default: the newest installed",
        "app": "which app; needed only where there are several",
        "rehearse": "on a copy of the database, with the version that is live now tried on it; changes nothing",
        "bound": "with --rehearse: report locks held longer than so many seconds",
        "json": "with --rehearse: print what was found as JSON",
    }
)
def migrate(
    c: Context,
    version: str | None = None,
    app: str | None = None,
    rehearse: bool = False,
    bound: str = "1",
    json: bool = False,
) -> None:
    """Run VERSION's migration, as promote does, or rehearse it."""
    wanted = Version.parse(version) if version is not None else None
    if not re.fullmatch(r"\d{1,4}(\.\d{1,3})?", bound, re.ASCII):
        raise BadInput(f"{bound[:60]!r} is no number of seconds: expected one such as 0.5 or 2.")
    with begin(c, "migrate", app, secrets=rehearse, aside=json) as work:
        chosen = wanted or work.newest()
        work.report.version(str(chosen))
        if rehearse:
            try_it(work, chosen, float(bound), json)
        else:
            do_it(work, chosen)


def do_it(work: OnHosts, version: Version) -> None:
    """Run a version's migration where it was not run before, and note that."""
    changed = work.carry_out(partial(plans.plan, work.target, version), f"migrate to {version}")
    if not work.dry:
        if changed:
            work.report.done(
                f"The database of {work.target.name} is migrated to {version}.",
                f"next: inv promote --version {version}",
            )
        else:
            work.report.done(f"Nothing to do: the migration to {version} was run before.")


def try_it(work: OnHosts, version: Version, bound: float, json: bool) -> None:
    """Rehearse a version's migration, and say what it would do; fails where a rollback would not be possible."""
    stage = rehearsal.stage(work.target, version, work.facts)
    if work.dry:
        work.report.line(f"Would copy the database of {work.target.name} and try {version}'s migration on it.")
        return
    found = rehearse(stage, work.report, bound)
    said = rehearsal.verdict(stage.live, found.failures)
    if json:
        print(_as_json(stage, found, said))
    work.report.line(f"The migration to {version} takes {found.migration} on a copy of the database.")
    for lock in found.locks:
        work.report.line(f"It holds {lock.mode} on {lock.table} for {lock.seconds:.1f} s: others wait for that long.")
    if not found.locks:
        work.report.line(f"It holds no lock that keeps others waiting for longer than {bound:g} s.")
    if others := rehearsal.shared(stage):
        work.report.line(f"Only {stage.service} was a copy; of {', '.join(others)} it used the real ones.")
    if found.failures:
        raise DeplError(said)
    work.report.done(said)


def _as_json(stage: rehearsal.Stage, found: Rehearsed, said: str) -> str:
    return encode.dumps({
        "version": str(stage.version), "live": str(stage.live) if stage.live else None,
        "seconds": float(found.migration.split()[0]), "failures": found.failures, "verdict": said,
        "locks": [{"table": one.table, "mode": one.mode, "seconds": round(one.seconds, 1)} for one in found.locks],
    }, indent=2)  # fmt: skip
