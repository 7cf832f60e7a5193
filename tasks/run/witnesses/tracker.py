"""What both error trackers have in common: how an issue is told."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

from ...errors import one_line
from ...model.rollout import Rollout
from ...model.witness import LONGEST, Complaint
from ..company.trackers import NAME

APART = 300
"""Seconds by which the tracker's clock may be behind ours."""


def since(text: str, rollout: Rollout) -> bool:
    """Whether a time, as ISO 8601, is one after a rollout began."""
    return datetime.fromisoformat(text).timestamp() > rollout.began - APART


def complaint(title: str, page: str, number: object) -> Complaint:
    """An issue, by its own page; its title is anybody's text."""
    return Complaint(NAME, one_line(title)[:LONGEST], page.format(quote(str(number), safe="")))
