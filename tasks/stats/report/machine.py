"""A comparison for machines: `inv compare --json`, the raw data of the page, and lines of the evidence file.

Keys are stable: later versions add keys and never change what one means; SCHEMA grows if that can't be kept.
Times are seconds since 1970, response times seconds, shares 0 to 1, lists by arm in the order of "arms". What is not
known, and numbers without a bound, are null.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..comparison import ArmTotals, Comparison, Difference, Interval, Outcome
from ..counts import WIDTH
from . import series
from .words import finite

SCHEMA = 1


def as_json(comparison: Comparison) -> dict[str, Any]:
    """All that is known of a rollout.

    - schema, app, environment, hosts, began, until (of what was counted)
    - verdict: word, headline, reason, kind (what decided), minutes (until there is more to say)
    - rollout: kind, live, canary, control, ended, outcome, slow (thresholds p50, p95, p99), stages (each: at, until,
      asked; and by arm seen, users, failing, requests)
    - rules: as in conf/apps
    - arms: role, version, users, share, requests, errors, error_rate, failing, failing_share, bytes, p50, p95, p99
      (each: value, low, high), times (width of bins, bins: requests from width**i to width**(i+1) milliseconds)
    - differences: kind, title, canary, base, canary_users, base_users, canary_met, base_met, ratio, low, high, allowed,
      evidence, boundary, state, minutes
    - sample_ratio: asked, got, evidence, boundary, mismatch
    - goals: goal, live, canary, live_users, canary_users, live_reached, canary_reached, difference, low, high, state
    - evidence: at, values (e-value by kind)
    - slices: at most 48 slices of time: at, until; and by arm requests, errors, seen, failing, p50, p95, p99
    - sampled, trouble (unreadable, foreign, lost_before), warnings
    """
    return {
        "schema": SCHEMA,
        "app": comparison.app,
        "environment": comparison.environment,
        "hosts": list(comparison.hosts),
        "began": comparison.rollout.began,
        "until": comparison.counts.until,
        "verdict": _verdict(comparison),
        "rollout": _rollout(comparison),
        "rules": asdict(comparison.rules),
        "arms": [_arm(one) for one in comparison.arms],
        "differences": [_difference(one) for one in comparison.differences],
        "sample_ratio": _sample_ratio(comparison),
        "goals": [_goal(one) for one in comparison.goals],
        "evidence": [
            {"at": point.at, "values": {kind: finite(value) for kind, value in point.evidence.items()}}
            for point in comparison.evidence
        ],
        "slices": [_slice(one) for one in series.slices(comparison)],
        "sampled": comparison.counts.sampled,
        "trouble": asdict(comparison.counts.trouble),
        "warnings": list(comparison.warnings),
    }


def look(comparison: Comparison, at: float) -> dict[str, Any]:
    """What one look saw, the boundary of each kind, and what was decided: a line of the evidence file.

    `at` is the time of the look. Keys: schema, at, until, stage (its place), asked, arms (role, version, users,
    requests, errors, failing), kinds (by kind: evidence, boundary, state, ratio, low, high, allowed), sample_ratio,
    decision (the verdict's word), headline, reason, kind, minutes.
    """
    stage = len(comparison.rollout.stages) - 1
    verdict = _verdict(comparison)
    return {
        "schema": SCHEMA,
        "at": at,
        "until": comparison.counts.until,
        "stage": stage,
        "asked": list(series.stages(comparison)[stage].asked),
        "arms": [
            {
                "role": one.role,
                "version": one.version,
                "users": one.users,
                "requests": one.requests,
                "errors": one.errors,
                "failing": one.failing,
            }
            for one in comparison.arms
        ],
        "kinds": {
            one.kind: {
                "evidence": finite(one.evidence),
                "boundary": finite(one.boundary),
                "state": one.state,
                "ratio": finite(one.ratio),
                **_interval(one.interval),
                "allowed": one.allowed,
            }
            for one in comparison.differences
        },
        "sample_ratio": _sample_ratio(comparison),
        "decision": verdict.pop("word"),
        **verdict,
    }


def _verdict(comparison: Comparison) -> dict[str, Any]:
    return asdict(comparison.verdict)


def _rollout(comparison: Comparison) -> dict[str, Any]:
    rollout = comparison.rollout
    return {
        "kind": rollout.kind,
        "live": str(rollout.live),
        "canary": str(rollout.canary),
        "control": str(rollout.control) if rollout.control else None,
        "ended": rollout.ended,
        "outcome": rollout.outcome,
        "slow": asdict(rollout.slow) if rollout.slow else None,
        "stages": [{**asdict(one), "asked": list(one.asked)} for one in series.stages(comparison)],
    }


def _arm(arm: ArmTotals) -> dict[str, Any]:
    return {
        "role": arm.role,
        "version": arm.version,
        "users": arm.users,
        "share": arm.share,
        "requests": arm.requests,
        "errors": arm.errors,
        "error_rate": arm.errors / arm.requests if arm.requests else None,
        "failing": arm.failing,
        "failing_share": arm.failing / arm.users if arm.users else None,
        "bytes": arm.bytes,
        "p50": {"value": arm.p50, **_interval(arm.p50_interval)},
        "p95": {"value": arm.p95, **_interval(arm.p95_interval)},
        "p99": {"value": arm.p99, **_interval(arm.p99_interval)},
        "times": {"width": WIDTH, "bins": {str(place): count for place, count in sorted(arm.times.bins.items())}},
    }


def _interval(found: Interval) -> dict[str, float | None]:
    return {"low": finite(found.low), "high": finite(found.high)}


def _difference(one: Difference) -> dict[str, Any]:
    found = {**asdict(one), **_interval(one.interval), "ratio": finite(one.ratio), "evidence": finite(one.evidence)}
    del found["interval"]
    return found


def _goal(one: Outcome) -> dict[str, Any]:
    found = {**asdict(one), **_interval(one.interval)}
    del found["interval"]
    return found


def _sample_ratio(comparison: Comparison) -> dict[str, Any]:
    found = comparison.sample_ratio
    return {**asdict(found), "evidence": finite(found.evidence), "mismatch": found.mismatch}


def _slice(one: series.Slice) -> dict[str, Any]:
    return {
        "at": one.at,
        "until": one.until,
        "requests": list(one.requests),
        "errors": list(one.errors),
        "seen": list(one.seen),
        "failing": list(one.failing),
        **{
            name: [times.quantile(share) for times in one.times]
            for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
        },
    }
