"""The evidence as it grew, tick by tick: what was reached first decides, whenever it is looked at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..model.rollout import Rollout, Rules
from .comparison import Point
from .counts import FAILING, SEEN, Counts, Tick
from .draws import WEIGHTS, arm_shares, complete, draws, exposed, judged, number, pair
from .sequential import log_more, log_sample_ratio, log_share_below

SAMPLE_RATIO_ALPHA = 0.01
LARGEST = 300 * math.log(10)
"""E-values are shown up to 10³⁰⁰: more is no number to a machine, and no more certain."""


@dataclass(frozen=True)
class Evidence:
    """What grew, in complete ticks. A boundary once reached stays reached: no verdict depends on who looked when.

    `crossed` says in which tick a kind first reached its boundary, without being negligible then; `mismatch`, in
    which one the sample ratio did. `sample_ratio` is the largest of its log e-values so far.
    """

    points: tuple[Point, ...]
    crossed: Mapping[str, int]
    sample_ratio: float
    mismatch: int | None

    def strongest(self, kind: str) -> float:
        """The e-value that counts: where a kind has crossed, its largest; else the present one."""
        values = [point.evidence[kind] for point in self.points]
        return max(values) if kind in self.crossed else values[-1] if values else 1.0


def boundary(rules: Rules, kind: str) -> float:
    """The e-value at which a kind aborts: 1 / (α·weight)."""
    return 1 / (rules.alpha * WEIGHTS[kind])


def allowed(rules: Rules, kind: str) -> float:
    """How many times as often as with the base something may happen to the canary's users."""
    return rules.tolerated.failing if kind == FAILING else rules.tolerated.slow


def e_value(logarithm: float) -> float:
    return math.exp(min(logarithm, LARGEST))


def negligible(rules: Rules, hits: float, users: float) -> bool:
    """Whether it is certain that so small a share of an arm's users met it that no ratio matters.

    To be fine, `users` are those who have had the time to (`settled`); `hits` are always all so far.
    """
    share = rules.negligible / 100
    return 0 < share < 1 and log_share_below(hits, users, share) >= -math.log(rules.alpha)


@dataclass
class _Sum:
    """The log e-value of one kind: that of each stage, made anew only where something happened."""

    ratio: float
    counted: dict[int, tuple[int, int]] = field(default_factory=dict)
    stages: dict[int, float] = field(default_factory=dict)

    def add(self, rollout: Rollout, stage: int, canary: int, base: int) -> float:
        if canary or base:
            before = self.counted.get(stage, (0, 0))
            now = self.counted[stage] = (before[0] + canary, before[1] + base)
            self.stages[stage] = log_more([draws(rollout, stage, *now)], self.ratio)
        return sum(self.stages.values())

    @property
    def canary(self) -> int:
        return sum(canary for canary, _ in self.counted.values())


def follow(rollout: Rollout, rules: Rules, counts: Counts) -> Evidence:
    """Add up the ticks in their order, but the last while something is still added to it."""
    counts = complete(rollout, rules, counts)
    sums = {kind: _Sum(allowed(rules, kind)) for kind in judged(rollout)}
    crossed: dict[str, int] = {}
    points = []
    users = 0
    for place, tick in enumerate(counts.ticks):
        users += pair(rollout, exposed(Counts((tick,), tick.at)))[0]
        now = {
            kind: one.add(rollout, tick.stage, *pair(rollout, tick.users.get(kind, ()))) for kind, one in sums.items()
        }
        for kind, value in now.items():
            over = value >= math.log(boundary(rules, kind))
            if over and kind not in crossed and not negligible(rules, sums[kind].canary, users):
                crossed[kind] = place
        points.append(Point(tick.at, {kind: e_value(value) for kind, value in now.items()}))
    ratios = sample_ratios(rollout, counts.ticks)
    reached = (place for place, value in enumerate(ratios) if value >= -math.log(SAMPLE_RATIO_ALPHA))
    return Evidence(tuple(points), crossed, max(ratios, default=0.0), next(reached, None))


def sample_ratios(rollout: Rollout, ticks: tuple[Tick, ...]) -> list[float]:
    """The log e-value of the sample ratio after each tick: users as first seen, since these are independent draws."""
    arms = len(rollout.versions)
    asked = [arm_shares(rollout, stage) for stage in rollout.stages]
    counted = [[0] * arms for _ in asked]
    stages = [0.0] * len(asked)
    found = []
    for tick in ticks:
        seen = tick.users.get(SEEN, ())
        for arm in range(arms):
            counted[tick.stage][arm] += number(seen, arm)
        stages[tick.stage] = log_sample_ratio([counted[tick.stage]], [asked[tick.stage]])
        found.append(sum(stages))
    return found
