"""A rollout of the past, read off log files: who was compared with whom, since when, and what was counted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..commands import onhost
from ..errors import BadInput
from ..model.percent import BUCKETS, NOBODY, Percent
from ..model.rollout import CANARY, Goal, Rollout, Rules, Stage
from ..model.route import offset
from ..model.version import Version
from ..plan import render
from ..run.here import answer
from ..run.tables import Tables
from . import merge, queries
from .collect import baseline, question_for, question_of
from .counts import Counts
from .queries import Asked

PATIENCE = 10
"""A larger share shows in a bucket when someone of that bucket comes. So many times the usual wait between two visits
to a bucket belong to one step."""


def counts(
    paths: Sequence[str],
    *,
    app: str,
    rules: Rules,
    goals: Mapping[str, Goal],
    tick: int,
    canary: Version | None = None,
    live: Version | None = None,
    share: Percent | None = None,
) -> tuple[Rollout, Counts]:
    """Count a rollout of the past from log files, .gz too, in ticks of so many seconds.

    Without `live` and `canary` these are the two versions with the most requests, the one that came later is the
    canary. Without `share`, shares and their times are told by the buckets that the canary served. Thresholds are of
    the live version's requests in `rules.before` seconds before. Raises BadInput: a file that can't be read, no canary.
    """
    visits = _visits(paths, app)
    said = canary
    live, canary = _chosen(visits, live, canary)
    canary, control = _with_control(visits, live, canary, said)
    own = [one for one in visits if one.version == str(canary)]
    began, ended = min(one.first for one in own), max(one.last for one in own)
    stages = (Stage(began, share, NOBODY),) if share else _stages(own, canary, _wait(visits))
    if stages[-1].share.buckets == BUCKETS:
        *earlier, last = stages
        stages, ended = tuple(earlier), last.at  # it was promoted: nobody was left to compare it with
    if control:
        stages = tuple(replace(one, control=_control_share(one.share)) for one in stages)
    if not stages:
        raise BadInput(f"{canary} had all users from its first request on: there is nothing to compare it with.")
    earlier_time = Asked(app, (str(live),), (began - rules.before,), ended=began)
    slow = baseline(_counted(paths, earlier_time, rules.before), rules.before).slow
    rollout = Rollout(CANARY, live, canary, control, stages, slow, ended)
    # Shares are read off these very lines, or said of lines without buckets: none is to be held against them.
    return rollout, _counted(paths, replace(Asked.of(app, rollout, goals), shares=()), tick)


@dataclass(frozen=True)
class Visits:
    """How often a version served a bucket (None: the line does not say which), and when first and last."""

    version: str
    bucket: int | None
    number: int
    first: float
    last: float


def _asked(question: Mapping[str, Any]) -> Mapping[str, Any]:
    program = render.raw("host/count.py")
    # The deploy host has DuckDB in its own environment.
    given = program + json.dumps({**question, "engine": ""}).encode()
    found: Mapping[str, Any] = json.loads(answer(onhost.count(program), given))
    return found


def _counted(paths: Sequence[str], asked: Asked, tick: int) -> Counts:
    until = asked.began if asked.ended is None else asked.ended
    found = merge.parse("replay", _asked(question_for(asked, until=until, files=list(paths))))
    return merge.counts([replace(found, until=until)], asked, tick)


def _visits(paths: Sequence[str], app: str) -> list[Visits]:
    tables = {"versions": (queries.versions(), queries.merged_versions())}
    found = _asked(question_of(queries.FIELDS, queries.passages(app), tables, files=list(paths)))
    rows = (
        Tables({"versions": [merge.decoded(found["versions"])]}).query("FROM versions") if "versions" in found else []
    )
    return [Visits(*row) for row in rows if _is_version(row[0])]


def _is_version(text: str) -> bool:
    try:
        Version.parse(text)
    except BadInput:
        return False
    return True


def _chosen(visits: Iterable[Visits], live: Version | None, canary: Version | None) -> tuple[Version, Version]:
    """Live and canary: as said, or else the versions with most requests, the later comer as the canary."""
    numbers: dict[str, int] = {}
    first: dict[str, float] = {}
    for one in visits:
        numbers[one.version] = numbers.get(one.version, 0) + one.number
        first[one.version] = min(one.first, first.get(one.version, one.first))
    for wanted in (live, canary):
        if wanted and str(wanted) not in numbers:
            raise BadInput(f"No request in these logs was served by {wanted}; {_there(numbers)}")
    said = [str(one) for one in (live, canary) if one]
    free = sorted((version for version in numbers if version not in said), key=lambda one: -numbers[one])
    both = [*said, *free[: 2 - len(said)]]
    if len(set(both)) < 2:
        raise BadInput(f"There is no canary in these logs: {_there(numbers)}")
    if live:
        return live, Version(next(one for one in both if one != str(live)))
    if canary:
        return Version(next(one for one in both if one != str(canary))), canary
    earlier, later = sorted(both, key=lambda one: first[one])
    return Version(earlier), Version(later)


def _with_control(
    visits: Sequence[Visits], live: Version, canary: Version, said: Version | None
) -> tuple[Version, Version | None]:
    """The canary, and its control arm where there was one; which is which is told by their buckets."""
    others = {one.version for one in visits} - {str(live), str(canary)}
    for third in map(Version, sorted(others)):
        if _is_control(visits, third, canary):
            return canary, third
        if not said and _is_control(visits, canary, third):
            return third, canary
    return canary, None


def _is_control(visits: Sequence[Visits], version: Version, canary: Version) -> bool:
    """Whether a version had buckets just before the canary's first one only, about as far as the canary's own go."""
    first = offset(canary)
    before = [(first - 1 - bucket) % BUCKETS for bucket in _buckets(visits, version)]
    own = [(bucket - first) % BUCKETS for bucket in _buckets(visits, canary)]
    # With little traffic the last buckets of one of them are not seen.
    return bool(before and own) and max(before) < BUCKETS // 2 and max(before) <= 1.1 * max(own) + 5


def _buckets(visits: Sequence[Visits], version: Version) -> list[int]:
    return [
        one.bucket
        for one in visits
        if one.version == str(version) and one.bucket is not None and 0 <= one.bucket < BUCKETS
    ]


def _control_share(share: Percent) -> Percent:
    return Percent(min(share.buckets, BUCKETS - share.buckets))


def _there(numbers: Mapping[str, int]) -> str:
    most = sorted(numbers, key=lambda one: -numbers[one])[:4]
    return "they have " + (", ".join(f"{one} ({numbers[one]} requests)" for one in most) or "no request at all") + "."


def _wait(visits: Sequence[Visits]) -> float:
    """How long a bucket is without a visitor at most, but for rare cases: PATIENCE times as long as on average."""
    number = sum(one.number for one in visits)
    length = max(one.last for one in visits) - min(one.first for one in visits)
    return PATIENCE * length * BUCKETS / number


def _stages(own: Sequence[Visits], canary: Version, wait: float) -> tuple[Stage, ...]:
    """Shares and their times, by when the canary first served buckets ever further from its first one.

    A bucket tells that the share had reached it by then, and so had all before it.
    """
    first = offset(canary)
    reached = {
        (one.bucket - first) % BUCKETS: one.first for one in own if one.bucket is not None and 0 <= one.bucket < BUCKETS
    }
    if not reached:
        raise BadInput("These log lines don't say which buckets the canary had.\nSay its share: --percent")
    known, earliest = [], float("inf")
    for place in sorted(reached, reverse=True):
        earliest = min(earliest, reached[place])
        known.append((place, earliest))
    stages: list[Stage] = []
    for place, at in reversed(known):
        same = stages and at <= stages[-1].at + wait
        stages.append(Stage(stages.pop().at if same else at, Percent(place + 1), NOBODY))
    return tuple(stages)
