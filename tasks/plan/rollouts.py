"""What routing tables say of a rollout, and how each table's follows from the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import BadInput, printable
from ..model.percent import BUCKETS, NOBODY, Percent
from ..model.rollout import AB, CANARY, Rollout, Stage, Thresholds
from ..model.route import Table
from ..model.version import Version

PROMOTED, ABORTED, STOPPED = "promoted", "aborted", "stopped"
MOST_STAGES = 1000
"""A rollout has at most as many as there are shares: what has more was not written by depl."""


def after(
    former: Rollout | None,
    table: Table,
    at: float,
    begun: Rollout | None = None,
    outcome: str = "",
    reason: str = "",
) -> Rollout | None:
    """The rollout as a new table has it: it begins, goes on with another share, or ends, how and for what `reason`.

    `begun` is what a new rollout starts with, and is taken only where none of this canary is under way.
    """
    going_on = former if former and former.ended is None else None
    if not table.canary:
        if going_on:
            promoted = table.live.version == going_on.canary
            return replace(going_on, ended=at, outcome=PROMOTED if promoted else outcome or STOPPED, reason=reason)
        return former
    stage = Stage(at, table.share, table.control_share)
    if going_on and _is_same(going_on, table):
        last = going_on.stages[-1]
        if (last.share, last.control) == (stage.share, stage.control):
            return going_on
        return replace(going_on, stages=(*going_on.stages, stage))
    control = table.control.version if table.control else None
    blank = begun or Rollout(CANARY, table.live.version, table.canary.version, control, ())
    return replace(blank, stages=(stage,))


def _is_same(rollout: Rollout, table: Table) -> bool:
    control = table.control.version if table.control else None
    canary = table.canary.version if table.canary else None
    return (rollout.live, rollout.canary, rollout.control) == (table.live.version, canary, control)


def since(rollout: Rollout, at: float) -> Rollout:
    """The part of a rollout that came after a time: with the share that it had then."""
    before = [one for one in rollout.stages if one.at <= at]
    later = [one for one in rollout.stages if one.at > at]
    first = [replace(before[-1], at=at)] if before else []
    return replace(rollout, stages=(*first, *later))


def as_json(rollout: Rollout | None) -> dict[str, Any] | None:
    """A rollout as a table's description has it; shares in buckets of 0.1 %, times in seconds since 1970."""
    if not rollout:
        return None
    slow = rollout.slow
    return {
        "kind": rollout.kind,
        "live": str(rollout.live),
        "canary": str(rollout.canary),
        "control": str(rollout.control) if rollout.control else None,
        "stages": [[one.at, one.share.buckets, one.control.buckets] for one in rollout.stages],
        "slow": [slow.p50, slow.p95, slow.p99] if slow else None,
        "ended": rollout.ended,
        "outcome": rollout.outcome,
        "reason": rollout.reason,
    }


def parse(found: object) -> Rollout | None:
    """Read what `as_json` wrote; None for anything else."""
    try:
        return _parse(found) if isinstance(found, dict) else None
    except (BadInput, KeyError, TypeError, ValueError):
        return None


def _parse(found: Mapping[str, Any]) -> Rollout:
    stages = tuple(_stage(one) for one in found["stages"][:MOST_STAGES])
    if not stages or found["kind"] not in (CANARY, AB):
        raise ValueError
    slow, ended = found.get("slow"), found.get("ended")
    return Rollout(
        kind=found["kind"],
        live=Version.parse(found["live"]),
        canary=Version.parse(found["canary"]),
        control=Version.parse(found["control"]) if found.get("control") is not None else None,
        stages=stages,
        slow=Thresholds(*map(_seconds, slow)) if slow is not None else None,
        ended=None if ended is None else _seconds(ended),
        outcome=found["outcome"] if found.get("outcome") in (PROMOTED, ABORTED, STOPPED) else "",
        reason=printable(str(found.get("reason") or "")),
    )


def _stage(found: Sequence[Any]) -> Stage:
    at, share, control = found
    return Stage(_seconds(at), _percent(share), _percent(control))


def _percent(found: object) -> Percent:
    if type(found) is not int or not NOBODY.buckets <= found <= BUCKETS:
        raise ValueError
    return Percent(found)


def _seconds(found: object) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < 1e11:
        raise ValueError
    return float(found)
