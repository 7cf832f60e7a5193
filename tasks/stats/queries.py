"""What is asked of log lines, in SQL: the same questions for DuckDB on hosts and for a ClickHouse server.

Lines become events, events become two tables that merge: `users` by min, `bins` by sum. What happened to a user is a
code, CODES × milliseconds since the beginning + 2 × arm + whether that request was slower than the median; the
smallest code is the first time, and has its arm with it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ..model.percent import BUCKETS
from ..model.rollout import Goal, Rollout, Thresholds
from ..model.route import offset
from .counts import EXPOSED, FAILING, GOAL, SEEN, SLOW50, SLOW95, SLOW99, WIDTH

CODES = 8
FIELDS = {
    "time": "DOUBLE", "app": "VARCHAR", "version": "VARCHAR", "bucket": "VARCHAR", "user": "VARCHAR", "new": "INTEGER",
    "forced": "INTEGER", "status": "INTEGER", "request_time": "DOUBLE", "bytes": "BIGINT",
}  # fmt: skip
GOAL_FIELDS = {"method": "VARCHAR", "path": "VARCHAR", "goal": "VARCHAR"}

LINES = "lines"
"""What lines are called on a host: a view of `log`."""
CHUNK = "{chunk}"
"""Where templates/host/count.py puts the path of the lines that are to be read."""
LONGEST = 262_144
"""Bytes of a line; nginx itself makes none of a quarter of that."""
SLICES = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 86400)
"""Seconds: requests are counted in slices of one of these lengths, each a multiple of the one before."""
MOST_SLICES = 1440


@dataclass(frozen=True)
class Asked:
    """What is counted: of which app, of which arms' versions, from when to when (seconds since 1970), by what rules.

    `stages` are the times at which the shares changed, the first of them the beginning. `shares` are the buckets of
    canary and control in each, the canary's counted from the bucket `first`; without them any bucket is right.
    """

    app: str
    versions: tuple[str, ...]
    stages: tuple[float, ...]
    ended: float | None = None
    slow: Thresholds | None = None
    goals: Mapping[str, Goal] = field(default_factory=dict)
    shares: tuple[tuple[int, int], ...] = ()
    first: int = 0

    @classmethod
    def of(cls, app: str, rollout: Rollout, goals: Mapping[str, Goal]) -> Asked:
        stages = tuple(stage.at for stage in rollout.stages)
        shares = tuple((stage.share.buckets, stage.control.buckets) for stage in rollout.stages)
        versions = tuple(map(str, rollout.versions))
        return cls(app, versions, stages, rollout.ended, rollout.slow, goals, shares, offset(rollout.canary))

    @property
    def began(self) -> float:
        return self.stages[0]

    @property
    def kinds(self) -> dict[str, str]:
        """The column of `users` that each kind is in; SLOW50 has none, it is a bit of SEEN."""
        goals = {f"{GOAL}{name}": f"goal_{place}" for place, name in enumerate(self.goals)}
        return {SEEN: "seen", FAILING: "failing", SLOW95: "slow95", SLOW99: "slow99"} | goals

    @property
    def arms(self) -> dict[int, str]:
        """The column of `users` with the first time in each arm but the live one: nobody comes back to that."""
        return {arm: f"arm_{arm}" for arm in range(1, len(self.versions))}

    @property
    def fields(self) -> Mapping[str, str]:
        """What is read of a line, with DuckDB's types; each field costs time."""
        return FIELDS | (GOAL_FIELDS if self.goals else {})

    def key(self) -> str:
        """The same for questions whose answers may be continued: later stages and the end change no event before."""
        first = replace(self, stages=self.stages[:1], shares=self.shares[:1], ended=None)
        asked = events(first, DUCKDB, LINES, 1) + users(first)
        return hashlib.sha256(asked.encode()).hexdigest()[:16]

    def last(self, until: float) -> float:
        """Up to when something can be counted at a time: until then, or until it ended."""
        return until if self.ended is None else min(until, self.ended)

    def slice(self, until: float) -> int:
        """The length of the slices that requests are counted in, in seconds, for an answer up to that time."""
        length = self.last(until) - self.began
        return next((one for one in SLICES if length / one <= MOST_SLICES), SLICES[-1])


@dataclass(frozen=True)
class Dialect:
    """How one engine says what the standard leaves open; `clock` is its own time in seconds since 1970."""

    hash: str
    starts_with: str
    bucket: str
    clock: str
    quote: Callable[[str], str]


