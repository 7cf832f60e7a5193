"""What a host knows of a job: a component that runs at certain times."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Job:
    """The last run, as its runner wrote it down. Times are seconds since 1970, by the host's clock.

    `claimed` is the newest time that was run or skipped, `skipped` how many were, since another run was still under
    way. A run that has begun and not ended is `under_way`, or else it was cut short.
    """

    claimed: float
    begun: float | None = None
    ended: float | None = None
    exit: int | None = None
    seconds: float | None = None
    skipped: int = 0
    under_way: bool = False

    @property
    def cut_short(self) -> bool:
        return self.begun is not None and self.ended is None and not self.under_way

    @property
    def failed(self) -> bool:
        return self.cut_short or bool(self.exit)

    @property
    def record(self) -> dict[str, Any]:
        """What the next host is told that runs it."""
        return {key: value for key, value in asdict(self).items() if key != "under_way"}
