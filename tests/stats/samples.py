"""Comparisons to look at and to test with: one of each verdict and shape. Seeded traffic, judged as in earnest."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass, replace

from tasks.model.percent import NOBODY, Percent
from tasks.model.rollout import AB, CANARY, Rollout, Rules, Stage, Thresholds
from tasks.model.version import Version
from tasks.stats import judge
from tasks.stats.comparison import Comparison, Verdict
from tasks.stats.counts import (
    FAILING,
    GOAL,
    KINDS,
    SEEN,
    SLOW50,
    SLOW95,
    SLOW99,
    WIDTH,
    Counts,
    Histogram,
    Tick,
    Trouble,
)

BEGAN = 1795348980.0  # 22 November 2026, 12:03 UTC
LIVE, CANARY_VERSION = Version("2026.11.21.18.30"), Version("2026.11.22.12.05")
SLOW = Thresholds(0.045, 0.180, 0.420)
HOSTS = ("app1", "app2")


@dataclass(frozen=True)
class Arm:
    """How an arm behaves: share of failing requests, of requests in the slow tail, and its median in seconds."""

    errors: float = 0.003
    tail: float = 0.03
    median: float = 0.045
    goal: float = 0.0


def sample(
    arms: tuple[Arm, ...],
    minutes: int = 60,
    requests: int = 120,
    stages: tuple[tuple[int, float], ...] = ((0, 5),),
    *,
    seed: int = 5,
    got: float = 1.0,
    goal: str = "",
    silent: tuple[str, ...] = (),
    **rollout: object,
) -> Comparison:
    """Draw the traffic of `minutes` with so many requests each, and judge it; stages are (minute, per cent).

    The canary gets its share times `got`; `goal` names what a share of each arm's users reach.
    """
    draw = random.Random(seed)
    control = len(arms) == 3
    plan = tuple(
        Stage(BEGAN + at * 60, Percent.parse(f"{share:g}"), Percent.parse(f"{share:g}") if control else NOBODY)
        for at, share in stages
    )
    made = Rollout(
        kind=str(rollout.get("kind", CANARY)),
        live=LIVE,
        canary=CANARY_VERSION,
        control=LIVE if control else None,
        stages=plan,
        slow=SLOW,
        ended=rollout.get("ended"),
        outcome=str(rollout.get("outcome", "")),
    )
    ticks = tuple(_tick(draw, made, arms, minute, requests, got, goal) for minute in range(minutes))
    counts = Counts(ticks, BEGAN + minutes * 60)
    return judge.compare(
        app="app1", environment="production", hosts=HOSTS, rollout=made, rules=Rules(),
        goals=[*([goal] if goal else []), *silent], counts=counts,
    )  # fmt: skip


def _tick(draw: random.Random, rollout: Rollout, arms, minute: int, requests: int, got: float, goal: str) -> Tick:
    at = BEGAN + minute * 60
    stage = max(place for place, one in enumerate(rollout.stages) if one.at <= at)
    share = rollout.stages[stage].share.buckets / 1000
    shares = [1 - share * (len(arms) - 1), share * got, share][: len(arms)]
    names = [*KINDS, *([GOAL + goal] if goal else [])]
    users = {kind: [0] * len(arms) for kind in names}
    total, errors, size, bins = [0] * len(arms), [0] * len(arms), [0] * len(arms), [Counter() for _ in arms]
    busy = requests * (1 + 0.5 * math.sin(minute / 1440 * 2 * math.pi))
    for place in draw.choices(range(len(arms)), shares, k=round(busy)):
        one = arms[place]
        took = one.median * math.exp(draw.gauss(0, 0.45)) * (draw.uniform(5, 12) if draw.random() < one.tail else 1)
        failed, new = draw.random() < one.errors, draw.random() < 0.4
        total[place] += 1
        errors[place] += failed
        size[place] += draw.randrange(300, 20_000)
        bins[place][math.floor(math.log(took * 1000) / math.log(WIDTH))] += 1
        users[FAILING][place] += failed
        if new:
            users[SEEN][place] += 1
            for kind, limit in ((SLOW50, SLOW.p50), (SLOW95, SLOW.p95), (SLOW99, SLOW.p99)):
                users[kind][place] += took > limit
            if goal:
                users[GOAL + goal][place] += draw.random() < one.goal
    return Tick(
        at=at,
        stage=stage,
        users={kind: tuple(found) for kind, found in users.items()},
        requests=tuple(total),
        errors=tuple(errors),
        bytes=tuple(size),
        times=tuple(Histogram(dict(found)) for found in bins),
    )


# --- the samples ---


def failing() -> Comparison:
    """3 % of the canary's requests fail: aborted."""
    return sample((Arm(), Arm(errors=0.03)), minutes=24, requests=800, ended=BEGAN + 1440, outcome="aborted")


