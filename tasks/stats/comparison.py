"""A rollout judged: what people, pages and machines are shown. Pure values; every report is made from these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..model.rollout import Rollout, Rules
from .counts import Counts, Histogram

ABORT, PROMOTE, WAIT, INVALID, DECIDED, NOT_YET = "abort", "promote", "wait", "invalid", "decided", "not yet"
"""Words of a verdict. WAIT is "not enough data"; INVALID: the arms didn't get the share they were to get. The last
two are of A/B tests."""


@dataclass(frozen=True)
class Interval:
    """A confidence sequence's interval at this time: it may be looked at at any time. None is without a bound."""

    low: float | None
    high: float | None


@dataclass(frozen=True)
class ArmTotals:
    """One arm in numbers. `share` is of all users seen, 0 to 1; quantiles in seconds with their intervals."""

    version: str
    role: str  # live, canary, control
    users: int
    share: float
    requests: int
    errors: int
    failing: int
    bytes: int
    times: Histogram
    p50: float | None
    p95: float | None
    p99: float | None
    p50_interval: Interval
    p95_interval: Interval
    p99_interval: Interval


@dataclass(frozen=True)
class Difference:
    """One thing that is compared between the canary and its base.

    `kind` is one of counts.KINDS; `title` is what users met, as in "31 of 310 users met an error". `canary` and `base`
    are shares of users, 0 to 1: `canary_met` of `canary_users`. `ratio` is the likeliest one, stage by stage, with its
    interval: the true ratio is below `low` with a probability of at most α·weight, above `high` with α; `allowed` is
    the one that is tolerated. `evidence` is the e-value against "at most the allowed ratio": the largest so far where
    it reached `boundary`, at which the rollout is aborted. `state` is "too bad", "fine" or "unclear". `minutes` is how
    much longer it takes, at this traffic, until a canary that is alike would be fine; None where that can't be said.
    """

    kind: str
    title: str
    canary: float
    base: float
    canary_users: int
    base_users: int
    ratio: float | None
    interval: Interval
    allowed: float
    evidence: float
    boundary: float
    state: str
    minutes: float | None
    canary_met: int = 0
    base_met: int = 0


@dataclass(frozen=True)
class Outcome:
    """One goal of an A/B test: the share of users who reached it in each arm, 0 to 1, and the difference.

    `difference` and its `interval` are canary − live, in shares; `state` is "more", "fewer" or "unclear".
    """

    goal: str
    live: float
    canary: float
    live_users: int
    canary_users: int
    live_reached: int
    canary_reached: int
    difference: float
    interval: Interval
    state: str


@dataclass(frozen=True)
class SampleRatio:
    """Share of users asked for and got, 0 to 1, by arm; `evidence` against "as asked" and its `boundary`."""

    asked: tuple[float, ...]
    got: tuple[float, ...]
    evidence: float
    boundary: float

    @property
    def mismatch(self) -> bool:
        return self.evidence >= self.boundary


@dataclass(frozen=True)
class Point:
    """The evidence at a time (seconds since 1970): the e-value of each kind that is compared."""

    at: float
    evidence: Mapping[str, float]


@dataclass(frozen=True)
class Verdict:
    """`word` is one of those above; `headline` and `reason` are sentences for people.

    `kind` is what decided, `minutes` how much longer it takes at this traffic where the word is WAIT.
    """

    word: str
    headline: str
    reason: str
    kind: str = ""
    minutes: float | None = None


@dataclass(frozen=True)
class Comparison:
    """All that is shown of a rollout at a time."""

    app: str
    environment: str
    hosts: tuple[str, ...]
    rollout: Rollout
    rules: Rules
    counts: Counts
    arms: tuple[ArmTotals, ...]
    differences: tuple[Difference, ...]
    sample_ratio: SampleRatio
    goals: tuple[Outcome, ...]
    evidence: tuple[Point, ...]
    verdict: Verdict
    warnings: tuple[str, ...] = ()
