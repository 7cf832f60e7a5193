"""Verdicts: abort, promote, not enough data, not valid; decided or not yet. In words, with the numbers."""

import re
from dataclasses import replace

import pytest

from tasks.model.rollout import AB, Rules
from tasks.stats.comparison import ABORT, DECIDED, INVALID, NOT_YET, PROMOTE, WAIT
from tasks.stats.counts import EXPOSED, SEEN, Counts, Trouble
from tests.stats.rollouts import ALIKE, LIVE, judged, rollout
from tests.stats.rollouts import counts as counted
from tests.stats.rollouts import goal as named

GOOD = {"failing": (0.002, 0.002), **ALIKE}
BAD = {"failing": (8 / 5890, 0.1), **ALIKE}
HALF = rollout(500, kind=AB)


def difference(comparison, kind):
    return next(one for one in comparison.differences if one.kind == kind)


def sentences(comparison):
    return f"{comparison.verdict.headline} {comparison.verdict.reason}"


def test_a_canary_that_fails_too_often_is_aborted_and_the_numbers_say_why():
    found = judged(counted(6200, BAD))
    assert (found.verdict.word, found.verdict.kind) == (ABORT, "failing")
    assert found.verdict.headline == "ABORT. 2026.11.22.12.05 fails too often."
    assert "31 of 310 users met an error; with the live version 8 of 5,890." in found.verdict.reason
    assert re.search(r"That is at least \d+\.\d times as many; 1\.5 times are allowed\.", found.verdict.reason)
    worst = found.differences[0]
    assert (worst.kind, worst.state, worst.canary_met, worst.canary_users) == ("failing", "too bad", 31, 310)
    assert worst.evidence >= worst.boundary == 40
    assert worst.interval.low > 1.5


@pytest.mark.parametrize("kind", ["slow95", "slow99"])
def test_a_slow_canary_is_aborted_and_the_time_is_named(kind):
    live = ALIKE[kind][0]
    found = judged(counted(20_000, {**GOOD, kind: (live, live * 3)}))
    assert (found.verdict.word, found.verdict.kind) == (ABORT, kind)
    assert "is too slow" in found.verdict.headline
    assert f"met a request over {'480 ms' if kind == 'slow95' else '1.2 s'};" in found.verdict.reason


def test_a_canary_that_is_alike_is_promoted_and_never_called_better():
    found = judged(counted(120_000, GOOD, minutes=60))
    assert found.verdict.word == PROMOTE
    assert found.verdict.headline == "PROMOTE. 2026.11.22.12.05 is not worse than you allow."
    assert "12 of 6,000 users met an error; with the live version 228 of 114,000." in found.verdict.reason
    assert "better" not in sentences(found)
    assert {one.state for one in found.differences} == {"fine"}


def test_too_little_is_not_enough_data_with_how_much_longer():
    found = judged(counted(3000, GOOD, minutes=60))
    assert found.verdict.word == WAIT
    assert re.match(r"NOT ENOUGH DATA\. About \d+ (min|h|days) more at this traffic\.", found.verdict.headline)
    assert re.search(r"×3 as many failing users would show in about \d+ (min|h|days)\.", found.verdict.reason)
    assert found.verdict.minutes == pytest.approx(max(one.minutes or 0 for one in found.differences))


def test_no_traffic_is_never_a_promote():
    for nothing in (Counts((), 0.0), Counts((), 7200.0), counted(0, GOOD)):
        found = judged(nothing)
        assert (found.verdict.word, found.verdict.minutes) == (WAIT, None)
        assert "No user has been seen yet" in found.verdict.headline


def test_a_canary_without_users_is_never_promoted():
    found = judged(counted(30, GOOD, canary=0.0))
    assert found.verdict.word == WAIT
    assert "No user of 2026.11.22.12.05 has been seen yet." in found.verdict.reason


def test_few_users_of_the_present_share_hold_a_promote_back():
    rules = Rules(minimum_users=50_000)
    found = judged(counted(120_000, GOOD, minutes=60), rules=rules)
    assert found.verdict.word == WAIT
    assert (
        "50,000 are seen at each share, 5 min or longer before a verdict; 44,500 are missing." in found.verdict.reason
    )
    assert found.verdict.minutes == pytest.approx(445, rel=0.001)


def test_what_is_certain_to_be_negligible_is_fine_whatever_the_ratio():
    rare = {**GOOD, "failing": (0.00001, 0.001)}
    found = judged(counted(200_000, rare, minutes=60))
    assert difference(found, "failing").evidence > 40
    assert (found.verdict.word, difference(found, "failing").state) == (PROMOTE, "fine")
    found = judged(counted(200_000, rare, minutes=60), rules=Rules(negligible=0.0))
    assert found.verdict.word == ABORT


def test_an_abort_stays_one_when_later_ticks_look_better():
    early, late = counted(6200, BAD), counted(60_000, {"failing": (0.01, 0.0), **ALIKE}, minutes=60, at=600)
    found = judged(Counts(early.ticks + late.ticks, late.until))
    assert found.verdict.word == ABORT
    assert found.evidence[-1].evidence["failing"] < 40


