"""What is compared between the canary and its base: errors, and three ways of being slow."""

from __future__ import annotations

from ..model.rollout import Rollout, Rules, Thresholds
from .comparison import Difference
from .counts import FAILING, SLOW50, SLOW95, Counts
from .draws import WEIGHTS, draws_by_stage, exposed, judged, minutes_by_stage, pair
from .evidence import Evidence, allowed, boundary
from .forecast import Outlook, fine_in
from .sequential import likeliest_ratio, ratio_interval

TOO_BAD, FINE, UNCLEAR = "too bad", "fine", "unclear"
WORST_FIRST = (TOO_BAD, UNCLEAR, FINE)


def differences(rollout: Rollout, rules: Rules, counts: Counts, evidence: Evidence) -> tuple[Difference, ...]:
    """One for each kind that is judged, worst first."""
    found = [_difference(rollout, rules, counts, evidence, kind) for kind in judged(rollout)]
    return tuple(sorted(found, key=lambda one: (WORST_FIRST.index(one.state), -one.evidence / one.boundary)))


def outlook(rollout: Rollout, counts: Counts, kind: str) -> Outlook:
    """What is known of a kind, and its traffic: events and users for each minute of the rollout so far."""
    stages = draws_by_stage(rollout, counts, kind)
    minutes = minutes_by_stage(rollout, counts.until)
    watched = sum(time * (one.canary_share + one.base_share) for time, one in zip(minutes, stages, strict=True))
    events = sum(one.canary + one.base for one in stages)
    users = exposed(counts)
    canary_minutes = sum(time * one.canary_share for time, one in zip(minutes, stages, strict=True))
    seen = pair(rollout, users)[0]
    return Outlook(
        kind=kind,
        stages=stages,
        pace=events / watched if watched else 0.0,
        users=seen,
        canary_users=seen / canary_minutes * stages[-1].canary_share if canary_minutes else 0.0,
    )


def _difference(rollout: Rollout, rules: Rules, counts: Counts, evidence: Evidence, kind: str) -> Difference:
    seen = outlook(rollout, counts, kind)
    canary_users, base_users = pair(rollout, exposed(counts))
    canary, base = pair(rollout, counts.users(kind))
    state = TOO_BAD if kind in evidence.crossed else FINE if seen.fine(rules) else UNCLEAR
    return Difference(
        kind=kind,
        title=title(kind, rollout.slow),
        canary=canary / max(canary_users, 1),
        base=base / max(base_users, 1),
        canary_users=canary_users,
        base_users=base_users,
        ratio=likeliest_ratio(seen.stages),
        interval=ratio_interval(seen.stages, rules.alpha * WEIGHTS[kind], rules.alpha),
        allowed=allowed(rules, kind),
        evidence=evidence.strongest(kind),
        boundary=boundary(rules, kind),
        state=state,
        minutes=fine_in(seen, rules) if state == UNCLEAR else None,
        canary_met=canary,
        base_met=base,
    )


def title(kind: str, slow: Thresholds | None) -> str:
    """What users met, in words that also go into a sentence: "31 of 310 users" + title."""
    if kind == FAILING or not slow:
        return "met an error"
    if kind == SLOW50:
        return f"had a first request over {seconds(slow.p50)}"
    return f"met a request over {seconds(slow.p95 if kind == SLOW95 else slow.p99)}"


def seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
