"""What was done about a rollout, and which command is next. Only commands that exist."""

from __future__ import annotations

from ...model.rollout import AB, HOLD
from ..comparison import ABORT, DECIDED, INVALID, PROMOTE, Comparison
from . import words


def done(comparison: Comparison) -> str:
    """Where the canary's traffic is now, in a sentence."""
    rollout = comparison.rollout
    at = f" at {words.moment(rollout.ended)}" if rollout.ended else ""
    if rollout.outcome == "promoted":
        return f"It was promoted{at}: all users have it."
    if rollout.outcome == "aborted":
        return f"It was taken out of traffic{at}: all users have {rollout.live} again."
    if rollout.ended:
        return f"It was ended{at}."
    share = f"It still gets {rollout.stages[-1].share} of the users."
    return f"{share} on_fail is hold: nobody is put back." if _held(comparison) else share


def _held(comparison: Comparison) -> bool:
    return comparison.verdict.word == ABORT and comparison.rules.on_fail == HOLD


def next_commands(comparison: Comparison) -> list[tuple[str, str]]:
    """Commands to type next and what each does, the first one the likeliest."""
    rollout, word = comparison.rollout, comparison.verdict.word
    version, app = rollout.canary, f" --app {words.clean(comparison.app)}"
    logs = (f"inv logs --version {version}{app} --lines 200", "what the canary wrote")
    watch = (f"inv compare{app} --watch", "look on")
    if rollout.outcome == "promoted":
        return [(f"inv rollback{app}", f"back to {rollout.live}")]
    if rollout.ended:
        return [logs]
    if rollout.kind == AB:
        stop = (f"inv ab.stop{app}", "end the test: all users get the live version")
        return [stop] if word in (DECIDED, INVALID) else [watch, stop]
    back = (f"inv canary --percent 0{app}", "take the canary out of traffic")
    if word == PROMOTE:
        return [(f"inv promote --version {version}{app}", "give it to all users")]
    return [back, logs] if word in (ABORT, INVALID) else [watch, back]