def test_the_evidence_has_a_point_for_each_tick_and_kind():
    found = judged(counted(6200, BAD))
    assert [point.at for point in found.evidence] == [60.0 * minute for minute in range(10)]
    assert set(found.evidence[0].evidence) == {"failing", "slow50", "slow95", "slow99"}
    assert found.evidence[-1].evidence["failing"] == difference(found, "failing").evidence


def test_arms_that_are_not_as_asked_make_it_not_valid_and_never_abort():
    found = judged(counted(20_000, {"failing": (0.0, 0.0), **ALIKE}, canary=0.02))
    assert found.verdict.word == INVALID
    assert found.sample_ratio.mismatch
    assert "canary 5.0 % asked, 2.0 % got" in found.verdict.reason


def test_what_is_too_bad_is_aborted_whatever_the_arms_got():
    late = counted(60_000, BAD, minutes=60, canary=0.02, at=600)
    found = judged(Counts(counted(20_000, GOOD, canary=0.02).ticks + late.ticks, late.until))
    assert found.sample_ratio.mismatch
    assert found.verdict.word == ABORT


def staged(canary, base, users=(200, 600)):
    """A clean stage at 5 %, and one at 25 % with so many failing users of the canary's and its base's users."""
    first = counted(34_000, {"failing": (60 / 1700, 60 / 1700), **ALIKE}, minutes=60)
    second = counted(0, {}, minutes=60, canary=0.25, stage=1, at=3600)
    begin = replace(second.ticks[0], users={SEEN: users[::-1], "failing": (base, canary)})
    whole = Counts((*first.ticks, begin, *second.ticks[1:]), second.until)
    return judged(whole, of=rollout(stages=((0.0, 50), (3600.0, 250)), slow=None))


def test_a_stage_that_leans_the_other_way_is_not_fine_because_of_those_before_it():
    found = staged(5, 2)
    assert (found.verdict.word, difference(found, "failing").state) == (WAIT, "unclear")
    assert "At 25 % alone it was 5 of the canary, 2 of the others." in found.verdict.reason
    for canary, base in ((0, 0), (0, 2), (2, 6)):
        assert staged(canary, base).verdict.word == PROMOTE


def test_users_count_as_having_met_nothing_only_after_a_while():
    clean = counted(40_000, {"failing": (0.0, 0.0), **ALIKE}, minutes=4)
    assert difference(judged(clean), "failing").state == "unclear"
    assert difference(judged(clean, rules=Rules(settle=0)), "failing").state == "fine"
    assert difference(judged(replace(clean, until=600.0)), "failing").state == "fine"


def test_only_complete_ticks_cross_a_boundary():
    whole = counted(6200, BAD, minutes=1)
    unfinished = replace(whole, until=60.0)
    assert judged(whole).verdict.word == ABORT
    assert judged(unfinished).verdict.word == WAIT
    assert judged(unfinished).differences[0].canary_met == 31
    assert judged(unfinished, of=replace(rollout(), ended=60.0)).verdict.word == ABORT


@pytest.mark.parametrize(("outcome", "word"), [("aborted", ABORT), ("promoted", PROMOTE)])
def test_what_ended_a_rollout_stays_its_verdict_whatever_a_recount_says(outcome, word):
    ended = replace(rollout(), ended=600.0, outcome=outcome, reason="So many failed.")
    for found in (counted(0, GOOD), counted(6200, BAD), counted(120_000, GOOD, minutes=60)):
        verdict = judged(found, of=ended).verdict
        assert (verdict.word, verdict.reason) == (word, "So many failed.")
        assert verdict.headline.startswith(f"{word.upper()}. ")
    by_hand = replace(ended, reason="")
    assert judged(counted(0, GOOD), of=by_hand).verdict.word == WAIT


def test_a_canary_that_was_too_bad_before_it_lost_its_users_is_aborted_all_the_same():
    early, late = counted(6200, BAD), counted(60_000, BAD, minutes=60, canary=0.01, at=600)
    found = judged(Counts(early.ticks + late.ticks, late.until))
    assert found.sample_ratio.mismatch
    assert found.verdict.word == ABORT


def test_without_thresholds_slowness_is_not_judged_and_it_is_said():
    found = judged(counted(120_000, GOOD, minutes=60), of=rollout(slow=None))
    assert [one.kind for one in found.differences] == ["failing"]
    assert found.verdict.word == PROMOTE
    assert "Slowness was not judged." in found.verdict.reason
    assert any("Slowness is not judged" in one for one in found.warnings)


def test_the_control_arm_is_what_the_canary_is_compared_with():
    whole = counted(20_000, GOOD, canary=0.05)

    def parted(tick):
        users = {kind: (arms[0] - arms[1], arms[1], arms[1]) for kind, arms in tick.users.items()}
        return replace(tick, users=users, times=(*tick.times, tick.times[1]))

    ticks = tuple(map(parted, whole.ticks))
    found = judged(Counts(ticks, whole.until), of=rollout(50, control=LIVE))
    assert found.sample_ratio.asked == pytest.approx((0.9, 0.05, 0.05))
    assert difference(found, "slow50").base_users == difference(found, "slow50").canary_users == 1000
    assert difference(found, "slow50").ratio == pytest.approx(1.0)
    assert [one.role for one in found.arms] == ["live", "canary", "control"]


