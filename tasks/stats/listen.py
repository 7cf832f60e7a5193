"""What others have against a canary keeps it where it is: it neither puts one back nor lets one grow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from ..model.witness import Complaint, Heard
from .comparison import Comparison
from .report.words import moment
from .walk import GROW, HOLD, PROMOTE, WAIT, Move

SHOWN = 2
"""Complaints of one witness that are told in full."""


def asks(chosen: Move) -> bool:
    """Whether a move is one that a complaint can stop."""
    return chosen.word in (GROW, PROMOTE)


def heed(chosen: Move, heard: Heard, seen: Comparison, now: float) -> Move:
    """The move that the statistics chose, or to wait at time `now`; to leave it to people when patience is over."""
    if not heard.complaints or not asks(chosen):
        return chosen
    stage, patience = seen.rollout.stages[-1], seen.rules.patience
    if now - stage.at > patience:
        return Move(HOLD, stage.share, f"More than {patience} s at {stage.share}, and {sentence(heard.complaints)}.")
    return Move(WAIT, stage.share, sentence(heard.complaints))


def sentence(complaints: Iterable[Complaint]) -> str:
    """Who has what, in one line."""
    return "; ".join(_of_one(witness, list(said)) for witness, said in groupby(complaints, lambda one: one.witness))


def _of_one(witness: str, said: Sequence[Complaint]) -> str:
    more = ", and more" if len(said) > SHOWN else ""
    return f"new in {witness}: {', '.join(f'{one.title} ({one.url})' for one in said[:SHOWN])}{more}"


def as_json(heard: Heard) -> dict[str, Any]:
    """What was heard, for the evidence file: complaints (each: witness, title, url), and reasons by silent witness."""
    complaints = [{"witness": one.witness, "title": one.title, "url": one.url} for one in heard.complaints]
    return {"complaints": complaints, "silent": dict(heard.silent)}


def waits(looks: Iterable[Mapping[str, Any]]) -> list[str]:
    """What a canary waited for, by the looks of its evidence file: a sentence each, from when until when."""
    spans: dict[Complaint, tuple[float, float]] = {}
    for look in looks:
        for found in look.get("heard", {}).get("complaints", ()):
            one = Complaint(**found)
            spans[one] = (spans.get(one, (look["at"],))[0], look["at"])
    return [
        f"It waited from {moment(first)} to {moment(last)}: {sentence([one])}." for one, (first, last) in spans.items()
    ]
