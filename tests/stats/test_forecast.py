"""How long it takes: said before a canary starts, and for each wait."""

from dataclasses import replace

import pytest

from tasks.model.rollout import Rules
from tasks.stats.forecast import LONGEST, Users, before, fine_in, soonest, spell, start, too_bad_in

RULES = Rules()


def test_more_traffic_takes_less_time_in_proportion():
    slow, fast = start(60, 0.01, 0.05, 0.95, RULES), start(600, 0.01, 0.05, 0.95, RULES)
    assert too_bad_in(slow, RULES) == pytest.approx(10 * too_bad_in(fast, RULES), rel=0.05)
    assert fine_in(slow, RULES) == pytest.approx(10 * fine_in(fast, RULES), rel=0.05)


def test_what_is_worse_shows_sooner_and_what_is_allowed_never():
    outlook = start(600, 0.01, 0.05, 0.95, RULES)
    assert too_bad_in(outlook, RULES, 10) < too_bad_in(outlook, RULES, 3) < too_bad_in(outlook, RULES, 2)
    assert too_bad_in(outlook, RULES, 1.5) is None


def test_the_time_said_is_when_it_happens():
    outlook = start(600, 0.01, 0.05, 0.95, RULES)
    minutes = too_bad_in(outlook, RULES)
    assert outlook.after(minutes, 3).too_bad(RULES)
    assert not outlook.after(minutes * 0.98, 3).too_bad(RULES)
    assert outlook.after(fine_in(outlook, RULES)).fine(RULES)


def test_the_sentence_before_a_start_says_both_times():
    text = before(600, 0.001, 0.05, 0.95, RULES)
    assert text.startswith("At this traffic, a canary that is like the live version is fine after about ")
    assert "×3 as many failing users would show in about " in text


def test_minimum_users_count_too():
    assert "fine after about 7 days" in before(600, 0.001, 0.05, 0.95, Rules(minimum_users=300_000))


@pytest.mark.parametrize("arms", [(0, 0.01, 0.05, 0.95), (60, 0.01, 0.0, 1.0), (60, 0.01, 1.0, 0.0)])
def test_without_traffic_in_both_arms_nothing_can_be_said(arms):
    assert "can't be said" in before(*arms, RULES)


def test_where_nobody_fails_nothing_is_invented():
    assert "no user has met an error" in before(600, 0.0, 0.05, 0.95, RULES)


def test_the_soonest_minute_is_found_to_within_a_hundredth():
    assert soonest(lambda minutes: minutes >= 123.4) == pytest.approx(123.4, rel=0.011)
    assert soonest(lambda minutes: True) == 0
    assert soonest(lambda minutes: minutes > LONGEST) is None


@pytest.mark.parametrize(("minutes", "text"), [(0.2, "1 min"), (41, "41 min"), (150, "2 h"), (4000, "3 days")])
def test_durations_are_in_words_for_people(minutes, text):
    assert spell(minutes) == text


def test_users_settle_before_they_count():
    users = Users(settled=10, present=5, recent=20, pace=10, settle=5)
    assert (users.after(5).settled, users.after(6).present) == (30, 35)
    assert users.enough_in(5) == 0
    assert users.enough_in(25) == 5
    assert users.enough_in(75) == 10
    assert replace(users, pace=0).enough_in(75) is None


def test_no_good_verdict_is_told_of_before_users_settle():
    # A hundredth more, as times are found to within that.
    assert "fine after about 21 min" in before(600_000, 0.0, 0.05, 0.95, Rules(settle=1200))
