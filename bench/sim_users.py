"""Simulated users of a canary: who comes when, asks how often, fails and waits how long. One run is one rollout.

Each kind of traffic has a healthy canary, which does exactly as the live version does, and a faulty one. Users come, ask
several times, and some come again hours later; they keep their bucket, so that a canary that grows takes users over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MINUTES = 240
MEDIAN, SIGMA = 0.1, 0.5
"""Seconds: latencies are log-normal, p95 at 0.23 s and p99 at 0.32 s."""
Z95, Z99 = 1.6448536269514722, 2.3263478740408408


@dataclass(frozen=True)
class Kind:
    """A kind of traffic, and what the faulty canary of it does.

    `failing` is the share of users who meet an error, in each request with the chance `again`; the faulty canary's are
    `failing_times` as many. `slower` multiplies all its times; `tail` is the share of its requests that take 5 times as
    long. `hours` makes traffic, errors and times go up and down; `stages` are (minute, canary's share).
    """

    name: str
    users: float = 60.0
    requests: float = 3.0
    failing: float = 0.01
    again: float = 0.5
    failing_times: float = 1.0
    slower: float = 1.0
    tail: float = 0.0
    hours: bool = False
    stages: tuple[tuple[int, float], ...] = ((0, 0.1),)


KINDS = (
    Kind("rare errors", failing=0.005, again=0.5, failing_times=6.0),
    Kind("clustered errors", failing=0.02, again=0.9, requests=8.0, users=30.0, failing_times=4.0),
    Kind("slow tail", tail=0.05),
    Kind("uniform slowdown", slower=1.3),
    Kind("traffic by the hour", failing=0.01, failing_times=4.0, hours=True),
    Kind("percentage raised", failing=0.02, failing_times=4.0, hours=True, stages=((0, 0.01), (60, 0.05), (120, 0.25))),
)


@dataclass(frozen=True)
class Requests:
    """All requests of a run, those of a user one after the other: an entry of each array is a request."""

    minute: NDArray[np.int64]
    user: NDArray[np.int64]
    first: NDArray[np.bool_]
    stage: NDArray[np.int64]
    canary: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    seconds: NDArray[np.float64]

    def firsts(self, which: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How many users it first happened to, by minute: in live, in the canary."""
        place = np.flatnonzero(which)
        user = self.user[place]
        place = place[np.r_[True, user[1:] != user[:-1]][: len(place)]]
        return self.by_minute(place)

    def by_minute(self, place: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        split = np.bincount(self.minute[place] + MINUTES * self.canary[place], minlength=2 * MINUTES)
        return split[:MINUTES], split[MINUTES:]


def run(kind: Kind, healthy: bool, random: np.random.Generator) -> Requests:
    """Simulate one rollout."""
    clock = np.arange(MINUTES)
    busy = 1 + 0.8 * np.sin(2 * math.pi * (clock / MINUTES + random.random())) if kind.hours else np.ones(MINUTES)
    comes = np.repeat(clock, random.poisson(kind.users * busy)) + 0.0
    asks = random.geometric(1 / kind.requests, len(comes))
    user = np.repeat(np.arange(len(comes)), asks)
    starts = np.cumsum(asks) - asks
    first = np.zeros(len(user), dtype=bool)
    first[starts] = True
    gaps = random.exponential(2.0, len(user))
    back = random.random(len(user)) < 0.1
    gaps[back] += random.uniform(30, 180, int(back.sum()))
    gaps[starts] = random.random(len(comes))
    passed = np.cumsum(gaps)
    when = np.repeat(comes, asks) + passed - np.repeat(passed[starts] - gaps[starts], asks)
    seen = when < MINUTES
    user, first, minute = user[seen], first[seen], when[seen].astype(np.int64)
    begins = np.array([begin for begin, _ in kind.stages])
    stage = np.searchsorted(begins, minute, side="right") - 1
    share = np.array([share for _, share in kind.stages])[stage]
    canary = random.random(len(comes))[user] < share
    faulty = canary & (not healthy)
    luck = random.random(len(comes))[user]
    prone = luck < kind.failing * busy[minute] * np.where(faulty, kind.failing_times, 1.0)
    failed = prone & (random.random(len(user)) < kind.again)
    seconds = MEDIAN * np.exp(SIGMA * random.standard_normal(len(user))) * busy[minute] ** 0.3
    seconds *= np.where(faulty, kind.slower, 1.0)
    if kind.tail and not healthy:
        seconds[faulty & (random.random(len(user)) < kind.tail)] *= 5
    return Requests(minute, user, first, stage, canary, failed, seconds)
