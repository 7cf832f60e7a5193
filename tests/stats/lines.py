"""Log lines, and what they come to, counted one by one in plain Python."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from tasks.model.percent import Percent
from tasks.model.release import Release
from tasks.model.rollout import Goal, Thresholds
from tasks.model.route import Table, offset
from tasks.model.version import Version
from tasks.stats import collect, merge
from tasks.stats.counts import WIDTH, Counts
from tasks.stats.queries import Asked

PROGRAM = Path(__file__).parents[2] / "templates" / "host" / "count.py"
BEGAN = 1_763_900_000.0
LIVE, CANARY, CONTROL = "2026.11.21.18.30", "2026.11.22.12.05", "2026.11.22.12.06"
GOALS = {
    "bought": Goal(path="/buy/*", method="POST", status=200),
    "it's": Goal(header="it's \\ \" ' ; DROP TABLE users --"),
    "saw": Goal(path="/help"),
}
ASKED = Asked(
    "app1", (LIVE, CANARY, CONTROL), (BEGAN, BEGAN + 70.5, BEGAN + 301), slow=Thresholds(0.05, 0.2, 0.5), goals=GOALS
)

ROUTED = replace(ASKED, shares=((100, 0), (300, 300), (700, 300)), first=offset(Version(CANARY)))
"""The same where it is known which buckets each arm has."""


def line(**given: object) -> dict[str, object]:
    usual = {
        "time": BEGAN + 1, "app": "app1", "version": LIVE, "bucket": "042", "user": f"{1:032x}", "new": 0, "forced": 0,
        "method": "GET", "path": "/", "status": 200, "request_time": 0.012, "upstream_time": "0.012",
        "answered": "0.011", "goal": "", "bytes": 512,
    }  # fmt: skip
    return usual | given


def text(lines) -> bytes:
    return b"".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for one in lines)


def some(number: int, seed: int = 5, users: int = 300) -> list[dict[str, object]]:
    """Lines of all kinds, nearly in order."""
    chance = random.Random(seed)
    headers = ["", "", "", GOALS["it's"].header, "other"]
    return [
        line(
            time=round(BEGAN - 20 + 600 * place / number + chance.random(), 3),
            version=chance.choice([LIVE] * 4 + [CANARY, CONTROL, "2026.01.01.00.00", ""]),
            bucket=f"{chance.randrange(1000):03d}",
            user=f"{int(users * chance.random() ** 2):032x}",
            new=int(chance.random() < 0.1),
            forced=int(chance.random() < 0.05),
            method=chance.choice(["GET", "POST"]),
            path=chance.choice(["/", "/help", "/help/", "/buy/1", "/buy/", "/buy", "/käse", "/a\"b\\c'"]),
            status=chance.choice([200] * 20 + [302, 404, 500, 503]),
            request_time=round(chance.choice([0, 0.001, 0.05, 0.2, chance.lognormvariate(-3, 1.5)]), 3),
            goal=chance.choice(headers),
            bytes=chance.randrange(100_000),
        )
        for place in range(number)
    ]


def by_hand(lines, asked: Asked = ASKED):
    """First times of users, and requests: {(kind, stage, arm): users}, {(stage, arm): n, errors, bytes}, and bins."""
    firsts, requests, bins = {}, defaultdict(lambda: [0, 0, 0]), Counter()
    for one in sorted(lines, key=lambda one: (round(one["time"] * 1000), asked.versions.index(one["version"])
                                              if one["version"] in asked.versions else 9)):  # fmt: skip
        until = math.inf if asked.ended is None else asked.ended
        if one["forced"] or one["version"] not in asked.versions or not asked.began <= one["time"] <= until:
            continue
        arm = asked.versions.index(one["version"])
        stage = max(place for place, at in enumerate(asked.stages) if one["time"] >= at)
        totals = requests[stage, arm]
        totals[0] += 1
        totals[1] += one["status"] >= 500
        totals[2] += one["bytes"]
        bins[arm, math.floor(math.log(max(one["request_time"] * 1000, 0.5)) / math.log(WIDTH) + 1e-9)] += 1
        if not one["new"] and as_routed(one, arm, stage, asked):
            known = any((one["user"], "exposed", place) in firsts for place in range(3))
            if arm or not known:
                firsts.setdefault((one["user"], "exposed", arm), ("exposed", stage, arm))
            for kind in happened(one, not known, asked):
                firsts.setdefault((one["user"], kind), (kind, stage, arm))
    return Counter(firsts.values()), {key: tuple(totals) for key, totals in requests.items()}, bins


def as_routed(one, arm: int, stage: int, asked: Asked) -> bool:
    """Whether a line's arm is the one of its bucket, as routing tables have it."""
    if not asked.shares:
        return True
    live, canary, control = (Release(Version(version), place) for place, version in enumerate(asked.versions))
    with_control = control if asked.shares[stage][1] else None
    table = Table(live, canary, Percent(asked.shares[stage][0]), with_control)
    return (live, canary, control).index(table.buckets()[int(one["bucket"])]) == arm


