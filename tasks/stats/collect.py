"""Ask an app's hosts what they counted, all at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version as installed
from typing import Any

from ..commands import onhost
from ..errors import DeplError, first_line
from ..model.layout import LIBRARIES
from ..model.rollout import Rollout, Thresholds
from ..model.version import Version
from ..plan import render
from ..plan.wishes import Target
from ..run.question import Question
from ..run.ssh import Command
from . import merge, queries, server
from .counts import FAILING, SEEN, Counts, Histogram
from .merge import Summary
from .queries import DUCKDB, Asked

SECONDS = 300
MOST_USERS = 262_144
"""Of so many users a host tells; of more, a share that can be told of is chosen by their hashes."""
KEPT = 4
"""Former rollouts whose counts a host keeps."""
ENOUGH = 200
"""Requests, below which no threshold is taken from them: the slowest hundredth would be one or two."""


@dataclass(frozen=True)
class Baseline:
    """How the live version did lately, over `seconds` up to now.

    `users_per_minute` are distinct users of the whole time by its minutes; `failing` is the share of them that met an
    error, 0 to 1. Without `slow`, there were too few requests to say what is slow.
    """

    seconds: int
    users: int
    users_per_minute: float
    requests: int
    failing: float
    slow: Thresholds | None


def counts(target: Target, rollout: Rollout, *, tick: int, keep: bool = True) -> tuple[Counts, dict[str, str]]:
    """Count a rollout's events on all hosts, in ticks of so many seconds.

    Hosts `keep` what they counted, and reckon with what is new only; without it they read all their logs.
    The second half is the hosts that did not answer, each with the reason.
    """
    asked = Asked.of(target.name, rollout, target.app.goals)
    return _counted(target, asked, tick, f"{target.layout.statistics}/{asked.key()}" if keep else "")


def before(target: Target, version: Version, seconds: int) -> tuple[Baseline, dict[str, str]]:
    """What a version's requests of the last `seconds` were like; the second half is the hosts that did not answer."""
    asked = Asked(target.name, (str(version),), (target.now - seconds,))
    found, missing = _counted(target, asked, seconds)
    return baseline(found, seconds), missing


def baseline(found: Counts, seconds: int) -> Baseline:
    """What counts of one arm, over so many seconds, say."""
    (users,), (failing,), (requests,) = (
        numbers or (0,) for numbers in (found.users(SEEN), found.users(FAILING), found.requests())
    )
    return Baseline(
        seconds=seconds,
        users=round(users / found.sampled),
        users_per_minute=users / found.sampled / (seconds / 60),
        requests=requests,
        failing=failing / users if users else 0.0,
        slow=_thresholds(found.times(0)) if requests >= ENOUGH else None,
    )


def _thresholds(times: Histogram) -> Thresholds | None:
    p50, p95, p99 = (times.quantile(share) for share in (0.5, 0.95, 0.99))
    return None if p50 is None or p95 is None or p99 is None else Thresholds(p50, p95, p99)


def _counted(target: Target, asked: Asked, tick: int, folder: str = "") -> tuple[Counts, dict[str, str]]:
    clickhouse = target.environment.clickhouse
    if clickhouse:
        try:
            return merge.counts([server.summary(clickhouse, asked, target.now, MOST_USERS)], asked, tick), {}
        except DeplError as error:
            return merge.counts([], asked, tick), {"clickhouse": first_line(error)}
    program = render.raw("host/count.py")
    question = question_for(asked, until=target.now, log=f"{target.layout.log}*", folder=folder, since=asked.began)
    command = Command(onhost.count(program), program + json.dumps(question).encode(), SECONDS)
    read: Question[Summary] = Question(command, lambda host, answer: merge.parse(host.name, answer))
    found, missing = read.survey(target.hosts, target.environment)
    return merge.counts(found, asked, tick), {host.name: first_line(error) for host, error in missing.items()}


def question_for(asked: Asked, *, until: float, **where: object) -> Mapping[str, Any]:
    """What templates/host/count.py is asked. `where` are its `log` (a pattern) and `folder`, or its `files`."""
    seconds = asked.slice(until)
    tables = {
        "users": (queries.users(asked), queries.merged_users(asked)),
        "bins": (queries.bins(), queries.merged_bins(seconds)),
    }
    found = queries.events(asked, DUCKDB, queries.LINES, seconds)
    return question_of(asked.fields, found, tables, ended=asked.ended, **where)


def question_of(
    fields: Mapping[str, str], events: str, tables: Mapping[str, tuple[str, str]], **where: object
) -> Mapping[str, Any]:
    """A question of any kind: the fields of lines, the events in them, for each table how it is counted and merged."""
    sql = {"lines": queries.log(fields), "events": events, "trouble": queries.trouble(), "tables": tables}
    engine = f"{LIBRARIES}/duckdb-{installed('duckdb')}"
    limits = {"longest": queries.LONGEST, "most_users": MOST_USERS, "keep": KEPT}
    return {"engine": engine, "sql": sql, **limits, **where}
