"""The next move of a rollout that goes by its own verdict: wait, grow, promote, put back, or leave it to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..model.percent import BUCKETS, Percent
from ..model.rollout import ABORT as ABORTS
from . import comparison as words
from .comparison import Comparison

WAIT, GROW, PROMOTE, ABORT, HOLD = "wait", "grow", "promote", "abort", "hold"
EVERYBODY = Percent(BUCKETS)


@dataclass(frozen=True)
class Move:
    """What to do, and why, as a sentence; `share` is the canary's after it."""

    word: str
    share: Percent
    reason: str


def move(seen: Comparison, steps: Sequence[Percent], now: float, missing: Mapping[str, str]) -> Move:
    """What to do after a look at time `now`; `missing` are the hosts that didn't tell, each with its reason.

    What is seen without some hosts can put a canary back, and never promotes it.
    """
    rules, verdict, stage = seen.rules, seen.verdict, seen.rollout.stages[-1]
    if verdict.word in (words.ABORT, words.INVALID):
        return Move(ABORT if rules.on_fail == ABORTS else HOLD, stage.share, verdict.reason)
    if verdict.word == words.PROMOTE and not missing:
        following = after(stage.share, steps)
        return Move(PROMOTE if following == EVERYBODY else GROW, following, verdict.reason)
    if now - stage.at > rules.patience:
        return Move(HOLD, stage.share, f"No verdict within {rules.patience} s at {stage.share}. {_why(seen, missing)}")
    return Move(WAIT, stage.share, _why(seen, missing))


def _why(seen: Comparison, missing: Mapping[str, str]) -> str:
    if missing:
        return "; ".join(f"{host} did not answer: {reason}" for host, reason in missing.items())
    return seen.verdict.reason


def after(share: Percent, steps: Sequence[Percent]) -> Percent:
    """The step that follows a share; everybody after the last."""
    return next((one for one in steps if one > share), EVERYBODY)


def line(seen: Comparison, chosen: Move) -> str:
    """A look in one line: the share, the users, what is worst, and the decision."""
    users = seen.counts.users("seen")
    share = seen.rollout.stages[-1].share
    canary = users[1] if len(users) > 1 else 0
    worst = seen.differences[0] if seen.differences else None
    found = f"  {worst.title}: {worst.canary:.2%} beside {worst.base:.2%}" if worst else ""
    waits = seen.verdict.word == words.WAIT and chosen.word == WAIT
    why = seen.verdict.headline if waits else chosen.reason
    return f"{share!s:>6}  {canary:,} of {sum(users):,} users{found}  {chosen.word}: {why}"


def statistics(seen: Comparison) -> dict[str, float]:
    """What a build server draws of a look: the canary's users, and for each kind how near the boundary is, 0 to 1."""
    users = seen.counts.users("seen")
    near = {f"depl.canary.{one.kind}": min(one.evidence / one.boundary, 1.0) for one in seen.differences}
    return {"depl.canary.users": users[1] if len(users) > 1 else 0, **near}
