"""Summaries of hosts → Counts."""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ..errors import StepFailed
from ..run.tables import Tables, is_whole
from . import queries
from .counts import Arms, Counts, Histogram, Tick, Trouble
from .queries import Asked


@dataclass(frozen=True)
class Summary:
    """What one host counted: both tables as Parquet, empty where nothing was there; no line of a log.

    `halved` says how often the share of users that are counted was halved, since there were too many.
    """

    users: bytes
    bins: bytes
    until: float
    unreadable: int = 0
    foreign: int = 0
    halved: int = 0
    lost_before: float = 0.0


def parse(name: str, answer: Mapping[str, Any]) -> Summary:
    """Read what templates/host/count.py printed on a host of that name; raises StepFailed."""
    try:
        users, bins = (decoded(answer.get(table, "")) for table in ("users", "bins"))
        unreadable, foreign, halved = (int(answer[key]) for key in ("unreadable", "foreign", "halved"))
        until, lost_before = (float(answer[key]) for key in ("until", "lost_before"))
        return Summary(users, bins, until, unreadable, foreign, halved, lost_before)
    except (KeyError, TypeError, ValueError, OverflowError, binascii.Error):
        raise StepFailed(f"{name}: its counts don't have the form that they must have.") from None


def decoded(table: str) -> bytes:
    """A table as it travels in JSON, empty where nothing was there; raises ValueError."""
    content = base64.b64decode(table, validate=True)
    if content and not is_whole(content):
        raise ValueError
    return content


def counts(summaries: Sequence[Summary], asked: Asked, tick: int) -> Counts:
    """Merge what hosts counted, in slices of `tick` seconds.

    A user that several hosts saw counts once, where it came first. A slice in which a stage begins is two ticks.
    """
    until = asked.last(min((one.until for one in summaries), default=asked.began))
    halved = max((one.halved for one in summaries), default=0)
    trouble = Trouble(
        unreadable=sum(one.unreadable for one in summaries),
        foreign=sum(one.foreign for one in summaries),
        lost_before=max((one.lost_before for one in summaries), default=0.0),
    )
    counted = [one for one in summaries if one.users]
    if not counted:
        return Counts((), until, 1.0, trouble)
    tables = Tables({"parts": [one.users for one in counted], "bins": [one.bins for one in counted]})
    sample = f"SELECT * FROM parts WHERE visitor < {1 << (64 - halved)}" if halved else "SELECT * FROM parts"
    tables.query(f"CREATE TABLE users AS {queries.merged_users(asked).replace('FROM users', f'FROM ({sample})')}")
    firsts, requests = tables.query(queries.first_times(asked, tick)), tables.query(queries.requests(asked, tick))
    return Counts(_ticks(firsts, requests, asked, tick), until, 0.5**halved, trouble)


Row = tuple[Any, ...]


def _ticks(firsts: Sequence[Row], requests: Sequence[Row], asked: Asked, tick: int) -> tuple[Tick, ...]:
    users: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for kind, slice_, stage, arm, number in firsts:
        users[slice_, stage].append((kind, arm, number))
    bins: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for slice_, stage, *rest in requests:
        bins[slice_, stage].append(tuple(rest))
    places = sorted(users.keys() | bins.keys())
    return tuple(_tick(place, users[place], bins[place], asked, tick) for place in places)


def _tick(place: tuple[int, int], users: Sequence[Row], bins: Sequence[Row], asked: Asked, tick: int) -> Tick:
    slice_, stage = place
    arms = range(len(asked.versions))
    kinds = {
        kind: _by_arm(arms, [(arm, number) for _, arm, number in rows])
        for kind, rows in groupby(sorted(users), key=lambda row: row[0])
    }
    return Tick(
        at=max(asked.began + slice_ * tick, asked.stages[stage]),
        stage=stage,
        users=kinds,
        requests=_by_arm(arms, [(arm, n) for arm, _, n, _, _ in bins]),
        errors=_by_arm(arms, [(arm, errors) for arm, _, _, errors, _ in bins]),
        bytes=_by_arm(arms, [(arm, sent) for arm, _, _, _, sent in bins]),
        times=tuple(Histogram({place: n for one, place, n, _, _ in bins if one == arm}) for arm in arms),
    )


def _by_arm(arms: range, numbers: Sequence[tuple[int, int]]) -> Arms:
    return tuple(sum(number for one, number in numbers if one == arm) for arm in arms)
