"""What is shown of a part of a rollout."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tasks.model.rollout import Rules
from tasks.stats import collect, observe

from .rollouts import ALIKE, counts, rollout

TARGET = SimpleNamespace(
    name="app1",
    environment=SimpleNamespace(name="vagrant"),
    hosts=(SimpleNamespace(name="one"), SimpleNamespace(name="two")),
    app=SimpleNamespace(canary=Rules(), goals={}),
)


@pytest.fixture
def asked(monkeypatch):
    """Which counts were asked for: from when on, and whether hosts were to keep them."""
    found = []

    def told(target, rollout, *, tick, keep=True):
        found.append((rollout.began, keep))
        bad = ALIKE | {"failing": (0.01, 0.5 if rollout.began == 0 else 0.01)}
        return counts(20_000, bad), {"one" if keep else "two": "silent"}

    monkeypatch.setattr(collect, "counts", told)
    return found


def test_a_part_is_shown_with_the_verdict_of_the_whole_and_kept_nowhere(asked):
    look = observe.since(TARGET, rollout(), 300.0)
    assert asked == [(0.0, True), (300.0, False)]
    assert look.seen.rollout.began == 300.0
    assert look.seen.verdict == observe.rollout(TARGET, rollout()).seen.verdict
    assert look.seen.verdict.word == "abort"
    assert look.seen.arms[1].failing == 10
    assert look.seen.warnings[-1] == observe.PART
    assert look.missing == {"one": "silent", "two": "silent"}


def test_a_part_from_before_the_beginning_is_the_whole(asked):
    assert observe.since(TARGET, rollout(), -5.0) == observe.rollout(TARGET, rollout())
    assert all(keep for _, keep in asked)
