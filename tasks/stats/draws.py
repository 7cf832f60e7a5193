"""What was counted, as draws of an arm: stage by stage, since each stage has its own shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ..model.percent import BUCKETS
from ..model.rollout import Rollout, Rules, Stage
from .counts import EXPOSED, FAILING, SEEN, SLOW50, SLOW95, SLOW99, Arms, Counts
from .sequential import Draws

JUDGED = (FAILING, SLOW50, SLOW95, SLOW99)
CANARY_ARM = 1

WEIGHTS = {FAILING: 1 / 2, SLOW50: 1 / 6, SLOW95: 1 / 6, SLOW99: 1 / 6}
"""How α is shared out among what can abort: together at most α of the healthy canaries are put back."""


def base_arm(rollout: Rollout) -> int:
    """The place of the arm that the canary is compared with."""
    return 2 if rollout.control else 0


def judged(rollout: Rollout) -> tuple[str, ...]:
    """What is judged of this rollout: without thresholds of slowness, errors alone."""
    return JUDGED if rollout.slow else (FAILING,)


def arm_shares(rollout: Rollout, stage: Stage) -> tuple[float, ...]:
    """The shares of users that the arms were to get in a stage, 0 to 1, in the order of `Rollout.versions`."""
    canary, control = stage.share.buckets / BUCKETS, stage.control.buckets / BUCKETS
    return (1 - canary - control, canary, *([control] if rollout.control else []))


def draws(rollout: Rollout, stage: int, canary: float, base: float) -> Draws:
    """So many events of the canary's and its base's users in one stage."""
    shares = arm_shares(rollout, rollout.stages[stage])
    return Draws(canary, base, shares[CANARY_ARM], shares[base_arm(rollout)])


def draws_by_stage(rollout: Rollout, counts: Counts, kind: str) -> list[Draws]:
    """All events of a kind so far, one entry for each stage."""
    found = [counts.users(kind, stage) for stage in range(len(rollout.stages))]
    return [draws(rollout, place, *pair(rollout, arms)) for place, arms in enumerate(found)]


def pair(rollout: Rollout, arms: Arms) -> tuple[int, int]:
    """The canary's number and its base's; nothing counted is nothing happened."""
    return number(arms, CANARY_ARM), number(arms, base_arm(rollout))


def exposed(counts: Counts, stage: int | None = None) -> Arms:
    """Users by arm, one who was moved in both; as first seen where nothing else was counted."""
    return counts.users(EXPOSED, stage) or counts.users(SEEN, stage)


LATE = 2.0
"""Seconds after which nothing is added to a tick that is over: logs are written, and hosts agree on the time."""


def ends(rules: Rules, counts: Counts) -> list[float]:
    """When each tick is over, in seconds since 1970: a slice in which a stage begins is two ticks."""
    following = [*(tick.at for tick in counts.ticks[1:]), math.inf]
    return [min(tick.at + rules.every, after) for tick, after in zip(counts.ticks, following, strict=False)]


def complete(rollout: Rollout, rules: Rules, counts: Counts) -> Counts:
    """The ticks to which nothing is added any more: what is decided by them is decided at every later look too."""
    if rollout.ended is not None:
        return counts
    over = zip(counts.ticks, ends(rules, counts), strict=True)
    return replace(counts, ticks=tuple(tick for tick, end in over if end + LATE <= counts.until))


def settled(rules: Rules, counts: Counts) -> Counts:
    """The ticks whose new users were all first seen at least `rules.settle` seconds ago."""
    over = zip(counts.ticks, ends(rules, counts), strict=True)
    latest = counts.until - rules.settle
    return replace(counts, ticks=tuple(tick for tick, end in over if min(end, counts.until) <= latest))


def minutes_by_stage(rollout: Rollout, until: float) -> list[float]:
    """How many minutes each stage has taken so far."""
    ends: Sequence[float] = [*(stage.at for stage in rollout.stages[1:]), until]
    return [max(end - stage.at, 0.0) / 60 for stage, end in zip(rollout.stages, ends, strict=True)]


def number(arms: Arms, arm: int) -> int:
    return arms[arm] if arm < len(arms) else 0
