"""What canaries and A/B tests share: how one begins, grows and ends. No verbs."""

from __future__ import annotations

from functools import partial

from .model.image import CONTROL
from .model.percent import BUCKETS, Percent
from .model.rollout import Thresholds
from .model.version import Version
from .plan import canary as plans
from .plan import install, promote, workers
from .plan.steps import Plan
from .run import again
from .run.balancers import introduce
from .run.losses import counted
from .run.work import OnHosts
from .stats import collect, forecast
from .tell import live, tell


def route(work: OnHosts, wish: plans.Canary) -> bool:
    """Send the share of users to the canary, with the workers that it has; False where it was so already."""
    # A stage begins now, not when this command did: what is slow may have taken seconds to find out.

    def moved(plan: Plan) -> None:
        if promote.moves(plan):
            tell(work, "canary", wish.version, live(work), wish.share.buckets / 10)

    with counted(work):
        planner = partial(plans.plan, work.present(), wish)
        changed = work.carry_out(planner, f"canary {wish.version} at {wish.share}", moved)
        if work.dry:
            return changed
        # On its own, as in a promote: traffic is where it should be, whether an old worker ends well or not.
        return work.carry_out(partial(workers.hand_over, work.target), "hand over from the canary") or changed


def control_arm(work: OnHosts) -> Version | None:
    """Have a fresh process of what is live on all hosts, under a version's name of its own; says which.

    A rollout that is under way keeps the one that it has. A dry run only prints how it would be installed.
    """
    begun = plans.under_way(work.facts)
    if begun and begun.control:
        return begun.control
    live = promote.current(work.facts)
    version = again.name(work, live, CONTROL)
    work.report.note(f"The control arm {version} is the image of {live} in a fresh process.")
    work.carry_out(partial(install.plan, work.target, version, control_of=live), f"control arm {version} of {live}")
    if work.dry:
        return None
    introduce(work)
    return version


def what_is_slow(work: OnHosts, share: Percent, *, control: bool) -> Thresholds | None:
    """Freeze how long the live version's requests take now; says how long a verdict will take at this traffic.

    None where there were too few requests, or the hosts can't tell: slowness is then not judged, and that is said.
    """
    rules = work.target.app.canary
    found, missing = collect.before(work.target, promote.current(work.facts), rules.before)
    for host, reason in missing.items():
        work.report.note(f"Note: {host} can't tell how long requests take: {reason}")
    canary = share.buckets / BUCKETS
    base = min(canary, 1 - canary) if control else 1 - canary
    work.report.note(forecast.before(found.users_per_minute, found.failing, canary, base, rules))
    if not found.slow:
        work.report.note(
            f"Note: {found.requests} requests in the last {rules.before} s are too few to say what is slow: "
            "slowness will not be judged."
        )
    return found.slow
