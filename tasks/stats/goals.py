"""Goals of an A/B test: the share of users of each version who reached them."""

from __future__ import annotations

from collections.abc import Collection

from ..model.rollout import Rollout, Rules
from .comparison import Interval, Outcome
from .counts import GOAL, Counts
from .draws import CANARY_ARM, arm_shares, exposed, number
from .intervals import difference_interval

MORE, FEWER, UNCLEAR = "more", "fewer", "unclear"


def outcomes(rollout: Rollout, rules: Rules, goals: Collection[str], counts: Counts) -> tuple[Outcome, ...]:
    """One for each goal. α is shared out evenly among them: at most α of tests without a difference find one."""
    return tuple(_outcome(rollout, rules, goal, rules.alpha / len(goals), counts) for goal in goals)


def _outcome(rollout: Rollout, rules: Rules, goal: str, alpha: float, counts: Counts) -> Outcome:
    users, reached = exposed(counts), counts.users(GOAL + goal)
    live_users, canary_users = number(users, 0), number(users, CANARY_ARM)
    live_reached, canary_reached = number(reached, 0), number(reached, CANARY_ARM)
    live, canary = live_reached / max(live_users, 1), canary_reached / max(canary_users, 1)
    interval = Interval(None, None)
    if len(rollout.stages) == 1:
        shares = arm_shares(rollout, rollout.stages[0])
        weight = shares[CANARY_ARM] / max(shares[CANARY_ARM] + shares[0], 1e-9)
        if 0 < weight < 1:
            interval = difference_interval((canary_reached, canary_users), (live_reached, live_users), weight, alpha)
    enough = min(live_users, canary_users) >= rules.minimum_users
    return Outcome(
        goal=goal,
        live=live,
        canary=canary,
        live_users=live_users,
        canary_users=canary_users,
        live_reached=live_reached,
        canary_reached=canary_reached,
        difference=canary - live,
        interval=interval,
        state=_state(interval) if enough else UNCLEAR,
    )


def _state(interval: Interval) -> str:
    if interval.low is not None and interval.low > 0:
        return MORE
    return FEWER if interval.high is not None and interval.high < 0 else UNCLEAR


def warnings(rollout: Rollout, goals: Collection[str], counts: Counts) -> list[str]:
    """What to know about goals before believing them."""
    found = [
        f"Nobody has reached goal {goal} yet. If somebody should have: what it matches is in `goals:` of the app."
        for goal in goals
        if not sum(counts.users(GOAL + goal))
    ]
    if goals and len(rollout.stages) > 1:
        found.append("The share of users was changed on the way, so goals are counted but not compared.")
    return found