def slow_tail() -> Comparison:
    """9 % of the canary's requests are five times slower or more, 3 % of live's: aborted."""
    return sample((Arm(), Arm(tail=0.09)), minutes=41, requests=900, ended=BEGAN + 2460, outcome="aborted")


def held() -> Comparison:
    """Both too slow and failing, and nobody has put it back yet."""
    return sample((Arm(), Arm(errors=0.05, tail=0.2, median=0.09)), minutes=15, requests=900)


def good() -> Comparison:
    return sample((Arm(), Arm()), minutes=60, requests=4000, stages=((0, 5), (20, 25)))


def waiting() -> Comparison:
    return sample((Arm(), Arm()), minutes=19, requests=160, seed=8)


def quick() -> Comparison:
    """The slowest request takes less than 100 ms: the label at the right end of an axis is its widest."""
    return sample((Arm(median=0.01, tail=0.0), Arm(median=0.01, tail=0.0)), minutes=30, requests=600)


def mismatch() -> Comparison:
    return sample((Arm(), Arm()), minutes=30, requests=600, stages=((0, 10),), got=0.6)


def no_traffic() -> Comparison:
    return sample((Arm(), Arm()), minutes=0)


def ab_decided() -> Comparison:
    arms = Arm(goal=0.10), Arm(goal=0.16)
    return sample(arms, minutes=120, requests=200, stages=((0, 50),), goal="order", kind=AB)


def ab_open() -> Comparison:
    arms = Arm(goal=0.10), Arm(goal=0.104)
    return sample(arms, minutes=45, requests=80, stages=((0, 50),), goal="order", silent=("newsletter",), kind=AB)


def control() -> Comparison:
    """Three stages, and a control arm: a fresh process of the live version, with the canary's share."""
    return sample((Arm(), Arm(), Arm()), minutes=60, requests=900, stages=((0, 1), (15, 5), (35, 25)))


def three_days() -> Comparison:
    found = sample((Arm(), Arm(errors=0.0031)), minutes=4320, requests=30, stages=((0, 1), (1440, 5), (2880, 10)))
    return replace(found, warnings=("app2 did not answer for 3 h: what it counted came later.",))


def hostile() -> Comparison:
    """Names and reasons that are made to break a page, a terminal or a table."""
    evil = "</script></style><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m & \"quoted' \u202e"
    found = sample((Arm(goal=0.1), Arm(goal=0.1)), minutes=10, requests=100, stages=((0, 50),), goal=evil, kind=AB)
    return replace(
        found,
        app=evil,
        environment=evil,
        hosts=(evil, "a-host-with-a-name-as-long-as-names-of-hosts-may-be-in-the-domain-name-system.example.com"),
        verdict=Verdict(found.verdict.word, f"NOT YET. {evil}", evil + " x" * 200),
        differences=tuple(replace(one, title=evil) for one in found.differences),
        warnings=(evil,),
        counts=replace(found.counts, sampled=0.25, trouble=Trouble(12, 3)),
    )


ALL = (
    failing, slow_tail, held, good, waiting, quick, mismatch, no_traffic, ab_decided, ab_open, control, three_days,
    hostile,
)  # fmt: skip
