"""inv install: a version on all hosts, at its own URL, without live traffic."""

from __future__ import annotations

from invoke import Context, task

from . import tell
from .model.version import Version
from .plan import install as plans
from .run import registry
from .run.balancers import introduce
from .run.work import OnHosts, begin

HELP = {
    "version": "a built version; default: the newest built",
    "app": "which app; needed only where there are several",
}


@task(help=HELP)
def install(c: Context, version: str | None = None, app: str | None = None) -> None:
    """Start VERSION on all hosts, at its URL, without traffic."""
    wanted = Version.parse(version) if version is not None else None
    with begin(c, "install", app, secrets=True) as work:
        put_in_place(work, wanted or registry.newest(work.target, work.report))


def put_in_place(work: OnHosts, version: Version) -> None:
    """Install a version, or say that it is there already."""
    work.report.version(str(version))
    registry.must_have(work.target, version)
    changed = work.carry_out(lambda facts: plans.plan(work.target, version, facts), f"install {version}")
    if changed:  # before balancers are introduced to it, which may fail: it is installed all the same
        tell.tell(work, "install", version, tell.live(work), 0.0)
    introduce(work)
    if work.dry:
        return
    live = sorted({str(facts.live.table.live.version) for facts in work.facts if facts.live}) or ["nothing yet"]
    if not changed:
        work.report.line("Nothing to do: it is there already, and healthy.")
    if not work.target.environment.preview_allow:
        work.report.note(
            "Note: previews are closed in this environment. Open them: depl_preview_allow in the inventory, "
            "then inv bootstrap --only appserver"
        )
    work.report.line(f"Live is {', '.join(live)}; it was not touched.  next: inv promote --version {version}")
    work.report.done(f"Version {version} is successfully installed: {work.target.preview(version)}")
