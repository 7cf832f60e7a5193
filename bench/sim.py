"""False alarms, power and time to a verdict: simulated rollouts, healthy and faulty, judged by the product's own functions.

Run: python -m bench.sim [RUNS]. 2,000 healthy and 2,000 faulty rollouts of each kind of bench/sim_users.py, 4 hours
each, looked at every minute; beside them the rules of bench/sim_peers.py on the same runs. Seeds are fixed. Writes
build/bench/sim.json and prints the table of docs/statistics.md.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Sequence
from multiprocessing import Pool
from statistics import median
from typing import Any

import numpy as np

from tasks.model.percent import Percent
from tasks.model.rollout import CANARY, Rollout, Rules, Stage, Thresholds
from tasks.model.version import Version
from tasks.stats.counts import EXPOSED, FAILING, SEEN, SLOW50, SLOW95, SLOW99, Counts, Tick
from tasks.stats.differences import canary_users, outlook
from tasks.stats.draws import LATE, judged
from tasks.stats.evidence import follow

from . import hosts, sim_peers
from .sim_users import KINDS, MEDIAN, MINUTES, SIGMA, Z95, Z99, Kind, Requests, run

RULES = Rules()
SLOW = Thresholds(MEDIAN, MEDIAN * math.exp(SIGMA * Z95), MEDIAN * math.exp(SIGMA * Z99))
LIVE, NEW = Version.parse("2026.11.21.18.30"), Version.parse("2026.11.22.12.05")
LOOKS = range(10, MINUTES + 1, 10)
"""Minutes in which a promote is looked for; an abort is looked for in each."""


def rollout(kind: Kind) -> Rollout:
    stages = tuple(Stage(minute * 60.0, Percent(round(share * 1000)), Percent(0)) for minute, share in kind.stages)
    return Rollout(CANARY, LIVE, NEW, None, stages, SLOW)


def counts(kind: Kind, requests: Requests) -> Counts:
    """What hosts would have counted of a run."""
    slow = requests.seconds
    arm = np.flatnonzero(np.r_[True, (np.diff(requests.user) != 0) | (np.diff(requests.canary) != 0)])
    kinds = {
        SEEN: requests.firsts(requests.first),
        EXPOSED: requests.by_minute(arm),
        FAILING: requests.firsts(requests.failed),
        SLOW50: requests.firsts(requests.first & (slow > SLOW.p50)),
        SLOW95: requests.firsts(slow > SLOW.p95),
        SLOW99: requests.firsts(slow > SLOW.p99),
    }
    rows = {name: list(zip(live.tolist(), canary.tolist())) for name, (live, canary) in kinds.items()}
    begins = [begin for begin, _ in kind.stages]
    ticks = [
        Tick(
            at=minute * 60.0,
            stage=sum(begin <= minute for begin in begins) - 1,
            users={name: row[minute] for name, row in rows.items()},
            requests=(0, 0),
            errors=(0, 0),
            bytes=(0, 0),
            times=(),
        )
        for minute in range(MINUTES)
    ]
    return Counts(tuple(ticks), MINUTES * 60.0 + LATE)


def verdict(kind: Kind, found: Counts) -> tuple[int | None, int | None, bool]:
    """The minute of the abort, that of the promote if it comes before, and whether the sample ratio was off."""
    whole = rollout(kind)
    evidence = follow(whole, RULES, found)
    abort = min(evidence.crossed.values(), default=None)
    invalid = evidence.mismatch is not None
    for minute in LOOKS:
        if abort is not None and abort < minute:
            return abort + 1, None, invalid
        if fine(whole, found, minute):
            return None, minute, invalid
    return None, None, invalid


def fine(whole: Rollout, found: Counts, minute: int) -> bool:
    """Whether the rollout's last stage would be promoted after so many minutes."""
    seen = Counts(found.ticks[:minute], minute * 60.0)
    last = len(whole.stages) - 1
    if seen.ticks[-1].stage != last or canary_users(whole, RULES, seen).present < RULES.minimum_users:
        return False
    return all(outlook(whole, RULES, seen, kind).fine(RULES) for kind in judged(whole))


def one(task: tuple[int, bool, int]) -> tuple[int | None, int | None, bool, dict[str, int | None]]:
    place, healthy, number = task
    kind = KINDS[place]
    requests = run(kind, healthy, np.random.default_rng([5, place, healthy, number]))
    return *verdict(kind, counts(kind, requests)), sim_peers.aborts(kind, requests)


def row(kind: Kind, healthy: bool, results: Sequence[Any]) -> dict[str, Any]:
    peers = {rule: share([result[3][rule] for result in results]) for rule in sim_peers.RULES}
    promoted, promote_minutes = share([result[1] for result in results]).values()
    return {
        "name": kind.name,
        "healthy": healthy,
        "alpha": RULES.alpha,
        "runs": len(results),
        **share([result[0] for result in results]),
        "promoted": promoted,
        "promote_minutes": promote_minutes,
        "not_valid": sum(result[2] for result in results) / len(results),
        "peers": peers,
    }


def share(minutes: Sequence[int | None]) -> dict[str, float | None]:
    found = [minute for minute in minutes if minute is not None]
    return {"aborted": round(len(found) / len(minutes), 4), "median_minutes": median(found) if found else None}


def simulate(runs: int, kinds: Sequence[Kind] = KINDS, processes: int = 2) -> list[dict[str, Any]]:
    """Rows of the result: each kind healthy, then faulty."""
    rows = []
    with Pool(processes) as pool:
        for kind in kinds:
            for healthy in (True, False):
                began = time.monotonic()
                tasks = [(KINDS.index(kind), healthy, number) for number in range(runs)]
                rows.append(row(kind, healthy, pool.map(one, tasks, chunksize=20)))
                done = f"{kind.name}, {'healthy' if healthy else 'faulty'}: {time.monotonic() - began:.0f} s"
                print(done, file=sys.stderr, flush=True)
    return rows


def main() -> None:
    rows = simulate(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
    hosts.RESULTS.mkdir(parents=True, exist_ok=True)
    (hosts.RESULTS / "sim.json").write_text(json.dumps(rows, indent=2) + "\n")
    for healthy in (True, False):
        print("healthy: aborted" if healthy else "faulty: aborted (median minutes)")
        heads = ["", "depl", *sim_peers.RULES, "promoted", "not valid"]
        hosts.table(heads, [cells(one) for one in rows if one["healthy"] is healthy])


def cells(found: dict[str, Any]) -> list[str]:
    rules = [found, *found["peers"].values()]
    promoted = {"aborted": found["promoted"], "median_minutes": found["promote_minutes"]}
    return [found["name"], *map(cell, [*rules, promoted]), f"{found['not_valid']:.1%}"]


def cell(found: dict[str, Any]) -> str:
    minutes = found["median_minutes"]
    return f"{found['aborted']:.1%}" + (f" ({minutes:.0f})" if minutes is not None else "")


if __name__ == "__main__":
    main()
