"""Intervals of quantiles and of goals: they hold at all times together."""

import math

import numpy as np
import pytest

from tasks.stats.comparison import Interval
from tasks.stats.counts import WIDTH, Histogram
from tasks.stats.intervals import difference_interval, narrowest_at, quantile_interval


def histogram(seconds):
    places, numbers = np.unique(np.floor(np.log(seconds * 1000) / math.log(WIDTH)).astype(int), return_counts=True)
    return Histogram(dict(zip(places.tolist(), numbers.tolist(), strict=True)))


def test_a_quantile_stays_in_its_interval_however_often_one_looks():
    random, runs = np.random.default_rng(3), 200
    for share, true in ((0.5, 0.1), (0.95, 0.1 * math.exp(0.5 * 1.6448536))):
        missed = 0
        for _ in range(runs):
            seconds = 0.1 * np.exp(0.5 * random.standard_normal(3000))
            looks = [quantile_interval(histogram(seconds[:n]), share, 0.05) for n in (10, 30, 100, 300, 1000, 3000)]
            missed += any((one.low or 0) > true or (one.high or math.inf) < true for one in looks)
        assert missed / runs <= 0.05


def test_without_requests_or_too_few_a_quantile_has_no_bounds():
    assert quantile_interval(Histogram(), 0.5, 0.05) == Interval(None, None)
    assert quantile_interval(Histogram({100: 1}), 0.5, 0.05) == Interval(None, None)
    few = quantile_interval(Histogram({100: 400}), 0.99, 0.05)
    assert few.low is not None
    assert few.high is None


def test_the_interval_is_narrowest_at_the_expected_number_of_users():
    def width(expected):
        found = difference_interval((500, 5000), (500, 5000), 0.5, 0.05, expected)
        return found.high - found.low

    assert width(10_000) == pytest.approx(min(width(users) for users in range(5_000, 20_001, 250)), rel=1e-3)
    assert narrowest_at(100, 0.05) > narrowest_at(1000, 0.05)


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_a_test_without_a_difference_decides_at_most_at_alpha_with_unequal_arms_too(share):
    random, runs, wrong = np.random.default_rng(4), 500, 0
    for _ in range(runs):
        canary = random.random(8000) < share
        reached = random.random(8000) < 0.1
        for n in range(2000, 8001, 200):
            c, b = canary[:n], ~canary[:n]
            found = difference_interval(
                (int(reached[:n][c].sum()), int(c.sum())), (int(reached[:n][b].sum()), int(b.sum())), share, 0.05
            )
            if found.low > 0 or found.high < 0:
                wrong += 1
                break
    assert wrong / runs <= 0.05


def test_a_difference_of_a_half_is_found():
    assert difference_interval((750, 5000), (500, 5000), 0.5, 0.05).low > 0


def test_nobody_and_everybody_are_no_certainty():
    assert difference_interval((0, 0), (0, 100), 0.5, 0.05) == Interval(None, None)
    found = difference_interval((0, 300), (0, 300), 0.5, 0.05)
    assert found.low < 0 < found.high
    assert difference_interval((3, 3), (0, 3), 0.5, 0.05).high == 1
