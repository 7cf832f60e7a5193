"""Goals of an A/B test: the share of users of each version who reached them."""

from __future__ import annotations

from collections.abc import Collection

from ..model.rollout import Rollout, Rules
from .comparison import Interval, Outcome
from .counts import GOAL, Counts
from .draws import CANARY_ARM, arm_shares, complete, exposed, number
from .intervals import difference_interval

Pair = tuple[int, int]
"""Numbers of the live version and of the canary."""
MORE, FEWER, UNCLEAR = "more", "fewer", "unclear"


def outcomes(rollout: Rollout, rules: Rules, goals: Collection[str], counts: Counts) -> tuple[Outcome, ...]:
    """One for each goal. α is shared out evenly among them: at most α of tests without a difference find one."""
    return tuple(_outcome(rollout, rules, goal, rules.alpha / len(goals), counts) for goal in goals)


def _outcome(rollout: Rollout, rules: Rules, goal: str, alpha: float, counts: Counts) -> Outcome:
    whole = _Reached(counts, goal)
    live_users, canary_users = whole.users
    live_reached, canary_reached = whole.reached
    live, canary = live_reached / max(live_users, 1), canary_reached / max(canary_users, 1)
    return Outcome(
        goal=goal,
        live=live,
        canary=canary,
        live_users=live_users,
        canary_users=canary_users,
        live_reached=live_reached,
        canary_reached=canary_reached,
        difference=canary - live,
        interval=_interval(rollout, whole.users, whole.reached, alpha),
        state=_first_state(rollout, rules, goal, alpha, counts),
    )


class _Reached:
    """Users of live and of the canary, and how many of them reached a goal: of some ticks."""

    def __init__(self, counts: Counts, goal: str) -> None:
        users, reached = exposed(counts), counts.users(GOAL + goal)
        self.users = number(users, 0), number(users, CANARY_ARM)
        self.reached = number(reached, 0), number(reached, CANARY_ARM)


def _interval(rollout: Rollout, users: Pair, reached: Pair, alpha: float) -> Interval:
    """The interval of canary − live; without bounds where the share was changed on the way."""
    shares = arm_shares(rollout, rollout.stages[0])
    weight = shares[CANARY_ARM] / max(shares[CANARY_ARM] + shares[0], 1e-9)
    if len(rollout.stages) > 1 or not 0 < weight < 1:
        return Interval(None, None)
    return difference_interval((reached[1], users[1]), (reached[0], users[0]), weight, alpha)


def _first_state(rollout: Rollout, rules: Rules, goal: str, alpha: float, counts: Counts) -> str:
    """What was decided first, at the end of a complete tick: it stays so."""
    users, reached = (0, 0), (0, 0)
    for tick in complete(rollout, rules, counts).ticks:
        more = _Reached(Counts((tick,), tick.at), goal)
        users = users[0] + more.users[0], users[1] + more.users[1]
        reached = reached[0] + more.reached[0], reached[1] + more.reached[1]
        if min(users) >= rules.minimum_users:
            state = _state(_interval(rollout, users, reached, alpha))
            if state != UNCLEAR:
                return state
    return UNCLEAR


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