def test_a_raised_percentage_is_judged_stage_by_stage():
    stages = ((0.0, 10), (3600.0, 500))
    bad_times = counted(20_000, {"failing": (0.05, 0.05), **ALIKE}, minutes=60, canary=0.01)
    good_times = counted(20_000, {"failing": (0.002, 0.002), **ALIKE}, minutes=60, canary=0.5, stage=1, at=3600)
    found = judged(Counts(bad_times.ticks + good_times.ticks, good_times.until), of=rollout(stages=stages))
    pooled = difference(found, "failing")
    assert pooled.canary < pooled.base / 2, "as pooled shares have it, the canary is much better"
    assert pooled.ratio == pytest.approx(1, rel=0.1)


def test_who_is_moved_into_the_canary_counts_among_its_users():
    stages = ((0.0, 10), (3600.0, 500))
    first, second = counted(20_000, GOOD, 60, 0.01), counted(0, {}, 60, 0.5, stage=1, at=3600)
    moved = (replace(second.ticks[0], users={EXPOSED: (0, 9_800), "failing": (98, 98)}), *second.ticks[1:])
    before = tuple(replace(tick, users={**tick.users, EXPOSED: tick.users[SEEN]}) for tick in first.ticks)
    found = judged(Counts(before + moved, second.until), of=rollout(stages=stages))
    assert difference(found, "failing").canary_users == 10_000
    assert difference(found, "failing").canary == pytest.approx(0.0098, rel=0.1)


def test_a_goal_that_more_users_reach_decides_a_test():
    found = judged(counted(20_000, {named("buy"): (0.1, 0.13), **GOOD}, canary=0.5), of=HALF, goals=["buy"])
    assert found.verdict.word == DECIDED
    assert found.verdict.headline == "DECIDED. With 2026.11.22.12.05 more users reach buy."
    assert "1,300 of 10,000 users of 2026.11.22.12.05 reached it; with the live version 1,000 of 10,000." in sentences(
        found
    )
    assert found.goals[0].state == "more"
    assert 0 < found.goals[0].interval.low < 0.03 < found.goals[0].interval.high


def test_a_decided_goal_stays_decided():
    early = counted(20_000, {named("buy"): (0.1, 0.13), **GOOD}, canary=0.5)
    late = counted(20_000, {named("buy"): (0.13, 0.1), **GOOD}, canary=0.5, at=600)
    found = judged(Counts(early.ticks + late.ticks, late.until), of=HALF, goals=["buy"])
    assert found.goals[0].interval.low < 0 < found.goals[0].interval.high
    assert (found.verdict.word, found.goals[0].state) == (DECIDED, "more")
    assert "It was certain before." in found.verdict.reason


def test_goals_that_are_alike_are_not_yet_and_one_that_nobody_reached_is_a_warning():
    found = judged(counted(20_000, {named("buy"): (0.1, 0.1), **GOOD}, canary=0.5), of=HALF, goals=["buy", "sign-up"])
    assert found.verdict.word == NOT_YET
    assert {one.state for one in found.goals} == {"unclear"}
    assert [one for one in found.warnings if "sign-up" in one and "buy" not in one]


def test_few_users_decide_no_goal():
    found = judged(counted(300, {named("buy"): (0.0, 1.0), **GOOD}, canary=0.5), of=HALF, goals=["buy"])
    assert found.verdict.word == NOT_YET


def test_goals_are_not_compared_when_the_share_was_changed():
    stages = ((0.0, 100), (600.0, 500))
    first = counted(20_000, {named("buy"): (0.1, 0.2), **GOOD}, canary=0.1)
    second = counted(20_000, {named("buy"): (0.1, 0.2), **GOOD}, canary=0.5, stage=1, at=600)
    whole = Counts(first.ticks + second.ticks, second.until)
    found = judged(whole, of=rollout(kind=AB, stages=stages), goals=["buy"])
    assert (found.goals[0].state, found.goals[0].interval.low) == ("unclear", None)
    assert any("not compared" in one for one in found.warnings)


def test_trouble_in_logs_and_sampling_are_said():
    whole = counted(6000, GOOD)
    found = judged(Counts(whole.ticks, whole.until, 0.25, Trouble(3, 1200)))
    assert any("25.0 % of the users" in one for one in found.warnings)
    assert any("3 that can't be read, 1,200 of something else" in one for one in found.warnings)


def test_quantiles_come_with_their_intervals():
    found = judged(counted(6000, GOOD))
    live = found.arms[0]
    assert live.p50_interval.low < live.p50 < live.p50_interval.high
    assert (live.users, live.requests, live.version) == (5700, 17100, str(LIVE))
    assert sum(arm.share for arm in found.arms) == pytest.approx(1)


def test_lines_that_were_lost_are_told():
    found = replace(counted(20_000, ALIKE), trouble=Trouble(lost_before=1_763_900_000.0))
    (warning,) = judged(found).warnings
    assert "all are there from 2025-11-23 12:13 UTC" in warning
