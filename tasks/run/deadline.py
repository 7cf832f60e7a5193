"""What is worth knowing, but not worth waiting for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, find: Callable[[], T], otherwise: T) -> T:
    """What is found within so many seconds; `otherwise` after that, and whoever still looks is left behind."""
    return all_within(seconds, {"": find}, otherwise)[""]


def all_within(seconds: float, finds: Mapping[str, Callable[[], T]], otherwise: T) -> dict[str, T]:
    """The same of several, side by side, in so many seconds together."""
    found: dict[str, T] = {}

    def look(name: str, find: Callable[[], T]) -> None:
        found[name] = find()

    # Not a pool's threads: Python waits for these at its own end.
    threads = [threading.Thread(target=look, args=one, daemon=True) for one in finds.items()]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return {name: found.get(name, otherwise) for name in finds}
