"""Questions to the one that puts branches to sleep and wakes them, on its host."""

from __future__ import annotations

from ..model.layout import WAKER
from . import Argv


def wake(folder: str, seconds: int) -> Argv:
    """Wake a branch, and wait until it is healthy; fails, and says why, where it is not in so many seconds."""
    return (
        "curl", "--silent", "--show-error", "--fail-with-body", "--max-time", str(seconds),
        "--unix-socket", WAKER, f"http://waker/wake/{folder}",
    )  # fmt: skip
