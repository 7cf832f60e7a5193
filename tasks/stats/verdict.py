"""The verdict, in words for somebody who was woken up."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.rollout import AB, Rollout, Rules
from .comparison import (
    ABORT,
    DECIDED,
    INVALID,
    NOT_YET,
    PROMOTE,
    WAIT,
    Difference,
    Outcome,
    SampleRatio,
    Verdict,
)
from .counts import FAILING, Counts
from .differences import FINE, canary_users, outlook
from .draws import exposed, pair
from .evidence import Evidence
from .forecast import CANT_BE_SAID, Users, showing, spell
from .goals import FEWER, MORE


def judge(
    rollout: Rollout,
    rules: Rules,
    counts: Counts,
    evidence: Evidence,
    found: Sequence[Difference],
    ratio: SampleRatio,
    goals: Sequence[Outcome],
) -> Verdict:
    """What ended a rollout stays its verdict. Else an abort comes first, then arms that aren't as asked.

    `found` is worst first.
    """
    if rollout.reason and rollout.outcome in ENDED:
        return Verdict(*ENDED[rollout.outcome](rollout), rollout.reason)
    if evidence.crossed:
        worst = min(evidence.crossed, key=lambda kind: evidence.crossed[kind])
        return _abort(rollout, next(one for one in found if one.kind == worst))
    if evidence.mismatch is not None:
        return _invalid(rollout, ratio)
    if not sum(exposed(counts)):
        return _nobody(rollout)
    if rollout.kind == AB:
        return _goals(rollout, goals)
    users = canary_users(rollout, rules, counts)
    if users.present >= rules.minimum_users and all(one.state == FINE for one in found):
        return _promote(rollout, found)
    return _wait(rollout, rules, counts, found, users)


def _taken_out(rollout: Rollout) -> tuple[str, str]:
    return ABORT, f"ABORT. {rollout.canary} was taken out of traffic."


def _given_to_all(rollout: Rollout) -> tuple[str, str]:
    return PROMOTE, f"PROMOTE. {rollout.canary} is not worse than you allow."


ENDED = {"aborted": _taken_out, "promoted": _given_to_all}
"""By the outcomes of rollouts that their verdict ended."""


def _invalid(rollout: Rollout, ratio: SampleRatio) -> Verdict:
    shares = ", ".join(
        f"{name} {asked:.1%} asked, {got:.1%} got".replace("%", " %")
        for name, asked, got in zip(("live", "canary", "control"), ratio.asked, ratio.got, strict=False)
    )
    return Verdict(
        INVALID,
        f"NOT VALID. The arms did not get the shares of users that {rollout.canary} was to be compared with.",
        f"Users: {shares}. More than chance: something loses users or log lines of one version. Nothing is promoted or "
        "put back because of this.",
    )


def _abort(rollout: Rollout, worst: Difference) -> Verdict:
    how = "fails too often" if worst.kind == FAILING else "is too slow"
    return Verdict(ABORT, f"ABORT. {rollout.canary} {how}.", _numbers(rollout, worst) + _certain(worst), worst.kind)


def _promote(rollout: Rollout, found: Sequence[Difference]) -> Verdict:
    failing = next(one for one in found if one.kind == FAILING)
    slow = "" if rollout.slow else " Slowness was not judged."
    return Verdict(
        PROMOTE,
        f"PROMOTE. {rollout.canary} is not worse than you allow.",
        f"{_numbers(rollout, failing)}{slow}",
        failing.kind,
    )


def _nobody(rollout: Rollout) -> Verdict:
    return Verdict(
        WAIT,
        "NOT ENOUGH DATA. No user has been seen yet.",
        f"There is no log line of a user of {rollout.canary} or of the live version since the rollout began. "
        + CANT_BE_SAID,
    )


def _wait(rollout: Rollout, rules: Rules, counts: Counts, found: Sequence[Difference], users: Users) -> Verdict:
    unclear = [one for one in found if one.state != FINE]
    slowest = max(unclear, key=lambda one: (one.minutes is None, one.minutes or 0.0), default=None)
    waits = [one.minutes for one in unclear]
    waits.append(users.enough_in(rules.minimum_users))
    missing = rules.minimum_users - round(users.present)
    known = [wait for wait in waits if wait is not None]
    minutes = max(known) if known and len(known) == len(waits) else None
    more = f"about {spell(minutes)} more at this traffic" if minutes is not None else "how long it takes can't be said"
    canary, base = pair(rollout, exposed(counts))
    reason = _numbers(rollout, slowest) if slowest else f"{people(canary)} of {rollout.canary} so far."
    if slowest is None or (missing > 0 and not slowest.canary_met + slowest.base_met):
        ago = f", {spell(users.settle)} or longer" if users.settle else ""
        reason += f" At least {rules.minimum_users:,} are seen at each share{ago} before a verdict; "
        reason += f"{missing:,} are missing."
    elif slowest and outlook(rollout, rules, counts, slowest.kind).leans(rules):
        reason += f" {_leaning(rollout, counts, slowest)}"
    if minutes is None:
        reason += f" {_why_unknown(rollout, canary, base, slowest)}"
    show = showing(outlook(rollout, rules, counts, FAILING), rules)
    return Verdict(
        WAIT,
        f"NOT ENOUGH DATA. {more[0].upper()}{more[1:]}.",
        f"{reason} From now on, {show}.",
        slowest.kind if slowest else "",
        minutes,
    )


def _leaning(rollout: Rollout, counts: Counts, one: Difference) -> str:
    """Say what of late speaks against a canary that all stages together speak for."""
    last = len(rollout.stages) - 1
    canary, base = pair(rollout, counts.users(one.kind, last))
    return f"At {rollout.stages[last].share} alone it was {canary:,} of the canary, {base:,} of the others."


def _why_unknown(rollout: Rollout, canary: int, base: int, slowest: Difference | None) -> str:
    if not canary:
        return f"No user of {rollout.canary} has been seen yet."
    if not base:
        return f"No user of {_base(rollout)} has been seen yet."
    kind = slowest.title if slowest else "met an error"
    return f"Too few users {kind} with either version to compare them within 30 days."


def _goals(rollout: Rollout, goals: Sequence[Outcome]) -> Verdict:
    decided = [one for one in goals if one.state in (MORE, FEWER)]
    told = decided or list(goals)
    reason = " ".join(_goal(rollout, one) for one in told) or "No goals are given: `goals:` of the app names them."
    if not decided:
        return Verdict(NOT_YET, "NOT YET. The versions can't be told apart by their goals.", reason)
    said = " and ".join(f"{one.state} users reach {one.goal}" for one in decided)
    return Verdict(DECIDED, f"DECIDED. With {rollout.canary} {said}.", reason)


def _goal(rollout: Rollout, one: Outcome) -> str:
    bounds = ""
    if one.interval.low is not None and one.interval.high is not None:
        low, high = one.interval.low * 100, one.interval.high * 100
        bounds = f" The difference is {low:+.2f} to {high:+.2f} percentage points."
        if one.state in (MORE, FEWER) and low <= 0 <= high:
            bounds += " It was certain before."
    return (
        f"{one.goal}: {one.canary_reached:,} of {people(one.canary_users)} of {rollout.canary} reached it; "
        f"with the live version {one.live_reached:,} of {one.live_users:,}.{bounds}"
    )


def _numbers(rollout: Rollout, one: Difference) -> str:
    """Say, for example: 31 of 310 users met an error; with the live version 8 of 5,900."""
    return (
        f"{one.canary_met:,} of {people(one.canary_users)} {one.title}; "
        f"with {_base(rollout)} {one.base_met:,} of {one.base_users:,}."
    )


def _certain(one: Difference) -> str:
    if one.interval.low is None:
        return f" {one.allowed:g} times as many are allowed."
    return f" That is at least {one.interval.low:.1f} times as many; {one.allowed:g} times are allowed."


def _base(rollout: Rollout) -> str:
    return "the control arm" if rollout.control else "the live version"


def people(users: int) -> str:
    return "1 user" if users == 1 else f"{users:,} users"
