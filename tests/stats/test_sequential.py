"""Tests that may be looked at at any time: held against scipy, against simulation, and against huge counts."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta, dirichlet_multinomial, multinomial

from tasks.stats.sequential import (
    Draws,
    likeliest_ratio,
    log_above,
    log_below,
    log_less,
    log_more,
    log_sample_ratio,
    log_share_below,
    log_two_sided,
    ratio_interval,
)

FIVE = (0.05, 0.95)
counts = st.integers(0, 300)


@pytest.mark.parametrize(("hits", "misses"), [(0, 0), (5, 3), (12, 200), (0, 40)])
def test_the_e_value_is_the_mixture_of_likelihood_ratios(hits, misses):
    a, b, chance = 1.0, 9.5, 0.0731

    def likelihood(other):
        return (other / chance) ** hits * ((1 - other) / (1 - chance)) ** misses * beta.pdf(other, a, b)

    whole = quad(likelihood, 0, 1, points=[chance])[0]
    above = quad(likelihood, chance, 1)[0] / beta.sf(chance, a, b)
    below = quad(likelihood, 0, chance)[0] / beta.cdf(chance, a, b)
    assert math.exp(log_two_sided(hits, misses, chance, a, b)) == pytest.approx(whole, rel=1e-6)
    assert math.exp(log_above(hits, misses, chance, a, b)) == pytest.approx(above, rel=1e-6)
    assert math.exp(log_below(hits, misses, chance, a, b)) == pytest.approx(below, rel=1e-6)


def test_evidence_multiplies_over_stages_and_an_arm_without_users_tells_nothing():
    one, other = Draws(7, 30, *FIVE), Draws(40, 90, 0.25, 0.75)
    assert log_more([one, other], 1.5) == pytest.approx(log_more([one], 1.5) + log_more([other], 1.5))
    assert log_more([one, Draws(9, 0, 1.0, 0.0)], 1.5) == log_more([one], 1.5)
    assert log_less([Draws(9, 3, 0.0, 1.0)], 1.5) == 0


def test_stages_are_not_pooled():
    quiet, busy = Draws(1, 99, 0.01, 0.99), Draws(500, 500, 0.5, 0.5)
    assert likeliest_ratio([quiet, busy]) == pytest.approx(1.0)
    assert likeliest_ratio([Draws(501, 599, 0.01, 0.99)]) > 50


@given(counts, counts, st.floats(0.01, 0.6))
def test_the_interval_says_the_same_as_the_tests(hits, misses, share):
    stages = [Draws(hits, misses, share, 1 - share)]
    found = ratio_interval(stages, 0.025, 0.05)
    if found.low is not None:
        assert log_more(stages, found.low * 0.999) >= math.log(40) - 1e-6 > log_more(stages, found.low * 1.01) - 1e-6
    if found.high is not None:
        assert log_less(stages, found.high * 1.001) >= math.log(20) - 1e-6
    if found.low is not None and found.high is not None:
        assert found.low < likeliest_ratio(stages) < found.high


@given(counts, counts, st.sampled_from([0.01, 0.05, 0.25, 0.5]))
def test_evidence_against_a_ratio_falls_as_the_ratio_grows_while_it_counts(hits, misses, share):
    stages = [Draws(hits, misses, share, 1 - share)]
    values = [log_more(stages, 1.2**power) for power in range(-40, 41)]
    for smaller, larger in pairwise(values):
        assert smaller > larger - 1e-9 or larger < math.log(10)


def test_nothing_seen_bounds_nothing():
    assert ratio_interval([Draws(0, 0, *FIVE)], 0.025, 0.05) == ratio_interval([], 0.025, 0.05)
    found = ratio_interval([Draws(0, 0, *FIVE)], 0.025, 0.05)
    assert (found.low, found.high, likeliest_ratio([Draws(0, 0, *FIVE)])) == (None, None, None)
    assert likeliest_ratio([Draws(0, 9, *FIVE)]) == 0
    assert ratio_interval([Draws(0, 100, *FIVE)], 0.025, 0.05).low is None
    assert ratio_interval([Draws(9, 0, *FIVE)], 0.025, 0.05).high is None


@pytest.mark.parametrize("scale", [1e6, 1e9])
def test_huge_counts_do_not_overflow(scale):
    found = ratio_interval([Draws(0.06 * scale, 0.94 * scale, *FIVE)], 0.025, 0.05)
    assert 1.18 < found.low < 0.06 / 0.94 * 19 < found.high < 1.24
    assert log_more([Draws(scale, 0, *FIVE)], 1.5) > scale
    assert log_sample_ratio([[int(scale), 0]], [[0.5, 0.5]]) > 0.6 * scale


def aborted(seed, share, ratio, length, runs):
    """The share of runs aborted at a tolerated ratio of 1.5, looked at after each event of the canary."""
    random, reached = np.random.default_rng(seed), 0
    stage = Draws(0, 0, share, 1 - share)
    for _ in range(runs):
        hit = np.flatnonzero(random.random(length) < stage.chance(ratio))
        looks = (Draws(n + 1, int(place) - n, share, 1 - share) for n, place in enumerate(hit))
        reached += any(log_more([look], 1.5) >= math.log(20) for look in looks)
    return reached / runs


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_a_canary_as_bad_as_allowed_is_aborted_at_most_at_alpha_however_often_one_looks(share):
    assert aborted(7, share, 1.5, 300, 400) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


def test_a_canary_three_times_as_bad_is_found():
    assert aborted(8, 0.05, 3, 800, 200) > 0.95


def test_a_share_is_below_only_when_that_is_certain():
    assert log_share_below(0, 200, 0.005) < math.log(20) < log_share_below(0, 1000, 0.005)
    assert log_share_below(5, 1000, 0.005) < 0
    assert log_share_below(9, 5, 0.005) < 0, "more hits than users, as after a raised percentage"


def test_a_share_just_at_the_limit_is_called_below_at_most_at_alpha():
    random, wrong, runs = np.random.default_rng(9), 0, 400
    for _ in range(runs):
        hits = np.cumsum(random.random(4000) < 0.005)
        wrong += any(log_share_below(int(hits[n - 1]), n, 0.005) >= math.log(20) for n in range(50, 4001, 50))
    assert wrong / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


@given(st.lists(st.integers(0, 500), min_size=3, max_size=3))
def test_the_sample_ratio_is_scipys_dirichlet_multinomial(row):
    asked = np.array([0.9, 0.05, 0.05])
    n = sum(row)
    expected = dirichlet_multinomial.logpmf(row, 200 * asked, n) - multinomial.logpmf(row, n, asked)
    assert log_sample_ratio([row], [asked]) == pytest.approx(expected, abs=1e-6)


def test_arms_that_were_to_get_nobody_do_not_count():
    assert log_sample_ratio([[95, 5, 3]], [[0.95, 0.05, 0.0]]) == log_sample_ratio([[95, 5]], [[0.95, 0.05]])


def test_the_sample_ratio_alarms_by_mistake_at_most_at_its_alpha_and_finds_a_lost_third():
    random, runs = np.random.default_rng(10), 400
    found = {}
    for share in (0.05, 0.033):
        over = 0
        for _ in range(runs):
            seen = np.cumsum(random.random(6000) < share)
            over += any(log_sample_ratio([[n - int(seen[n - 1]), int(seen[n - 1])]], [[0.95, 0.05]]) >= math.log(100)
                        for n in range(100, 6001, 100))  # fmt: skip
        found[share] = over / runs
    assert found[0.05] <= 0.01 + 3 * math.sqrt(0.01 * 0.99 / runs)
    assert found[0.033] > 0.9
