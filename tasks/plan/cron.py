"""Cron lines, in UTC, read by the library that reads them in the containers too."""

from __future__ import annotations

from datetime import UTC, datetime

from cronsim import CronSim, CronSimError


def next_time(line: str, after: float) -> float | None:
    """The first time of a line after a moment, both in seconds since 1970; None where it never comes.

    Raises ValueError where the line is none.
    """
    try:
        times = CronSim(line, datetime.fromtimestamp(int(after), UTC))
    except CronSimError as error:
        raise ValueError(str(error).lower()) from None
    found = next(times, None)
    return found.timestamp() if found else None
