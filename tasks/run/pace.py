"""Time on this machine, for those who look again and again."""

from __future__ import annotations

import time
from collections.abc import Iterator


def looks(every: float) -> Iterator[float]:
    """The time now, in seconds since 1970, and again each time so many seconds have passed."""
    due = time.monotonic()
    while True:
        yield time.time()
        due = max(due + every, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


def moment() -> float:
    """Seconds since 1970."""
    return time.time()
