"""Judge a rollout by what was counted of it. Pure: the same counts give the same comparison, whenever it is made."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from ..model.rollout import Rollout, Rules
from .arms import arm_totals, sample_ratio
from .comparison import Comparison
from .counts import Counts
from .differences import differences
from .evidence import follow
from .goals import outcomes
from .goals import warnings as goal_warnings
from .verdict import judge


def compare(
    *,
    app: str,
    environment: str,
    hosts: Sequence[str],
    rollout: Rollout,
    rules: Rules,
    goals: Collection[str],
    counts: Counts,
) -> Comparison:
    """Compare the canary with its base by everything counted so far, and say what to do.

    `counts` are of all hosts together, their ticks in the order of time; `goals` are names of `goals:` in
    conf/apps/<app>.yml.
    """
    evidence = follow(rollout, rules, counts)
    found = differences(rollout, rules, counts, evidence)
    ratio = sample_ratio(rollout, counts, evidence)
    reached = outcomes(rollout, rules, goals, counts)
    return Comparison(
        app=app,
        environment=environment,
        hosts=tuple(hosts),
        rollout=rollout,
        rules=rules,
        counts=counts,
        arms=arm_totals(rollout, counts, rules.alpha),
        differences=found,
        sample_ratio=ratio,
        goals=reached,
        evidence=evidence.points,
        verdict=judge(rollout, rules, counts, evidence, found, ratio, reached),
        warnings=(*_warnings(rollout, counts), *goal_warnings(rollout, goals, counts)),
    )


def _warnings(rollout: Rollout, counts: Counts) -> list[str]:
    found = []
    if not rollout.slow:
        found.append("Slowness is not judged: there were too few requests before the rollout to know what is slow.")
    if counts.sampled < 1:
        found.append(f"Only {counts.sampled:.1%} of the users are counted, there are so many.".replace("%", " %"))
    trouble = counts.trouble
    if trouble.unreadable or trouble.foreign:
        found.append(
            f"Log lines left out: {trouble.unreadable:,} that can't be read, {trouble.foreign:,} of something else."
        )
    if trouble.lost_before:
        begin = datetime.fromtimestamp(trouble.lost_before, UTC)
        found.append(f"Lines of a log were removed before they were counted; all are there from {begin:%F %R} UTC on.")
    return found
