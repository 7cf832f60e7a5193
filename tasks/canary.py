"""inv canary: a share of the users for a version, by hand or step by step by its own verdict."""

from __future__ import annotations

from functools import partial

from invoke import Context, task

from .errors import BadInput
from .model.percent import Percent
from .model.rollout import CANARY
from .model.version import Version
from .plan import canary as plans
from .plan import install, promote, workers
from .run import again, registry
from .run.balancers import introduce
from .run.work import OnHosts, begin

APP = "which app; needed only where there are several"


@task(
    positional=[],  # or Invoke would take --help for the percentage
    help={
        "percent": "share of users, 0 to 100 in steps of 0.1; 0 ends the canary",
        "version": "an installed version; default: the newest installed",
        "app": APP,
        "control": "give as many users a fresh process of the live version, and compare with that",
    },
)
def canary(
    c: Context,
    percent: str | None = None,
    version: str | None = None,
    app: str | None = None,
    control: bool = False,
) -> None:
    """Send a share of users to VERSION, the same on every host.

    No user is sent back while the share grows.
    """
    if percent is None:
        raise BadInput("A canary of how many users? Say it in per cent: inv canary --percent 5")
    share = Percent.parse(percent)
    wanted = Version.parse(version) if version is not None else None
    with begin(c, "canary", app, secrets=control) as work:
        chosen = wanted or plans.current(work.facts) or work.newest()
        arm = control_arm(work) if control and share.buckets else None
        changed = route(work, plans.Canary(chosen, share, arm, CANARY))
        if not work.dry:
            done = "ended" if not share.buckets else f"{chosen} gets {share} of the users"
            work.report.line(
                f"Canary of {work.target.app.name}: {done}{'' if changed else ' (as before)'}.  next: inv status"
            )


def route(work: OnHosts, wish: plans.Canary) -> bool:
    """Send the share of users to the canary, with the workers that it has; False where it was so already."""
    changed = work.carry_out(partial(plans.plan, work.target, wish), f"canary {wish.version} at {wish.share}")
    if work.dry:
        return changed
    # On its own, as in a promote: traffic is where it should be, whether an old worker ends well or not.
    return work.carry_out(partial(workers.hand_over, work.target), "hand over from the canary") or changed


def control_arm(work: OnHosts) -> Version | None:
    """Have a fresh process of what is live on all hosts, under a version's name of its own; says which.

    A dry run only prints how it would be installed.
    """
    live = promote.current(work.facts)
    there = [
        {one.release.version for one in facts.installed if one.healthy and one.control_of == live}
        for facts in work.facts
    ]
    if common := set.intersection(*there):
        return max(common)
    version = again.name(work, live, registry.CONTROL)
    work.report.note(f"The control arm {version} is the image of {live} in a fresh process.")
    work.carry_out(partial(install.plan, work.target, version, control_of=live), f"control arm {version} of {live}")
    if work.dry:
        return None
    introduce(work)
    return version
