"""What happened over time and how it was spread, thinned to what a picture can show. Text and page draw from these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from ..comparison import Comparison, Point
from ..counts import FAILING, SEEN, WIDTH, Arms, Histogram, Tick, added
from ..draws import arm_shares, exposed

SLICES = 48
"""Most slices of time that are drawn."""
FULL = 50
"""Requests of the smallest arm that a slice should hold on average: with fewer its error rate jumps about."""
STEPS = 120
"""Most pieces that the evidence's line is thinned to; each keeps its highest and its last point."""


@dataclass(frozen=True)
class Slice:
    """Some ticks together, from `at` to `until` in seconds since 1970; numbers are by arm."""

    at: float
    until: float
    requests: Arms
    errors: Arms
    seen: Arms
    failing: Arms
    times: tuple[Histogram, ...]

    def error_rate(self, arm: int) -> float | None:
        """Share of the requests that failed, 0 to 1; None where there were none."""
        return self.errors[arm] / self.requests[arm] if self.requests[arm] else None


@dataclass(frozen=True)
class StageCounts:
    """One stage of the rollout: from when to when, the shares asked for (0 to 1), and numbers by arm.

    `seen` are users who came first in this stage, which is what the shares are of; `users` are those that an arm had.
    """

    at: float
    until: float
    asked: tuple[float, ...]
    seen: Arms
    users: Arms
    failing: Arms
    requests: Arms


def slices(comparison: Comparison) -> list[Slice]:
    """The rollout's time in slices of equal length; those in which nothing was counted are left out."""
    ticks = comparison.counts.ticks
    if not ticks:
        return []
    most = min(SLICES, max(6, min(comparison.counts.requests()) // FULL))
    began, until = ticks[0].at, max(comparison.counts.until, ticks[-1].at + 1)
    length = _length(ticks, until - began, most)
    arms = len(comparison.rollout.versions)
    groups = groupby(ticks, key=lambda tick: int((tick.at - began) // length))
    return [
        _slice(list(found), began + place * length, min(until, began + (place + 1) * length), arms)
        for place, found in groups
    ]


def _length(ticks: Sequence[Tick], lasted: float, most: int) -> float:
    """Whole ticks, so that no slice has one tick more than its neighbours without being longer."""
    tick = tick_length(ticks) or lasted
    return tick * max(1, -(-lasted // (tick * most)))


def tick_length(ticks: Sequence[Tick]) -> float:
    """Seconds from a tick to the next where none is missing between; 0 where there is but one."""
    return min((later.at - sooner.at for sooner, later in pairwise(ticks)), default=0.0)


def _slice(ticks: Sequence[Tick], at: float, until: float, arms: int) -> Slice:
    return Slice(
        at=at,
        until=until,
        requests=padded(added([tick.requests for tick in ticks]), arms),
        errors=padded(added([tick.errors for tick in ticks]), arms),
        seen=padded(added([tick.users.get(SEEN, ()) for tick in ticks]), arms),
        failing=padded(added([tick.users.get(FAILING, ()) for tick in ticks]), arms),
        times=tuple(
            sum((tick.times[arm] for tick in ticks if arm < len(tick.times)), Histogram()) for arm in range(arms)
        ),
    )


def padded(numbers: Arms, arms: int) -> Arms:
    """Zeros for arms of which nothing was counted."""
    return (*numbers, *[0] * (arms - len(numbers)))


def part(numbers: Arms, arm: int) -> float | None:
    """An arm's share of all, 0 to 1; None where there is nothing."""
    return numbers[arm] / sum(numbers) if sum(numbers) else None


def stages(comparison: Comparison) -> list[StageCounts]:
    """Every stage of the rollout so far with what was counted in it."""
    rollout, counts = comparison.rollout, comparison.counts
    arms = len(rollout.versions)
    ends = [*(one.at for one in rollout.stages[1:]), max(counts.until, rollout.stages[-1].at)]
    return [
        StageCounts(
            at=stage.at,
            until=until,
            asked=arm_shares(rollout, stage),
            seen=padded(counts.users(SEEN, place), arms),
            users=padded(exposed(counts, place), arms),
            failing=padded(counts.users(FAILING, place), arms),
            requests=padded(added([tick.requests for tick in counts.ticks if tick.stage == place]), arms),
        )
        for place, (stage, until) in enumerate(zip(rollout.stages, ends, strict=True))
    ]


def evidence(comparison: Comparison) -> list[Point]:
    """The evidence at the end of each tick: that is when it was there. A tick is named by its beginning."""
    counts = comparison.counts
    length = tick_length(counts.ticks)
    begins = {tick.at for tick in counts.ticks}
    return [
        Point(min(point.at + length, counts.until), point.evidence) if point.at in begins and length else point
        for point in comparison.evidence
    ]


def thinned(evidence: Sequence[Point], most: int = STEPS) -> list[Point]:
    """Fewer points: of each piece the highest and the last, so that no crossing of the stop line is lost."""
    if len(evidence) <= 2 * most:
        return list(evidence)
    size = -(-len(evidence) // most)
    pieces = [evidence[start : start + size] for start in range(0, len(evidence), size)]
    return [point for piece in pieces for point in sorted({_highest(piece).at: _highest(piece), piece[-1].at: piece[-1]}
            .values(), key=lambda one: one.at)]  # fmt: skip


def _highest(points: Sequence[Point]) -> Point:
    return max(points, key=lambda point: max(point.evidence.values(), default=0.0))


def weighed(comparison: Comparison, kind: str, value: float) -> float:
    """Evidence of a kind on the scale that all kinds share, where the stop line is 1/α.

    Kind i has the part w_i of α and stops at 1/(α·w_i): the same as w_i·E_i reaching 1/α.
    """
    boundary = next((one.boundary for one in comparison.differences if one.kind == kind), None)
    return value / (boundary * comparison.rules.alpha) if boundary else value


def slower(times: Histogram) -> list[tuple[float, float]]:
    """Points (seconds, share of the requests that took longer), from 1 down to one request."""
    total, left, found = times.total, times.total, []
    for place, count in sorted(times.bins.items()):
        found.append((WIDTH**place / 1000, left / total))
        left -= count
    return found
