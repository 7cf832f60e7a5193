"""The next move of a canary on its way: a verdict decides, and nothing is promoted that was not seen whole."""

from dataclasses import replace

import pytest

from tasks.model.percent import Percent
from tasks.model.rollout import HOLD, Rules, Stage
from tasks.stats import walk

from . import samples

STEPS = tuple(map(Percent, (10, 50, 250, 1000)))
SOON = 60


def at(comparison, share, **rules):
    """A comparison whose canary has this share of the users, in buckets, since its beginning."""
    stages = (Stage(comparison.rollout.began, Percent(share), Percent(0)),)
    return replace(comparison, rollout=replace(comparison.rollout, stages=stages), rules=Rules(**rules))


def move(comparison, after=SOON, missing=None):
    found = walk.move(comparison, STEPS, comparison.rollout.began + after, missing or {})
    assert found.reason
    return found.word, found.share.buckets


def test_a_good_verdict_leads_to_the_next_step_and_from_the_last_but_one_to_everybody():
    assert move(at(samples.good(), 10)) == ("grow", 50)
    assert move(at(samples.good(), 50)) == ("grow", 250)
    assert move(at(samples.good(), 250)) == ("promote", 1000)


def test_steps_that_do_not_end_with_100_end_with_a_promote_too():
    assert walk.after(Percent(250), (Percent(10), Percent(250))) == walk.EVERYBODY


def test_a_share_between_two_steps_goes_on_to_the_next():
    assert move(at(samples.good(), 70)) == ("grow", 250)


@pytest.mark.parametrize("sample", [samples.failing, samples.slow_tail])
def test_a_bad_verdict_puts_the_canary_back(sample):
    assert move(at(sample(), 50)) == ("abort", 50)


def test_a_bad_verdict_puts_it_back_also_where_a_host_does_not_tell():
    assert move(at(samples.failing(), 50), missing={"app2": "no route to host"}) == ("abort", 50)


def test_a_bad_verdict_is_left_to_people_where_they_wish_so():
    assert move(at(samples.failing(), 50, on_fail=HOLD)) == ("hold", 50)


@pytest.mark.parametrize("sample", [samples.waiting, samples.no_traffic])
def test_too_little_data_is_waited_for_and_given_up_after_the_patience_not_promoted(sample):
    assert move(at(sample(), 50, patience=3600), after=3600) == ("wait", 50)
    assert move(at(sample(), 50, patience=3600), after=3601) == ("hold", 50)


def test_where_users_get_lost_the_canary_is_put_back_or_left_to_people_as_they_wish():
    assert move(at(samples.mismatch(), 50)) == ("abort", 50)
    assert move(at(samples.mismatch(), 50, on_fail=HOLD)) == ("hold", 50)


def test_without_word_from_a_host_nothing_grows():
    found = walk.move(at(samples.good(), 50), STEPS, samples.BEGAN + SOON, {"app2": "no route to host"})
    assert (found.word, found.reason) == ("wait", "app2 did not answer: no route to host")


def test_a_look_is_one_line_with_the_share_the_users_the_worst_and_the_decision():
    seen = at(samples.failing(), 50)
    line = walk.line(seen, walk.move(seen, STEPS, samples.BEGAN + SOON, {}))
    assert "\n" not in line
    assert line.startswith("   5 %  ")
    assert "abort: " in line


@pytest.mark.parametrize("sample", [samples.good, samples.no_traffic])
def test_a_build_server_gets_numbers_that_are_finite(sample):
    found = walk.statistics(sample())
    assert found["depl.canary.users"] >= 0
    assert all(0 <= value < float("inf") for value in found.values())
