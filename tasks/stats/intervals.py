"""Intervals that may be looked at at any time, for what is shown beside the verdict: quantiles, and goals."""

from __future__ import annotations

import math

from .comparison import Interval
from .counts import WIDTH, Histogram

EXPECTED_USERS = 10_000
"""At how many users, both arms together, the interval of a difference is at its narrowest."""


def quantile_interval(times: Histogram, share: float, alpha: float) -> Interval:
    """Between which times, in seconds, a quantile of the requests lies; both bounds together hold with 1 − α.

    Howard & Ramdas, Bernoulli 28(3), 2022, theorem 1: the quantiles at share ± f of the n requests, where
    f = 1.5·√(share·(1−share)·ℓ) + 0.8·ℓ and ℓ = (1.4·log log(2.1·n) + log(10/α)) / n. The bounds are the outer edges of
    the histogram's bins. It takes requests as independent, which those of one user are not: it is for the eye alone.
    """
    total = times.total
    if not total:
        return Interval(None, None)
    spread = (1.4 * math.log(math.log(2.1 * total)) + math.log(10 / alpha)) / total
    reach = 1.5 * math.sqrt(share * (1 - share) * spread) + 0.8 * spread
    low = times.quantile(share - reach) if share > reach else None
    high = times.quantile(share + reach) if share + reach < 1 else None
    edge = math.sqrt(WIDTH)
    return Interval(low and low / edge, high and high * edge)


def difference_interval(
    canary: tuple[int, int], base: tuple[int, int], canary_share: float, alpha: float, expected: int = EXPECTED_USERS
) -> Interval:
    """Between which values the difference of two shares of users lies, canary − base; for large numbers of users.

    `canary` and `base` are (who reached it, users); `canary_share` is the canary's of both arms' users, 0 to 1. The
    asymptotic confidence sequence of Waudby-Smith et al., arXiv 2103.06476, equation 9:
    ± σ·√(2(nρ²+1)/(n²ρ²) · log(√(nρ²+1)/α)), with n users in both arms and the variance σ² of a randomised experiment
    with unequal arms, v_c/w_c + v_b/w_b. Variances are of (reached + 1)/(users + 2): never zero.
    """
    if not canary[1] or not base[1]:
        return Interval(None, None)
    users = canary[1] + base[1]
    variance = _variance(*canary) / canary_share + _variance(*base) / (1 - canary_share)
    grown = users * narrowest_at(expected, alpha) + 1
    reach = math.sqrt(variance * 2 * grown / (users * (grown - 1)) * math.log(math.sqrt(grown) / alpha))
    difference = canary[0] / canary[1] - base[0] / base[1]
    return Interval(max(difference - reach, -1.0), min(difference + reach, 1.0))


def narrowest_at(users: int, alpha: float) -> float:
    """ρ² for which the interval is at its narrowest at this number of users: (−2·log α + log(1 − 2·log α)) / n.

    Waudby-Smith et al., appendix B: the Lambert function's branch −1 in its usual approximation.
    """
    return (-2 * math.log(alpha) + math.log1p(-2 * math.log(alpha))) / users


def _variance(reached: int, users: int) -> float:
    share = (reached + 1) / (users + 2)
    return share * (1 - share)
