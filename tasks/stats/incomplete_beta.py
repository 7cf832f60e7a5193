"""The beta function and both tails of the beta distribution, in logarithms: exact where they are 1e-300 and below."""

from __future__ import annotations

import math
from functools import lru_cache

TINY = 1e-300
PRECISION = 1e-15
MOST_STEPS = 200_000
"""The continued fraction takes about √(a+b) steps: this is enough for counts of 10¹⁰."""


def log_beta(a: float, b: float) -> float:
    """The logarithm of B(a, b) = Γ(a)Γ(b) / Γ(a+b), for a and b above 0."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


@lru_cache(maxsize=1024)  # of a prior they are asked again and again
def log_tails(x: float, a: float, b: float) -> tuple[float, float]:
    """The logarithms of I_x(a, b) and 1 − I_x(a, b): what a Beta(a, b) variable has below x and above, 0 < x < 1.

    The smaller one is the continued fraction (DLMF 8.17.22), which converges there; the other follows from it.
    """
    if x > (a + 1) / (a + b + 2):
        above = _below(1 - x, b, a)
        return _rest(above), above
    below = _below(x, a, b)
    return below, _rest(below)


def _below(x: float, a: float, b: float) -> float:
    front = a * math.log(x) + b * math.log1p(-x) - log_beta(a, b) - math.log(a)
    return min(front + math.log(_fraction(x, a, b)), -TINY)


def _rest(logarithm: float) -> float:
    return math.log(-math.expm1(logarithm))


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of I_x(a, b), by Lentz's method (Numerical Recipes, 6.4)."""
    numerator, denominator = 1.0, 1 / (1 - (a + b) * x / (a + 1) or TINY)
    value = denominator
    for step in range(1, MOST_STEPS):
        double = 2 * step
        for term in (
            step * (b - step) * x / ((a + double - 1) * (a + double)),
            -(a + step) * (a + b + step) * x / ((a + double) * (a + double + 1)),
        ):
            denominator = 1 / (1 + term * denominator or TINY)
            numerator = 1 + term / numerator or TINY
            value *= denominator * numerator
        if abs(denominator * numerator - 1) < PRECISION:
            break
    return value
