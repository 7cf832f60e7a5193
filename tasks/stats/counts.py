"""What was counted of a rollout, all hosts together: the ground of verdicts and reports. No user is in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

WIDTH = 1.02
"""Bins of latency are 2 % wide: a quantile read off them is off by less than 1.5 %."""

Arms = tuple[int, ...]
"""A number for each arm of the rollout, in the order of `Rollout.versions`: live, canary, control."""

SEEN, FAILING, SLOW50, SLOW95, SLOW99 = "seen", "failing", "slow50", "slow95", "slow99"
KINDS = (SEEN, FAILING, SLOW50, SLOW95, SLOW99)
EXPOSED = "exposed"
"""What is counted of users; a goal's kind is GOAL followed by its name.

Each user counts once in a rollout for each kind, in the arm and at the time where it first happened: that makes
the arms of these events independent draws where the versions are alike. `slow50` is of users whose first request was
slower than the threshold p50, the other two of users with any request that slow. `exposed` is of users at their first
request in each arm: who is moved when the share grows counts in both, so that an arm's share of failing users has the
right number below its line. Without it, that is `seen`, which is the same as long as there is one stage.
"""
GOAL = "goal:"


@dataclass(frozen=True)
class Histogram:
    """Requests by how long they took: bin i holds those of WIDTH**i up to WIDTH**(i+1) milliseconds."""

    bins: Mapping[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.bins.values())

    def quantile(self, share: float) -> float | None:
        """The time in seconds below which that share of the requests stayed; None where there are none."""
        left = share * self.total
        for place, count in sorted(self.bins.items()):
            left -= count
            if left <= 0:
                return math.exp((place + 0.5) * math.log(WIDTH)) / 1000
        return None

    def __add__(self, other: Histogram) -> Histogram:
        places = self.bins.keys() | other.bins.keys()
        return Histogram({one: self.bins.get(one, 0) + other.bins.get(one, 0) for one in places})


@dataclass(frozen=True)
class Tick:
    """One slice of time: `at` is its beginning in seconds since 1970, `stage` its place in `Rollout.stages`.

    `users` has for each kind how many users it first happened to, in each arm. `requests`, `errors` (answers of 500
    and above), `bytes` and `times` are of all requests but forced ones, those of first visits too.
    """

    at: float
    stage: int
    users: Mapping[str, Arms]
    requests: Arms
    errors: Arms
    bytes: Arms
    times: tuple[Histogram, ...]


@dataclass(frozen=True)
class Trouble:
    """Log lines that can't be read, and those that are not of this app, on all hosts together.

    `lost_before` is the time from which all hosts' lines are there, in seconds since 1970, where a host had removed
    earlier ones of the rollout before they were counted; else 0.
    """

    unreadable: int = 0
    foreign: int = 0
    lost_before: float = 0.0


@dataclass(frozen=True)
class Counts:
    """Everything that was counted from the rollout's beginning until `until`, in seconds since 1970, or its end.

    `sampled` is the share of users that are counted at all: 1 unless there are too many to send.
    """

    ticks: tuple[Tick, ...]
    until: float
    sampled: float = 1.0
    trouble: Trouble = Trouble()

    def users(self, kind: str, stage: int | None = None) -> Arms:
        """How many users something happened to, in each arm; of all stages, or of one."""
        found = [tick.users.get(kind, ()) for tick in self.ticks if stage in (None, tick.stage)]
        return added(found)

    def requests(self) -> Arms:
        return added([tick.requests for tick in self.ticks])

    def errors(self) -> Arms:
        return added([tick.errors for tick in self.ticks])

    def bytes(self) -> Arms:
        return added([tick.bytes for tick in self.ticks])

    def times(self, arm: int) -> Histogram:
        return reduce(Histogram.__add__, (tick.times[arm] for tick in self.ticks), Histogram())


def added(numbers: Sequence[Arms]) -> Arms:
    """The sums, arm by arm; empty where there are none."""
    width = max(map(len, numbers), default=0)
    return tuple(sum(one[arm] for one in numbers if arm < len(one)) for arm in range(width))
