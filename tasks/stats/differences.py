"""What is compared between the canary and its base: errors, and three ways of being slow."""

from __future__ import annotations

from ..model.percent import BUCKETS
from ..model.rollout import Rollout, Rules, Thresholds
from .comparison import Difference
from .counts import FAILING, SLOW50, SLOW95, Counts
from .draws import WEIGHTS, draws_by_stage, exposed, judged, minutes_by_stage, pair, settled
from .evidence import Evidence, allowed, boundary
from .forecast import Outlook, Users, fine_in
from .sequential import likeliest_ratio, ratio_interval

TOO_BAD, FINE, UNCLEAR = "too bad", "fine", "unclear"
WORST_FIRST = (TOO_BAD, UNCLEAR, FINE)


def differences(rollout: Rollout, rules: Rules, counts: Counts, evidence: Evidence) -> tuple[Difference, ...]:
    """One for each kind that is judged, worst first."""
    found = [_difference(rollout, rules, counts, evidence, kind) for kind in judged(rollout)]
    return tuple(sorted(found, key=lambda one: (WORST_FIRST.index(one.state), -one.evidence / one.boundary)))


def outlook(rollout: Rollout, rules: Rules, counts: Counts, kind: str) -> Outlook:
    """What is known of a kind, and its traffic: events and users for each minute of the rollout so far."""
    stages = draws_by_stage(rollout, counts, kind)
    minutes = minutes_by_stage(rollout, counts.until)
    watched = sum(time * (one.canary_share + one.base_share) for time, one in zip(minutes, stages, strict=True))
    events = sum(one.canary + one.base for one in stages)
    return Outlook(kind, stages, events / watched if watched else 0.0, canary_users(rollout, rules, counts))


def canary_users(rollout: Rollout, rules: Rules, counts: Counts) -> Users:
    """The canary's users so far, and how many come in a minute at the present share."""
    last = len(rollout.stages) - 1
    long_ago = settled(rules, counts)

    def canary(found: Counts, stage: int | None = None) -> int:
        return pair(rollout, exposed(found, stage))[0]

    present = canary(long_ago, last)
    shares = [stage.share.buckets / BUCKETS for stage in rollout.stages]
    watched = sum(time * share for time, share in zip(minutes_by_stage(rollout, counts.until), shares, strict=True))
    return Users(
        settled=canary(long_ago),
        present=present,
        recent=canary(counts, last) - present,
        pace=canary(counts) / watched * shares[-1] if watched else 0.0,
        settle=rules.settle / 60,
    )


def _difference(rollout: Rollout, rules: Rules, counts: Counts, evidence: Evidence, kind: str) -> Difference:
    seen = outlook(rollout, rules, counts, kind)
    on_canary, on_base = pair(rollout, exposed(counts))
    canary, base = pair(rollout, counts.users(kind))
    state = TOO_BAD if kind in evidence.crossed else FINE if seen.fine(rules) else UNCLEAR
    return Difference(
        kind=kind,
        title=title(kind, rollout.slow),
        canary=canary / max(on_canary, 1),
        base=base / max(on_base, 1),
        canary_users=on_canary,
        base_users=on_base,
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
