"""Tests and intervals that may be looked at at any time: for counts in two arms, shares, and shares out of arms.

An e-value is what a bet against the hypothesis would have made of one unit of money. It stays below 1/α for ever with
a probability of at least 1 − α where the hypothesis holds (Ville's inequality), however often one looks. All of it is
in logarithms, so that no count is too large. Quantiles and differences are in `intervals`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .comparison import Interval
from .incomplete_beta import log_beta, log_tails

EXPECTED = 2.0
"""The ratio that the prior expects, with one event of the canary's weight behind it.

Tried at shares of 1 to 50 % against ratios of 2 to 20: no other prior is much better anywhere, and a flat one takes a
third longer at 5 %. It sets what is found soon, never how often a healthy canary is aborted.
"""

LEAST, MOST = 1e-6, 1e6
"""Ratios outside of these are as good as without a bound."""


@dataclass(frozen=True)
class Draws:
    """Events of one stage: how many fell to the canary and to its base, and the arms' shares of users, 0 to 1."""

    canary: float
    base: float
    canary_share: float
    base_share: float

    def chance(self, ratio: float) -> float:
        """That an event falls to the canary, if its users meet it `ratio` times as often as the base's.

        θ0 = m·w_c / (m·w_c + w_s): Lindon & Malek, section 4, for a tolerated ratio m.
        """
        weight = ratio * self.canary_share
        return weight / (weight + self.base_share)

    @property
    def told(self) -> bool:
        """Whether they can tell the arms apart at all: both have users."""
        return self.canary_share > 0 and self.base_share > 0


def log_two_sided(hits: float, misses: float, chance: float, a: float, b: float) -> float:
    """Log e-value against "each draw hits with this chance", by a mixture over all chances with a Beta(a, b) prior.

    E = B(a+x, b+y) / B(a, b) / (θ0^x (1−θ0)^y): Lindon & Malek, NeurIPS 2022, equation for two arms. Counts may be
    fractions, for forecasts; `chance` is in (0, 1).
    """
    return log_beta(a + hits, b + misses) - log_beta(a, b) - hits * math.log(chance) - misses * math.log1p(-chance)


def log_above(hits: float, misses: float, chance: float, a: float, b: float) -> float:
    """Log e-value against "with at most this chance": the prior is cut off below it.

    The two-sided one times (1 − I_θ0(a+x, b+y)) / (1 − I_θ0(a, b)), I the regularised incomplete beta function. Its
    likelihood ratios grow with the chance, so it holds for every smaller one too.
    """
    behind = log_tails(chance, a + hits, b + misses)[1] - log_tails(chance, a, b)[1]
    return log_two_sided(hits, misses, chance, a, b) + behind


def log_below(hits: float, misses: float, chance: float, a: float, b: float) -> float:
    """Log e-value against "with at least this chance"."""
    behind = log_tails(chance, a + hits, b + misses)[0] - log_tails(chance, a, b)[0]
    return log_two_sided(hits, misses, chance, a, b) + behind


def log_more(stages: Sequence[Draws], ratio: float) -> float:
    """Log e-value against "canary users meet it at most `ratio` times as often": the product over the stages.

    Each stage has its own θ0; counts of stages are never pooled (Simpson's paradox). 0 where nothing was drawn.
    """
    return sum(log_above(one.canary, one.base, one.chance(ratio), *prior(one)) for one in stages if one.told)


def log_less(stages: Sequence[Draws], ratio: float) -> float:
    """Log e-value against "canary users meet it at least `ratio` times as often"; as `log_more`."""
    return sum(log_below(one.canary, one.base, one.chance(ratio), *prior(one)) for one in stages if one.told)


def prior(stage: Draws) -> tuple[float, float]:
    """Beta(a, b) for the chance that an event falls to the canary: a is 1, and the odds a/b are those of EXPECTED."""
    return 1.0, stage.base_share / (EXPECTED * stage.canary_share)


def likeliest_ratio(stages: Sequence[Draws]) -> float | None:
    """How many times as often the canary's users meet it, most likely; None where the base's never did.

    The ratio at which the canary's events are as many as expected, all stages together (conditional maximum
    likelihood): other than the ratio of pooled shares, it is right when the arms' shares of users changed.
    """
    told = [one for one in stages if one.told]
    hits = sum(one.canary for one in told)
    if not sum(one.base for one in told):
        return None

    def too_large(ratio: float) -> bool:
        return sum((one.canary + one.base) * one.chance(ratio) for one in told) >= hits

    return first(too_large) if hits else 0.0


def ratio_interval(stages: Sequence[Draws], alpha_low: float, alpha_high: float) -> Interval:
    """Between which ratios the true one stays, however often one looks: the tests turned round.

    It is ever below `low` with a probability of at most `alpha_low`, and above `high` with `alpha_high`.
    """
    low = first(lambda ratio: log_more(stages, ratio) < -math.log(alpha_low))
    high = first(lambda ratio: log_less(stages, ratio) >= -math.log(alpha_high))
    return Interval(low if low is not None and low > LEAST else None, high)


def first(holds: Callable[[float], bool]) -> float | None:
    """The smallest ratio from which on something holds, by bisection; None where it doesn't up to MOST."""
    if not holds(MOST):
        return None
    if holds(LEAST):
        return LEAST
    low, high = math.log(LEAST), math.log(MOST)
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (low, middle) if holds(math.exp(middle)) else (middle, high)
    return math.exp(high)


def log_share_below(hits: float, users: float, share: float) -> float:
    """Log e-value against "at least this share of the users meets it", for one arm by itself.

    The one-sided binomial test of the same kind (`log_below`), with a prior of mean `share`, worth half a hit.
    """
    return log_below(hits, max(users - hits, 0.0), share, 0.5, 0.5 * (1 - share) / share)


def log_sample_ratio(counts: Sequence[Sequence[int]], asked: Sequence[Sequence[float]]) -> float:
    """Log e-value against "users fall to the arms with the shares asked for"; rows are stages, columns arms.

    Two-sided and for any number of arms: the Dirichlet-multinomial of Lindon & Malek, NeurIPS 2022, with a prior
    centred on what was asked for and worth CERTAINTY users. Arms that were to get nobody are left out.
    """
    return sum(_log_multinomial(row, shares) for row, shares in zip(counts, asked, strict=True))


CERTAINTY = 200.0


def _log_multinomial(counts: Sequence[int], asked: Sequence[float]) -> float:
    arms = [(count, share / sum(asked)) for count, share in zip(counts, asked, strict=True) if share > 0]
    total = sum(count for count, _ in arms)
    arm_terms = [
        math.lgamma(CERTAINTY * share + count) - math.lgamma(CERTAINTY * share) - count * math.log(share)
        for count, share in arms
    ]
    return math.lgamma(CERTAINTY) - math.lgamma(CERTAINTY + total) + sum(arm_terms)
