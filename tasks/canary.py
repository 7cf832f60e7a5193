"""inv canary: a share of the users for a version, by hand or step by step by its own verdict."""

from __future__ import annotations

from invoke import Context, task

from .errors import BadInput
from .model.percent import Percent
from .model.rollout import ABORT, CANARY, HOLD
from .model.version import Version
from .plan import canary as plans
from .rollout import control_arm, route, what_is_slow
from .run.work import OnHosts, begin
from .walk import Walk

APP = "which app; needed only where there are several"


@task(
    positional=[],  # or Invoke would take --help for the percentage
    help={
        "percent": "share of users, 0 to 100 in steps of 0.1; 0 ends the canary; with --auto steps, such as 1,5,25,100",
        "version": "an installed version; default: the newest installed",
        "app": APP,
        "control": "give as many users a fresh process of the live version, and compare with that",
        "auto": "go from step to step by the verdict of each; promote at the end, or put all back",
        "on_fail": "with --auto: abort (put back) or hold (leave it); default: what conf/apps says",
    },
)
def canary(
    c: Context,
    percent: str | None = None,
    version: str | None = None,
    app: str | None = None,
    control: bool = False,
    auto: bool = False,
    on_fail: str | None = None,
) -> None:
    """Send a share of users to VERSION, the same on every host.

    No user is sent back while the share grows.
    """
    if percent is None:
        raise BadInput("A canary of how many users? Say it in per cent: inv canary --percent 5")
    if on_fail not in (None, ABORT, HOLD):
        raise BadInput(f"--on-fail {on_fail[:60]!r}: expected abort or hold.")
    steps = Percent.parse_steps(percent) if auto or "," in percent else (Percent.parse(percent),)
    if not auto and (len(steps) > 1 or on_fail):
        raise BadInput(f"Steps go by their verdict: inv canary --percent {percent} --auto")
    wanted = Version.parse(version) if version is not None else None
    with begin(c, "canary", app, secrets=control) as work:
        chosen = wanted or plans.current(work.facts) or work.newest()
        begun = plans.under_way(work.facts)
        share = begun.stages[-1].share if auto and begun else steps[0]
        send(work, chosen, share, control)
    if auto and not work.dry:
        Walk(c, work.target, chosen, steps, on_fail or work.target.app.canary.on_fail, work.report).go()


def send(work: OnHosts, version: Version, share: Percent, control: bool) -> None:
    """Give the version its share, and say so; before the first, freeze what counts as slow."""
    wish = plans.Canary(version, share, kind=CANARY)
    plans.plan(work.target, wish, work.facts)  # what is refused is refused at once, before anything is measured
    if share.buckets:
        arm = control_arm(work) if control else None
        slow = what_is_slow(work, share, control=bool(arm)) if not plans.under_way(work.facts) else None
        wish = plans.Canary(version, share, arm, CANARY, slow)
    changed = route(work, wish)
    if not work.dry:
        done = "ended" if not share.buckets else f"{version} gets {share} of the users"
        following = "inv compare" if share.buckets else "inv status"
        work.report.line(
            f"Canary of {work.target.app.name}: {done}{'' if changed else ' (as before)'}.  next: {following}"
        )
