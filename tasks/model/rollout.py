"""A rollout: a new version beside the live one for a share of the users, and by what rules it is judged."""

from __future__ import annotations

from dataclasses import dataclass

from .percent import Percent
from .version import Version

CANARY = "canary"
AB = "ab"
ABORT = "abort"
HOLD = "hold"
TRACKER = "tracker"
MONITORING = "monitoring"
WITNESSES = (TRACKER, MONITORING)
"""Who else may be asked how a canary does."""


@dataclass(frozen=True)
class Stage:
    """From `at`, in seconds since 1970, the canary and the control arm have these shares of the users."""

    at: float
    share: Percent
    control: Percent


@dataclass(frozen=True)
class Thresholds:
    """How long a request of the live version took before the rollout, in seconds: its median, and two quantiles.

    Frozen when the rollout begins; a request that takes longer than one of them is slow by that one.
    """

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True)
class Rollout:
    """Who is compared with whom since when. Routing tables carry it, so that every host knows the same of it.

    `kind` is CANARY or AB; `live` is the version that everyone else has; `control` is the live version's image in a
    fresh process. Times in seconds since 1970; `ended` is None while it goes on, and `outcome` says how it ended:
    promoted, aborted or stopped, for what `reason` where its verdict decided. Without `slow`, slowness is not judged:
    nothing was measured before.
    """

    kind: str
    live: Version
    canary: Version
    control: Version | None
    stages: tuple[Stage, ...]
    slow: Thresholds | None = None
    ended: float | None = None
    outcome: str = ""
    reason: str = ""

    @property
    def began(self) -> float:
        return self.stages[0].at

    @property
    def base(self) -> Version:
        """What the canary is compared with: the control arm where there is one."""
        return self.control or self.live

    @property
    def versions(self) -> tuple[Version, ...]:
        """The arms: live, canary, and control where there is one. An arm is named by its place here."""
        return (self.live, self.canary, *([self.control] if self.control else []))


@dataclass(frozen=True)
class Tolerated:
    """How many times as many users as with the live version may meet an error, or a slow request."""

    failing: float = 1.5
    slow: float = 1.5


@dataclass(frozen=True)
class Rules:
    """How a rollout is judged, and how it is watched: `canary:` of conf/apps/<app>.yml.

    `alpha` is the share of healthy canaries that may be put back by mistake. `negligible` is a share of users in per
    cent: what certainly happens to fewer of the canary's is fine at any ratio. `minimum_users` of the canary are seen
    in each stage, `settle` seconds or longer before its verdict: who came later has had no time to meet anything.
    Seconds: `every` between looks, `patience` for a stage, `before` a rollout for what thresholds are taken from.
    `listen` names those of WITNESSES whose complaints keep a canary from growing.
    """

    alpha: float = 0.05
    tolerated: Tolerated = Tolerated()
    negligible: float = 0.5
    minimum_users: int = 200
    settle: int = 300
    every: int = 60
    patience: int = 86400
    before: int = 3600
    on_fail: str = ABORT
    listen: tuple[str, ...] = ()


@dataclass(frozen=True)
class Goal:
    """What a user is to do, seen in one request: all that is given must be so.

    `path` is exact, or ends with * for all below; `header` is what the app's X-Depl-Goal says of an answer.
    """

    path: str = ""
    method: str = ""
    status: int = 0
    header: str = ""
