"""Both tails of the beta distribution, held against scipy, also where they are too small for a float."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import betaln
from scipy.stats import beta

from tasks.stats.incomplete_beta import log_beta, log_tails

sizes = st.floats(-2, 6).map(lambda power: 10**power)


@given(sizes, sizes)
def test_the_beta_function_is_scipys(a, b):
    assert log_beta(a, b) == pytest.approx(betaln(a, b), rel=1e-9, abs=1e-8)


@given(sizes, sizes, st.floats(0.001, 0.999))
def test_both_tails_are_scipys_wherever_the_mass_is(a, b, quantile):
    x = float(beta.ppf(quantile, a, b))
    assume(1e-12 < x < 1 - 1e-9)
    below, above = log_tails(x, a, b)
    assert math.exp(below) == pytest.approx(beta.cdf(x, a, b), rel=1e-6)
    assert math.exp(above) == pytest.approx(beta.sf(x, a, b), rel=1e-6)


@pytest.mark.parametrize(("x", "a", "b"), [(0.1, 3000, 4000), (0.49985, 5e8, 5e8), (0.0731, 31, 8)])
def test_far_tails_keep_their_digits(x, a, b):
    grid = np.linspace(max(x - 60 / math.sqrt(a + b), 1e-9), x, 400_001)
    density = (a - 1) * np.log(grid) + (b - 1) * np.log1p(-grid) - log_beta(a, b)
    by_hand = density.max() + math.log(np.trapezoid(np.exp(density - density.max()), grid))
    assert log_tails(x, a, b)[0] == pytest.approx(by_hand, rel=1e-4)


def test_the_tails_are_each_others_mirror():
    assert log_tails(0.2, 3, 40) == pytest.approx(log_tails(0.8, 40, 3)[::-1])


def test_where_rounding_puts_a_value_on_both_sides_of_the_mean_its_tails_are_found():
    for size in range(1, 3000):
        a, b = 0.5 + size, 99.5 + 0.37 * size**2
        below, above = log_tails(math.nextafter((a + 1) / (a + b + 2), 1), a, b)
        assert math.exp(below) + math.exp(above) == pytest.approx(1)
