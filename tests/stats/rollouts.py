"""Rollouts and what was counted of them, to be judged: rates are met exactly, so that nothing is left to chance."""

from tasks.model.percent import Percent
from tasks.model.rollout import CANARY, Rollout, Rules, Stage, Thresholds
from tasks.model.version import Version
from tasks.stats.counts import GOAL, SEEN, Counts, Histogram, Tick
from tasks.stats.draws import LATE
from tasks.stats.judge import compare

LIVE, NEW = Version.parse("2026.11.21.18.30"), Version.parse("2026.11.22.12.05")
SLOW = Thresholds(0.12, 0.48, 1.2)
ALIKE = {"slow50": (0.5, 0.5), "slow95": (0.14, 0.14), "slow99": (0.03, 0.03)}
"""Shares of users by kind, of live and of the canary."""


def rollout(percent=50, *, kind=CANARY, slow=SLOW, control=None, stages=()):
    """A rollout at so many thousandths of the users, or with stages of (at, thousandths)."""
    parts = stages or ((0.0, percent),)
    held = Percent(percent) if control else Percent(0)
    return Rollout(kind, LIVE, NEW, control, tuple(Stage(at, Percent(share), held) for at, share in parts), slow)


def counts(users, shares, minutes=10, canary=0.05, stage=0, at=0.0):
    """So many users in so many minutes; of each arm, a share met each kind, spread evenly over the time."""
    arms = (users * (1 - canary), users * canary)
    totals = {SEEN: arms} | {
        kind: tuple(arm * share for arm, share in zip(arms, pair, strict=True)) for kind, pair in shares.items()
    }

    def part(total, minute):
        return round(total * (minute + 1) / minutes) - round(total * minute / minutes)

    ticks = []
    for minute in range(minutes):
        seen = {kind: tuple(part(total, minute) for total in pair) for kind, pair in totals.items()}
        times = tuple(Histogram({240: 3 * number} if number else {}) for number in seen[SEEN])
        requests = tuple(3 * number for number in seen[SEEN])
        ticks.append(Tick(at + minute * 60.0, stage, seen, requests, seen.get("failing", (0, 0)), requests, times))
    return Counts(tuple(ticks), at + minutes * 60.0 + LATE)


def judged(found, *, of=None, rules=None, goals=()):
    return compare(
        app="app1", environment="vagrant", hosts=["app1"], rollout=of or rollout(), rules=rules or Rules(), goals=goals,
        counts=found,
    )  # fmt: skip


def goal(name):
    return GOAL + name
