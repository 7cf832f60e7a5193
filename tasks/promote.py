"""inv promote, rollback: which release gets the traffic, on all hosts or on none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from invoke import Context, task

from .model.version import Version
from .plan import install, migrate, variables, workers
from .plan import promote as plans
from .plan.facts import Facts
from .plan.steps import Plan
from .plan.wishes import Target
from .run import again
from .run.balancers import introduce
from .run.losses import counted
from .run.work import OnHosts, begin
from .tell import behind, changes, live, tell

Planner = Callable[[Target, Version, Sequence[Facts]], Plan]
APP = "which app; needed only where there are several"
VERSION = "an installed version; default: the newest installed"


@task(
    help={
        "version": VERSION,
        "app": APP,
        "env_only": "the live image, or VERSION's, once more with the variables and secrets of now: no build",
    }
)
def promote(c: Context, version: str | None = None, app: str | None = None, env_only: bool = False) -> None:
    """Send live traffic to VERSION, on all hosts or on none."""
    wanted = Version.parse(version) if version is not None else None
    with begin(c, "promote", app, secrets=env_only) as work:
        if env_only:
            roll_out(work, wanted or plans.current(work.facts))
        else:
            send_all(work, wanted or work.newest())


@task(help={"version": "where to go back to; default: what was live before", "app": APP})
def rollback(c: Context, version: str | None = None, app: str | None = None) -> None:
    """Send live traffic back to the release that had it before."""
    wanted = Version.parse(version) if version is not None else None
    with begin(c, "rollback", app) as work:
        former = wanted or plans.former(work.facts)
        send_all(work, former, "rollback to", plans.back)


def roll_out(work: OnHosts, image_of: Version) -> None:
    """Install a version's image as a new version, with the variables of now, and make that live on all hosts."""
    if again.is_live(work, image_of):
        work.report.done(f"Nothing to do: {image_of} is live, with the variables and secrets of now.")
        return
    for host in work.target.hosts:
        variables.must_be_set(work.target, image_of, host)
    version = again.name(work, image_of)
    work.report.note(f"{version} is the image of {image_of} with the variables and secrets of now.")
    work.carry_out(partial(install.plan, work.target, version), f"install {version}, the image of {image_of}")
    if work.dry:
        work.report.line(f"Then all traffic would be sent to {version}.")
        return
    introduce(work)
    work.carry_out(partial(migrate.same_image, work.target, version, image_of), f"no migration for {version}")
    send_all(work, version)


def send_all(work: OnHosts, version: Version, what: str = "promote", planner: Planner = plans.plan) -> None:
    """Make a version live on all hosts, and say what is live now."""
    work.report.version(str(version))
    old = live(work)
    back = planner is plans.back
    # A rollback asks nobody: it is a rename.
    brings = None if back else changes(work, old, version)
    if brings and (brings.came or brings.went):
        work.report.note(f"It brings {brings.summary}.  more: inv changes --from {old} --to {version}")

    def moved(plan: Plan) -> None:
        # As soon as traffic has moved: should workers fail, the next promote can't say any more what this one brought.
        if plans.moves(plan):
            tell(work, "rollback" if back else "promote", version, old, 100.0, brings)

    with counted(work):
        changed = work.carry_out(partial(planner, work.target, version), behind(f"{what} {version}", brings), moved)
        if work.dry:
            return
        # On their own: what fails in these is no reason to take traffic back, and the next promote goes on with them.
        changed |= work.carry_out(partial(workers.up, work.target), f"workers of {version}")
        changed |= work.carry_out(partial(workers.hand_over, work.target), f"hand over to {version}")
    if not changed:
        work.report.done(f"Nothing to do: {version} is live already.")
        return
    former = next((facts.live.previous for facts in work.facts if facts.live and facts.live.previous), None)
    url = work.target.url
    work.report.done(
        f"Version {version} is live: {url} ({work.report.seconds:.1f} s)",
        f"back to {former}: inv rollback" if former else "",
    )
