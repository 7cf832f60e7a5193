"""The simulation suite in small (`make sim` is the whole): healthy canaries stay, faulty ones go."""

import math

import numpy as np
import pytest

from bench.sim import RULES, counts, verdict
from bench.sim_users import KINDS, run

HEALTHY, FAULTY = 100, 30


def aborted(kind, healthy, runs):
    """The share of the runs that were aborted."""
    place = KINDS.index(kind)
    found = [run(kind, healthy, np.random.default_rng([6, place, healthy, number])) for number in range(runs)]
    return sum(verdict(kind, counts(kind, one))[0] is not None for one in found) / runs


@pytest.mark.parametrize("kind", [KINDS[1], KINDS[5]], ids=["clustered errors", "percentage raised"])
def test_healthy_canaries_are_aborted_at_most_at_alpha_and_faulty_ones_are_found(kind):
    margin = 3 * math.sqrt(RULES.alpha * (1 - RULES.alpha) / HEALTHY)
    assert aborted(kind, True, HEALTHY) <= RULES.alpha + margin
    assert aborted(kind, False, FAULTY) > 0.8
