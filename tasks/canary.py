"""inv canary: a share of the users for a version, by hand or step by step by its own verdict."""

from __future__ import annotations

from invoke import Context, task

from .errors import BadInput, NotKept
from .model.percent import BUCKETS, Percent
from .model.rollout import ABORT, HOLD
from .model.version import Version
from .plan import canary as plans
from .plan import promote
from .plan.rollouts import ABORTED, PROMOTED
from .promote import send_all
from .rollout import control_arm, route, what_is_slow
from .run.witnesses import ask
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
    if auto and steps[0].buckets == BUCKETS:
        raise BadInput("100 % leaves nobody to compare with: begin with a smaller step, such as 5,100.")
    wanted = Version.parse(version) if version is not None else None
    with begin(c, "canary", app, secrets=control) as work:
        chosen = wanted or plans.current(work.facts) or work.newest()
        work.report.version(str(chosen))
        witnesses = ask.of(work.target) if auto else []
        if auto and not goes_on(work, chosen):
            return
        begun = plans.under_way(work.facts)
        share = begun.stages[-1].share if auto and begun else steps[0]
        send(work, chosen, share, control)
    if auto and not work.dry:
        Walk(work.target, chosen, steps, on_fail or work.target.app.canary.on_fail, witnesses, work.report).go()


def goes_on(work: OnHosts, version: Version) -> bool:
    """Whether there is something left to do of a walk that may have been cut short; raises NotKept where it failed."""
    last = promote.newest(work.facts)
    if not last or last.ended is None or last.canary != version:
        return True
    if last.outcome == ABORTED:
        raise NotKept(
            f"{version} was put back before: {last.reason or 'see inv compare'}\n"
            f"To try it once more: inv canary --version {version} --percent 1, and then go on with --auto"
        )
    if last.outcome == PROMOTED and promote.current(work.facts) == version:
        send_all(work, version)
        return False
    return True


def send(work: OnHosts, version: Version, share: Percent, control: bool) -> None:
    """Give the version its share, and say so; before the first, freeze what counts as slow."""
    # What is refused is refused at once, before anything is measured or started; live stands for its control arm.
    fit = promote.current(work.facts) if control and share.buckets else None
    plans.plan(work.target, plans.Canary(version, share, fit), work.facts)
    wish = plans.Canary(version, share)
    if share.buckets:
        arm = control_arm(work) if control else None
        slow = what_is_slow(work, share, control=bool(arm)) if not plans.under_way(work.facts) else None
        wish = plans.Canary(version, share, arm, slow=slow)
    changed = route(work, wish)
    if not work.dry:
        done = "ended" if not share.buckets else f"{version} gets {share} of the users"
        following = "inv compare" if share.buckets else "inv status"
        work.report.done(
            f"Canary of {work.target.app.name}: {done}{'' if changed else ' (as before)'}.", f"next: {following}"
        )