def _doubled(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _escaped(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


DUCKDB = Dialect("hash", "starts_with", 'TRY_CAST("bucket" AS INTEGER)', "epoch(now())", _doubled)
CLICKHOUSE = Dialect("cityHash64", "startsWith", 'toInt32OrNull("bucket")', "toUnixTimestamp(now())", _escaped)


def log(fields: Mapping[str, str]) -> str:
    """The lines of a log as a table of DuckDB's. A line that can't be read is a row of nothing; so is a wrong field."""
    columns = ", ".join(f"\"{name}\": '{kind}'" for name, kind in fields.items())
    return (
        f"read_json('{CHUNK}', format='newline_delimited', ignore_errors=true, maximum_object_size={LONGEST}, "
        f"columns={{{columns}}})"
    )


def events(asked: Asked, dialect: Dialect, source: str, seconds: int) -> str:
    """Requests of the arms in their time, and lines that are none (`trouble` is 1 for unreadable, 2 for foreign)."""
    began = round(asked.began * 1000)
    p50, p95, p99 = (asked.slow.p50, asked.slow.p95, asked.slow.p99) if asked.slow else (None, None, None)
    ms = f'(CAST(round("time" * 1000) AS BIGINT) - {began})'
    arm = " ".join(f"WHEN {dialect.quote(version)} THEN {place}" for place, version in enumerate(asked.versions))
    stage = " ".join(
        f'WHEN "time" >= {at!r} THEN {place}' for place, at in reversed([*enumerate(asked.stages)]) if place
    )
    inside = f'"time" >= {asked.began!r}' + ("" if asked.ended is None else f' AND "time" <= {asked.ended!r}')
    columns = {
        "trouble": "trouble",
        "visitor": f'CASE WHEN trouble = 0 AND "new" = 0{_as_routed(asked, dialect)} THEN {dialect.hash}("user") END',
        "arm": "arm",
        "code": f"CASE WHEN trouble = 0 THEN {ms} * {CODES} + arm * 2 + {_over(p50)} END",
        "is_failing": 'CASE WHEN "status" >= 500 THEN 1 ELSE 0 END',
        "is_slow95": _over(p95),
        "is_slow99": _over(p99),
        **{f"is_goal_{place}": _reached(goal, dialect) for place, goal in enumerate(asked.goals.values())},
        "second": f"CASE WHEN trouble = 0 THEN CAST(floor({ms} / {seconds * 1000}.0) AS INTEGER) * {seconds} END",
        "stage": f"CASE {stage} ELSE 0 END" if stage else "0",
        "bin": f"CASE WHEN trouble = 0 THEN {_bin()} END",
        "sent": '"bytes"',
    }
    listed = ", ".join(f"{what} AS {name}" for name, what in columns.items())
    return (
        f"SELECT {listed} FROM (SELECT *, {_trouble(asked.app, dialect)} AS trouble, "
        f'CASE "version" {arm} END AS arm FROM {source}) AS line '
        f'WHERE trouble > 0 OR (arm IS NOT NULL AND coalesce("forced", 0) = 0 AND {inside})'
    )


def _trouble(app: str, dialect: Dialect) -> str:
    sound = (
        f'"time" BETWEEN 1e9 AND {dialect.clock} + 60 AND "version" IS NOT NULL AND length("user") = 32 '
        'AND "new" IN (0, 1) AND "status" BETWEEN 100 AND 999 AND "request_time" BETWEEN 0 AND 1e6 '
        'AND "bytes" BETWEEN 0 AND 1e12'
    )
    return f'CASE WHEN "app" <> {dialect.quote(app)} THEN 2 WHEN {sound} THEN 0 ELSE 1 END'


def _as_routed(asked: Asked, dialect: Dialect) -> str:
    """Whether a request was served by the arm that its bucket has in that stage.

    While hosts change their tables one after the other, and where their clocks differ, some are not: counted as users
    of the former arm they would look like a mismatch of the shares.
    """
    if not asked.shares:
        return ""
    place = f"({dialect.bucket} + {BUCKETS - asked.first}) % {BUCKETS}"
    arms = [
        f"CASE WHEN {place} < {canary} THEN 1 WHEN {place} >= {BUCKETS - control} THEN 2 WHEN {place} >= 0 THEN 0 END"
        for canary, control in asked.shares
    ]
    later = list(zip(asked.stages, arms, strict=True))[:0:-1]
    whens = " ".join(f'WHEN "time" >= {at!r} THEN {arm}' for at, arm in later)
    return f" AND arm = {f'CASE {whens} ELSE {arms[0]} END' if whens else arms[0]}"


def _over(threshold: float | None) -> str:
    return "0" if threshold is None else f'CASE WHEN "request_time" > {threshold!r} THEN 1 ELSE 0 END'


def _bin() -> str:
    """Histogram's bins; what took no millisecond took half of one. The small part holds 1 ms in bin 0 everywhere."""
    return f'CAST(floor(ln(greatest("request_time" * 1000, 0.5)) / {math.log(WIDTH)!r} + 1e-9) AS INTEGER)'


def _reached(goal: Goal, dialect: Dialect) -> str:
    """Whether a request reached a goal: all that is said of it is so."""
    conditions = ["1 = 1"]
    if goal.path.endswith("*"):
        conditions.append(f'{dialect.starts_with}("path", {dialect.quote(goal.path[:-1])})')
    elif goal.path:
        conditions.append(f'"path" = {dialect.quote(goal.path)}')
    if goal.method:
        conditions.append(f'"method" = {dialect.quote(goal.method)}')
    if goal.status:
        conditions.append(f'"status" = {goal.status}')
    if goal.header:
        conditions.append(f'"goal" = {dialect.quote(goal.header)}')
    return f"CASE WHEN {' AND '.join(conditions)} THEN 1 ELSE 0 END"


def users(asked: Asked) -> str:
    """Users of `events`, each with the first time and arm of what happened to it."""
    what = {column: f"is_{column} = 1" for kind, column in asked.kinds.items() if kind != SEEN}
    where = {column: f"arm = {arm}" for arm, column in asked.arms.items()}
    firsts = ", ".join(f"min(CASE WHEN {so} THEN code END) AS {column}" for column, so in {**what, **where}.items())
    return f"SELECT visitor, min(code) AS seen, {firsts} FROM events WHERE visitor IS NOT NULL GROUP BY visitor"


def bins() -> str:
    """Requests of `events` by slice of time, stage, arm and how long they took."""
    return (
        "SELECT second, stage, arm, bin, CAST(count(*) AS BIGINT) AS n, CAST(sum(is_failing) AS BIGINT) AS errors, "
        "CAST(sum(sent) AS BIGINT) AS sent FROM events WHERE trouble = 0 GROUP BY second, stage, arm, bin"
    )


def passages(app: str) -> str:
    """Requests of an app of all versions, and lines that are none."""
    return (
        f'SELECT {_trouble(app, DUCKDB)} AS trouble, "version", TRY_CAST("bucket" AS SMALLINT) AS bucket, '
        f'"time" AS came FROM {LINES} WHERE coalesce("forced", 0) = 0'
    )


def versions() -> str:
    """Of `passages`, now called `events`: how often, from when and until when each version served each bucket."""
    return (
        "SELECT version, bucket, CAST(count(*) AS BIGINT) AS n, min(came) AS since, max(came) AS until FROM events "
        "WHERE trouble = 0 GROUP BY ALL"
    )


def merged_versions() -> str:
    """One row for a version and a bucket out of several."""
    return (
        "SELECT version, bucket, CAST(sum(n) AS BIGINT) AS n, min(since) AS since, max(until) AS until FROM versions "
        "GROUP BY ALL"
    )


def trouble() -> str:
    """How many lines of `events` can't be read, and how many are of another app."""
    return "SELECT count(*) FILTER (WHERE trouble = 1), count(*) FILTER (WHERE trouble = 2) FROM events"


def merged_users(asked: Asked) -> str:
    """One row for a user out of several."""
    firsts = ", ".join(f"min({column}) AS {column}" for column in (*asked.kinds.values(), *asked.arms.values()))
    return f"SELECT visitor, {firsts} FROM users GROUP BY visitor"


def merged_bins(seconds: int) -> str:
    """Bins added up, in slices of that length."""
    return (
        f"SELECT CAST(second // {seconds} * {seconds} AS INTEGER) AS second, stage, arm, bin, "
        "CAST(sum(n) AS BIGINT) AS n, CAST(sum(errors) AS BIGINT) AS errors, CAST(sum(sent) AS BIGINT) AS sent "
        "FROM bins GROUP BY ALL"
    )


def first_times(asked: Asked, tick: int) -> str:
    """Of merged `users`: kind, tick, stage, arm, and how many users it first happened to there."""
    firsts: Iterable[str] = (f"SELECT {_doubled(kind)} AS kind, {column} AS code FROM users"
                             for kind, column in asked.kinds.items())  # fmt: skip
    slow50 = f"SELECT '{SLOW50}', seen FROM users WHERE seen % 2 = 1"
    live = f"SELECT '{EXPOSED}', seen FROM users WHERE seen // 2 % {CODES // 2} = 0"
    others = [f"SELECT '{EXPOSED}', {column} FROM users" for column in asked.arms.values()]
    end = "" if asked.ended is None else f" AND code // {CODES} <= {_since(asked, asked.ended)}"
    return (
        f"SELECT kind, code // {CODES * 1000 * tick} AS tick, {_stage(asked, f'code // {CODES}')} AS stage, "
        f"code // 2 % {CODES // 2} AS arm, count(*) FROM ({' UNION ALL '.join([*firsts, slow50, live, *others])}) "
        f"WHERE code IS NOT NULL{end} GROUP BY ALL"
    )


def requests(asked: Asked, tick: int) -> str:
    """Of `bins`: tick, stage, arm, bin, and how many requests, errors and bytes were there."""
    end = "" if asked.ended is None else f" WHERE second * 1000 <= {_since(asked, asked.ended)}"
    return (
        f"SELECT second // {tick} AS tick, stage, arm, bin, CAST(sum(n) AS BIGINT), CAST(sum(errors) AS BIGINT), "
        f"CAST(sum(sent) AS BIGINT) FROM bins{end} GROUP BY ALL"
    )


def _since(asked: Asked, at: float) -> int:
    return round(at * 1000) - round(asked.began * 1000)


def _stage(asked: Asked, ms: str) -> str:
    later = [*enumerate(asked.stages)][1:]
    whens = " ".join(f"WHEN {ms} >= {_since(asked, at)} THEN {place}" for place, at in reversed(later))
    return f"CASE {whens} ELSE 0 END" if whens else "0"
