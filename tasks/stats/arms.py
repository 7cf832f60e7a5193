"""The arms in numbers, and whether they got the share of users that they were to get."""

from __future__ import annotations

from ..model.rollout import Rollout
from .comparison import ArmTotals, Interval, SampleRatio
from .counts import FAILING, SEEN, Counts
from .draws import arm_shares, exposed, number
from .evidence import SAMPLE_RATIO_ALPHA, Evidence, e_value
from .intervals import quantile_interval

ROLES = ("live", "canary", "control")


def arm_totals(rollout: Rollout, counts: Counts, alpha: float) -> tuple[ArmTotals, ...]:
    """Each arm of the rollout, in the order of its versions."""
    return tuple(_totals(rollout, counts, arm, alpha) for arm in range(len(rollout.versions)))


def _totals(rollout: Rollout, counts: Counts, arm: int, alpha: float) -> ArmTotals:
    users = exposed(counts)
    times = counts.times(arm)
    p50, p95, p99 = (times.quantile(share) for share in (0.5, 0.95, 0.99))
    bounds: list[Interval] = [quantile_interval(times, share, alpha) for share in (0.5, 0.95, 0.99)]
    return ArmTotals(
        version=str(rollout.versions[arm]),
        role=ROLES[arm],
        users=number(users, arm),
        share=number(users, arm) / max(sum(users), 1),
        requests=number(counts.requests(), arm),
        errors=number(counts.errors(), arm),
        failing=number(counts.users(FAILING), arm),
        bytes=number(counts.bytes(), arm),
        times=times,
        p50=p50,
        p95=p95,
        p99=p99,
        p50_interval=bounds[0],
        p95_interval=bounds[1],
        p99_interval=bounds[2],
    )


def sample_ratio(rollout: Rollout, counts: Counts, evidence: Evidence) -> SampleRatio:
    """Shares asked for, those of the stages weighted by how many users each saw first, and got."""
    arms = range(len(rollout.versions))
    seen = counts.users(SEEN)
    total = sum(seen)
    weights = [sum(counts.users(SEEN, stage)) / total if total else 0.0 for stage in range(len(rollout.stages))]
    if not total:
        weights[-1] = 1.0
    stages = [arm_shares(rollout, stage) for stage in rollout.stages]
    return SampleRatio(
        asked=tuple(sum(weight * stage[arm] for weight, stage in zip(weights, stages, strict=True)) for arm in arms),
        got=tuple(number(seen, arm) / total if total else 0.0 for arm in arms),
        evidence=e_value(evidence.sample_ratio),
        boundary=1 / SAMPLE_RATIO_ALPHA,
    )
