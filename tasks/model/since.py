"""Points in time as people say them: 30m for "30 minutes ago", or a time in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from ..errors import BadInput

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse(text: str, now: float) -> float:
    """A time in seconds since 1970, not after `now`; raises BadInput."""
    span = re.fullmatch(r"(\d{1,6})([smhd])", text, re.ASCII)
    at = now - int(span[1]) * _UNITS[span[2]] if span else _utc(text)
    if at is None or not 0 <= at <= now:
        raise BadInput(
            f"{text[:60]!r} is no time in the past: expected such as 90s, 30m, 2h, 1d, or 2026-11-22T12:05 (UTC)."
        )
    return at


def _utc(text: str) -> float | None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z?", text, re.ASCII):
        return None
    try:
        return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
