"""What others do on the same runs, at their documented defaults: in which minute each would abort, or never.

- z-test: two proportions of requests, one-sided at 5 %, looked at every minute. Nobody's product; everybody's habit.
- Flagger: each minute at least 99 % of the canary's requests succeed and their p99 is at most 500 ms; the fifth failed
  check rolls back (docs.flagger.app, "Metrics Analysis"; its examples: interval 1m, threshold 5). Its analysis takes
  interval × maxWeight / stepWeight, 10 minutes in the examples; with a second figure for as long as we watch. A minute
  without requests counts for nothing.
- Mann-Whitney, as Kayenta's judge: a value a minute for each metric (share of errors, mean time), 98 % confidence, high
  where the interval of the shift is above a quarter of its estimate (MannWhitneyClassifier); every 30 minutes, with 50
  values at least (Spinnaker, "Best practices for configuring canary"). Any metric that is high aborts.
- requests: this product's own test, fed with failed requests instead of failing users, every 5 minutes.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from tasks.stats.sequential import Draws, log_more

from .sim_users import MINUTES, Kind, Requests

FLAGGER_ANALYSIS = 10
Z_ONE_SIDED = 1.6448536269514722
Z_KAYENTA = 2.3263478740408408
RULES = ("z-test", "Flagger, 10 min", "Flagger, 4 h", "Mann-Whitney", "requests")

Series = NDArray[np.float64]


def aborts(kind: Kind, run: Requests) -> dict[str, int | None]:
    """The minute, counted from 1, in which each rule aborts."""
    everything = np.arange(len(run.minute))
    requests = [one.astype(float) for one in run.by_minute(everything)]
    errors = [one.astype(float) for one in run.by_minute(np.flatnonzero(run.failed))]
    long = flagger(run, requests[1], errors[1])
    return {
        "z-test": z_test(requests, errors),
        "Flagger, 10 min": long if long is not None and long <= FLAGGER_ANALYSIS else None,
        "Flagger, 4 h": long,
        "Mann-Whitney": kayenta(run, requests, errors),
        "requests": by_requests(kind, run),
    }


def z_test(requests: list[Series], errors: list[Series]) -> int | None:
    n_live, n_canary = (np.maximum(np.cumsum(one), 1) for one in requests)
    live, canary = (np.cumsum(one) for one in errors)
    pooled = (live + canary) / (n_live + n_canary)
    spread = np.sqrt(np.maximum(pooled * (1 - pooled) * (1 / n_live + 1 / n_canary), 1e-12))
    return soonest((canary / n_canary - live / n_live) / spread > Z_ONE_SIDED)


def flagger(run: Requests, requests: Series, errors: Series) -> int | None:
    place = np.flatnonzero(run.canary)
    place = place[np.lexsort((run.seconds[place], run.minute[place]))]
    ends = np.cumsum(requests).astype(int)
    p99 = np.zeros(MINUTES)
    some = requests > 0
    p99[some] = run.seconds[place][(ends - np.floor(requests * 0.01).astype(int) - 1)[some]]
    failed = some & ((errors > 0.01 * requests) | (p99 > 0.5))
    return soonest(np.cumsum(failed) >= 5)


def kayenta(run: Requests, requests: list[Series], errors: list[Series]) -> int | None:
    waited = np.bincount(run.minute + MINUTES * run.canary, run.seconds, 2 * MINUTES)
    times = (waited[:MINUTES], waited[MINUTES:])
    some = [one > 0 for one in requests]
    for minute in range(60, MINUTES + 1, 30):
        for metric in (errors, times):
            live, canary = (
                np.divide(value[:minute][there[:minute]], total[:minute][there[:minute]], dtype=np.float64)
                for value, total, there in zip(metric, requests, some)
            )
            if len(canary) >= 50 and high(live, canary):
                return minute
    return None


def high(live: Series, canary: Series) -> bool:
    """Whether the interval of the shift is above a quarter of its estimate (Hodges-Lehmann)."""
    if rank_z(live, canary) <= Z_KAYENTA:
        return False
    shift = float(np.median(canary[:, None] - live[None, :]))
    return rank_z(live, canary - abs(shift) / 4) > Z_KAYENTA


def rank_z(live: Series, canary: Series) -> float:
    ranks = rankdata(np.r_[canary, live])
    n, m = len(canary), len(live)
    _, ties = np.unique(ranks, return_counts=True)
    total = n + m
    variance = n * m / 12 * (total + 1 - (ties**3 - ties).sum() / (total * (total - 1)))
    above = ranks[:n].sum() - n * (total + 1) / 2
    return float((above - 0.5) / math.sqrt(variance)) if variance > 0 else 0.0


def by_requests(kind: Kind, run: Requests) -> int | None:
    stages = len(kind.stages)
    failed = np.flatnonzero(run.failed)
    cell = (run.minute[failed] * stages + run.stage[failed]) * 2 + run.canary[failed]
    counted = np.cumsum(np.bincount(cell, minlength=MINUTES * stages * 2).reshape(MINUTES, stages, 2), axis=0)
    for minute in range(5, MINUTES + 1, 5):
        rows = counted[minute - 1].tolist()
        draws = [Draws(canary, live, share, 1 - share) for (live, canary), (_, share) in zip(rows, kind.stages)]
        if log_more(draws, 1.5) >= math.log(20):
            return minute
    return None


def soonest(reached: NDArray[np.bool_]) -> int | None:
    return int(reached.argmax()) + 1 if reached.any() else None
