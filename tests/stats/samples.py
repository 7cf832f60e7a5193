"""Comparisons to look at and to test with, made by plain seeded generators: one of each verdict and shape.

Their traffic is drawn request by request; evidence and intervals are plausible curves, since these are test data.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass, replace

from tasks.model.percent import NOBODY, Percent
from tasks.model.rollout import AB, CANARY, Rollout, Rules, Stage, Thresholds
from tasks.model.version import Version
from tasks.stats import comparison as words
from tasks.stats.comparison import (
    ArmTotals,
    Comparison,
    Difference,
    Interval,
    Outcome,
    Point,
    SampleRatio,
    Verdict,
)
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
TITLES = {FAILING: "failing users", SLOW50: "slower than 45 ms", SLOW95: "slower than 180 ms",
          SLOW99: "slower than 420 ms"}  # fmt: skip
RULES = Rules()
BOUNDARIES = {FAILING: 2 / RULES.alpha, SLOW50: 6 / RULES.alpha, SLOW95: 6 / RULES.alpha, SLOW99: 6 / RULES.alpha}
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
    **rollout: object,
) -> Comparison:
    """Draw the traffic of `minutes` with so many requests each; stages are (minute, per cent) of the canary.

    The canary gets its share times `got`. What the verdict says is up to the sample: here it is "not enough data".
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
    evidence = _evidence(made, counts)
    differences = _differences(made, counts, evidence)
    return Comparison(
        app="app1",
        environment="production",
        hosts=HOSTS,
        rollout=made,
        rules=RULES,
        counts=counts,
        arms=_arms(made, counts),
        differences=differences,
        sample_ratio=_ratio(made, counts),
        goals=_goals(counts, goal),
        evidence=evidence,
        verdict=Verdict(words.WAIT, "NOT ENOUGH DATA. Canary 2026.11.22.12.05 goes on: about 41 min more.",
                        "612 users of the canary were seen. At this traffic it takes about 41 min more to see an "
                        "increase of 1.5 times.", minutes=41),
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


def _arms(rollout: Rollout, counts: Counts) -> tuple[ArmTotals, ...]:
    seen = _padded(counts.users(SEEN), rollout)
    found = []
    for place, (version, role) in enumerate(zip(rollout.versions, ("live", "canary", "control"), strict=False)):
        times = counts.times(place) if counts.ticks else Histogram()
        p50, p95, p99 = (times.quantile(share) for share in (0.5, 0.95, 0.99))
        found.append(ArmTotals(
            version=str(version), role=role, users=seen[place], share=seen[place] / max(1, sum(seen)),
            requests=_padded(counts.requests(), rollout)[place], errors=_padded(counts.errors(), rollout)[place],
            failing=_padded(counts.users(FAILING), rollout)[place], bytes=_padded(counts.bytes(), rollout)[place],
            times=times, p50=p50, p95=p95, p99=p99,
            p50_interval=_around(p50, 1.05), p95_interval=_around(p95, 1.2), p99_interval=_around(p99, 1.5),
        ))  # fmt: skip
    return tuple(found)


def _padded(numbers: tuple[int, ...], rollout: Rollout) -> tuple[int, ...]:
    return numbers or (0,) * len(rollout.versions)


def _around(value: float | None, factor: float) -> Interval:
    return Interval(None, None) if value is None else Interval(value / factor, value * factor)


def _evidence(rollout: Rollout, counts: Counts) -> tuple[Point, ...]:
    """An e-value per kind after each tick: a Beta mixture over the canary's part of all events so far."""
    base = len(rollout.versions) - 1 if rollout.control else 0
    events = {kind: [0, 0] for kind in BOUNDARIES}
    points = []
    for tick in counts.ticks:
        share = rollout.stages[tick.stage].share.buckets / 1000
        rest = share if rollout.control else 1 - share
        alike = 1.5 * share / (1.5 * share + rest)
        for kind, found in events.items():
            found[0] += tick.users[kind][1]
            found[1] += tick.users[kind][base]
        points.append(Point(tick.at + 60, {kind: _e_value(*found, alike) for kind, found in events.items()}))
    return tuple(points)


def _e_value(canary: int, base: int, alike: float) -> float:
    log = _beta(1 + canary, 1 + base) - canary * math.log(alike) - base * math.log(1 - alike)
    if canary <= alike * (canary + base):
        log = -abs(log) / 3
    return math.exp(min(log, 300))


def _beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _differences(rollout: Rollout, counts: Counts, evidence: tuple[Point, ...]) -> tuple[Difference, ...]:
    base = len(rollout.versions) - 1 if rollout.control else 0
    seen = _padded(counts.users(SEEN), rollout)
    found = []
    for kind, boundary in BOUNDARIES.items():
        users = _padded(counts.users(kind), rollout)
        canary, other = users[1] / max(1, seen[1]), users[base] / max(1, seen[base])
        ratio = canary / other if other and seen[1] else None
        spread = math.exp(3 / math.sqrt(users[1] + 1) + 3 / math.sqrt(users[base] + 1))
        interval = Interval(ratio / spread, ratio * spread) if ratio else Interval(None, None)
        reached = max((point.evidence[kind] for point in evidence), default=1.0)
        fine = interval.high is not None and interval.high < 1.5
        state = "too bad" if reached >= boundary else "fine" if fine else "unclear"
        found.append(Difference(
            kind=kind, title=TITLES[kind], canary=canary, base=other, canary_users=users[1],
            base_users=users[base], ratio=ratio, interval=interval, allowed=1.5,
            evidence=evidence[-1].evidence[kind] if evidence else 1.0, boundary=boundary, state=state,
            minutes=None if state != "unclear" else 41.0,
        ))  # fmt: skip
    return tuple(found)


def _ratio(rollout: Rollout, counts: Counts) -> SampleRatio:
    seen = _padded(counts.users(SEEN), rollout)
    weights = [sum(counts.users(SEEN, place)) or 1 for place in range(len(rollout.stages))]
    share = sum(one.share.buckets / 1000 * part for one, part in zip(rollout.stages, weights, strict=True))
    asked = [share / sum(weights)] * (len(rollout.versions) - 1)
    got = tuple(one / max(1, sum(seen)) for one in seen)
    return SampleRatio((1 - sum(asked), *asked), got if sum(seen) else (), 0.4, 100)


def _goals(counts: Counts, goal: str) -> tuple[Outcome, ...]:
    if not goal:
        return ()
    live, canary = counts.users(GOAL + goal)
    seen = counts.users(SEEN)
    difference = canary / seen[1] - live / seen[0]
    spread = 3 * math.sqrt(0.1 / seen[1] + 0.1 / seen[0])
    interval = Interval(difference - spread, difference + spread)
    state = "more" if difference > spread else "fewer" if difference < -spread else "unclear"
    return (Outcome(goal, live / seen[0], canary / seen[1], seen[0], seen[1], live, canary, difference, interval,
                    state),)  # fmt: skip


def _judged(found: Comparison, word: str, headline: str, reason: str, kind: str = "") -> Comparison:
    return replace(found, verdict=Verdict(word, headline, reason, kind))


# --- the samples ---


def failing() -> Comparison:
    """3 % of the canary's requests fail: aborted after a quarter of an hour."""
    ended = {"ended": BEGAN + 1440, "outcome": "aborted"}
    found = sample((Arm(), Arm(errors=0.03)), minutes=24, requests=800, **ended)
    return _judged(
        found,
        words.ABORT,
        "ABORT. 2026.11.22.12.05 fails too often. It has been taken out of traffic.",
        "Users who met an error: 0.8 % with live, 7.3 % with the canary, at least 2.4 times as many; you allow 1.5.",
        FAILING,
    )


def slow_tail() -> Comparison:
    """5 % of the canary's requests are five times slower or more."""
    ended = {"ended": BEGAN + 2460, "outcome": "aborted"}
    found = sample((Arm(), Arm(tail=0.09)), minutes=41, requests=900, **ended)
    return _judged(
        found,
        words.ABORT,
        "ABORT. 2026.11.22.12.05 is too slow. It has been taken out of traffic.",
        "Users whose first request took longer than 180 ms: 3.4 % with live, 9.6 % with the canary; you allow 1.5×.",
        SLOW95,
    )


def good() -> Comparison:
    found = sample((Arm(), Arm()), minutes=60, requests=3000, stages=((0, 5), (20, 25)))
    fine = tuple(
        replace(one, state="fine", evidence=0.002, interval=Interval(0.8, 1.3), minutes=None)
        for one in found.differences
    )
    return _judged(
        replace(found, differences=fine),
        words.PROMOTE,
        "PROMOTE. 2026.11.22.12.05 is not worse than you allow.",
        "Of 14,120 users of the canary, at most 1.3 times as many as with live met an error or were slow.",
    )


def waiting() -> Comparison:
    return sample((Arm(), Arm()), minutes=19, requests=160, seed=8)


def mismatch() -> Comparison:
    found = sample((Arm(), Arm()), minutes=30, requests=600, stages=((0, 10),), got=0.6)
    wrong = replace(found.sample_ratio, evidence=48_000_000.0)
    return _judged(
        replace(found, sample_ratio=wrong),
        words.INVALID,
        "NOT VALID. The canary got 6.2 % of the users, not the 10 % it was to get.",
        "Whatever sends users elsewhere may choose them too, so no number on this page can be trusted.",
    )


def no_traffic() -> Comparison:
    found = sample((Arm(), Arm()), minutes=0)
    return replace(
        found,
        verdict=Verdict(words.WAIT, "NOT ENOUGH DATA. No user was seen yet.",
                        "Not one request reached 2026.11.22.12.05 or 2026.11.21.18.30."),
        warnings=("app2 sent no log lines: is its log written?",),
    )  # fmt: skip


def ab_decided() -> Comparison:
    found = sample((Arm(goal=0.10), Arm(goal=0.16)), minutes=120, requests=200, stages=((0, 50),), goal="order",
                   kind=AB)  # fmt: skip
    return _judged(
        found,
        words.DECIDED,
        "DECIDED. With 2026.11.22.12.05 more users reach order.",
        "10.1 % with 2026.11.21.18.30, 15.8 % with 2026.11.22.12.05: 4.1 to 7.3 points more.",
        GOAL + "order",
    )


def ab_open() -> Comparison:
    found = sample((Arm(goal=0.10), Arm(goal=0.104)), minutes=45, requests=80, stages=((0, 50),), goal="order",
                   kind=AB)  # fmt: skip
    silent = Outcome("newsletter", 0.0, 0.0, found.goals[0].live_users, found.goals[0].canary_users, 0, 0, 0.0,
                     Interval(-0.02, 0.02), "unclear")  # fmt: skip
    return replace(
        _judged(
            found, words.NOT_YET, "NOT YET. Both may reach order alike.", "10.0 % and 10.6 %: −2.9 to +4.1 points."
        ),
        goals=(*found.goals, silent),
        warnings=("Goal newsletter matched no request yet: look at its path in conf/apps/app1.yml.",),
    )


def control() -> Comparison:
    """Three stages, and a control arm: a fresh process of the live version, with the canary's share."""
    return sample((Arm(), Arm(), Arm()), minutes=60, requests=900, stages=((0, 1), (15, 5), (35, 25)))


def three_days() -> Comparison:
    found = sample((Arm(), Arm(errors=0.0031)), minutes=4320, requests=30, stages=((0, 1), (1440, 5), (2880, 10)))
    return replace(found, warnings=("12 lines of the logs can't be read; they were left out.",))


def hostile() -> Comparison:
    """Names and reasons that are made to break a page, a terminal or a table."""
    evil = "</script></style><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m & \"quoted' \u202e"
    found = sample((Arm(goal=0.1), Arm(goal=0.1)), minutes=10, requests=100, stages=((0, 50),), goal=evil, kind=AB)
    return replace(
        found,
        app=evil,
        environment=evil,
        hosts=(evil, "a-host-with-a-name-as-long-as-names-of-hosts-may-be-in-the-domain-name-system.example.com"),
        verdict=Verdict(words.NOT_YET, f"NOT YET. {evil}", evil + " x" * 200),
        differences=tuple(replace(one, title=evil) for one in found.differences),
        warnings=(evil,),
        counts=replace(found.counts, sampled=0.25, trouble=Trouble(12, 3)),
    )


ALL = (failing, slow_tail, good, waiting, mismatch, no_traffic, ab_decided, ab_open, control, three_days, hostile)
