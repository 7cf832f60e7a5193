"""What others than the statistics have against a canary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MOST = 5
"""Complaints of a witness that are looked for: more don't make a canary wait longer."""
LONGEST = 100
"""Characters of a complaint's title."""


@dataclass(frozen=True)
class Complaint:
    """Something that is new since the canary began: who has it, what it is, the address of the page about it.

    Each is one line, and short.
    """

    witness: str
    title: str
    url: str


@dataclass(frozen=True)
class Heard:
    """What witnesses said at one look: their complaints, and who can't be asked, each with the reason."""

    complaints: tuple[Complaint, ...] = ()
    silent: Mapping[str, str] = field(default_factory=dict)