def happened(one, first: bool, asked: Asked):
    yield "seen"
    if one["status"] >= 500:
        yield "failing"
    if first and one["request_time"] > asked.slow.p50:
        yield "slow50"
    if one["request_time"] > asked.slow.p95:
        yield "slow95"
    if one["request_time"] > asked.slow.p99:
        yield "slow99"
    for name, goal in asked.goals.items():
        path, one_path = goal.path, str(one["path"])
        below = one_path.startswith(path[:-1]) if path.endswith("*") else path in ("", one_path)
        same = (given in ("", 0, one[key]) for key, given in
                (("method", goal.method), ("status", goal.status), ("goal", goal.header)))  # fmt: skip
        if below and all(same):
            yield f"goal:{name}"


def of(counts: Counts):
    """Counts in the form of by_hand()."""
    firsts, requests, bins = Counter(), defaultdict(lambda: [0, 0, 0]), Counter()
    for tick in counts.ticks:
        for kind, arms in tick.users.items():
            firsts.update({(kind, tick.stage, arm): number for arm, number in enumerate(arms) if number})
        for arm, numbers in enumerate(zip(tick.requests, tick.errors, tick.bytes, strict=True)):
            if numbers[0]:
                requests[tick.stage, arm] = [a + b for a, b in zip(requests[tick.stage, arm], numbers, strict=True)]
        for arm, times in enumerate(tick.times):
            bins.update({(arm, place): number for place, number in times.bins.items()})
    return firsts, {key: tuple(totals) for key, totals in requests.items()}, bins


def question(asked: Asked = ASKED, **where: object) -> dict[str, object]:
    return {**collect.question_for(asked, until=asked.began + 600, **where), "engine": "", **where}


def loaded() -> ModuleType:
    """The program as a module: for what must happen in the midst of it."""
    spec = spec_from_file_location("count", PROGRAM)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def start(asked: Asked = ASKED, **where: object) -> subprocess.Popen[bytes]:
    """The program, asked as on a host; it has DuckDB from this environment."""
    process = subprocess.Popen(
        [sys.executable, "-I", str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdin.write(json.dumps(question(asked, **where)).encode())
    process.stdin.close()
    process.stdin = None
    return process


def end(process: subprocess.Popen[bytes]) -> merge.Summary:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err.decode()
    return merge.parse("host", json.loads(out))


class Host:
    """A folder with logs and what was counted of them."""

    def __init__(self, home: Path) -> None:
        self.home, self.log = home, home / "depl-app1.log"
        home.mkdir(exist_ok=True)

    def write(self, content: bytes) -> None:
        with self.log.open("ab") as out:
            out.write(content)

    def rotate(self) -> None:
        for number in (3, 2, 1, 0):
            old = Path(f"{self.log}.{number}") if number else self.log
            if old.exists():
                old.rename(f"{self.log}.{number + 1}")

    def rotate_once(self, act):
        """The same as `act`, but the first time that it is done to logs they are rotated right after it."""
        waiting = [self.rotate]

        def with_rotation(*given, **named):
            done = act(*given, **named)
            if waiting and self.log.name in str(given[0]):
                waiting.pop()()
            return done

        return with_rotation

    def where(self) -> dict[str, object]:
        return {"log": f"{self.log}*", "folder": str(self.home / "statistics" / "key"), "since": BEGAN}

    def look(self, asked: Asked = ASKED) -> merge.Summary:
        return end(start(asked, **self.where()))

    def count(self, asked: Asked = ASKED, tick: int = 30) -> Counts:
        return merge.counts([self.look(asked)], asked, tick)


def touch(path: Path, at: float) -> None:
    os.utime(path, (at, at))
