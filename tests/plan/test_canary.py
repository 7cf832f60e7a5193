"""A canary as plans: its share on all hosts or on none, one at a time, and a record of every stage."""

import json
from dataclasses import replace

import pytest

from tasks.errors import Refused
from tasks.model.percent import Percent
from tasks.model.release import Release
from tasks.model.rollout import AB, Rollout, Stage, Thresholds
from tasks.model.route import Table
from tasks.plan import canary, catch_up, promote, retire, rollouts, workers

from .world import APP1, APP2, AT_WORK, NOW, TARGET, V1, V2, V3, Story, argvs, installed, whys

R1, R2, R3 = Release(V1, 0), Release(V2, 1), Release(V3, 2)
SLOW = Thresholds(0.1, 0.2, 0.3)
BEGUN = Rollout("canary", V1, V2, None, (Stage(NOW - 60, Percent(10), Percent(0)),), SLOW)


def on_both(tell):
    return [tell(Story(host)).facts() for host in (APP1, APP2)]


def with_rollout(facts, rollout):
    return [replace(one, live=replace(one.live, rollout=rollout)) for one in facts]


def described(plan, host=APP1):
    """The routing table that a plan writes on a host."""
    steps = [step for phase in plan.phases for step in phase.steps.get(host, ())]
    (table,) = [step for step in steps if "table" in step.argv]
    return json.loads(table.input)


def grown():
    facts = on_both(lambda story: story.has(installed(V1, 0), installed(V2, 1)).went_live(R1, canary=R2, share=10))
    return with_rollout(facts, BEGUN)


def test_a_canary_takes_its_share_and_leaves_live_as_it_is():
    facts = on_both(lambda story: story.has(installed(V1, 0), installed(V2, 1)).went_live(R1))
    plan = canary.plan(TARGET, canary.Canary(V2, Percent(50)), facts)
    assert "send traffic to 2026.11.22.12.02 for 5 % of users" in whys(plan)
    (table,) = [step for step in plan.phases[0].steps[APP1] if "table" in step.argv]
    assert json.loads(table.input)["share"] == 50


def test_zero_per_cent_ends_a_canary_even_of_a_release_that_died():
    dead = installed(V2, 1, health=0, state="exited")
    facts = [Story(APP1).has(installed(V1, 0), dead).went_live(R1, canary=R2, share=50).facts()]
    assert canary.plan(TARGET, canary.Canary(V2, Percent(0)), facts)


def test_a_canary_of_what_is_live_is_refused():
    facts = on_both(lambda story: story.has(installed(V1, 0)).went_live(R1))
    with pytest.raises(Refused, match="can't be its own canary"):
        canary.plan(TARGET, canary.Canary(V1, Percent(50)), facts)


def test_a_canary_before_the_first_promote_is_refused():
    with pytest.raises(Refused, match="Nothing is live"):
        canary.plan(TARGET, canary.Canary(V1, Percent(50)), on_both(lambda story: story.has(installed(V1, 0))))


def test_the_table_says_who_is_compared_with_whom_since_when_and_what_is_slow():
    facts = on_both(lambda story: story.has(installed(V1, 0), installed(V2, 1)).went_live(R1))
    said = described(canary.plan(TARGET, canary.Canary(V2, Percent(50), slow=SLOW), facts))
    rollout = rollouts.parse(said["rollout"])
    assert rollout == Rollout("canary", V1, V2, None, (Stage(NOW, Percent(50), Percent(0)),), SLOW)


def test_growing_is_a_stage_more_and_keeps_what_was_frozen():
    said = described(canary.plan(TARGET, canary.Canary(V2, Percent(50), slow=Thresholds(9, 9, 9)), grown()))
    rollout = rollouts.parse(said["rollout"])
    assert rollout == replace(BEGUN, stages=(*BEGUN.stages, Stage(NOW, Percent(50), Percent(0))))


def test_a_host_that_lags_gets_the_rollout_that_the_others_have():
    first, second = grown()
    lags = replace(
        second, live=replace(second.live, table=Table(R1), at=NOW - 900, rollout=None), counts={str(R1): 1000}
    )
    plan = canary.plan(TARGET, canary.Canary(V2, Percent(10)), [first, lags])
    assert whys(plan, APP1) == []
    assert rollouts.parse(described(plan, APP2)["rollout"]) == BEGUN


@pytest.mark.parametrize(("wish", "outcome"), [({}, "stopped"), ({"outcome": "aborted"}, "aborted")])
def test_an_ended_rollout_stays_written_down(wish, outcome):
    said = described(canary.plan(TARGET, canary.Canary(V2, Percent(0), **wish), grown()))
    assert rollouts.parse(said["rollout"]) == replace(BEGUN, ended=NOW, outcome=outcome)


def test_a_promote_of_the_canary_ends_its_rollout_as_promoted_and_that_of_another_as_stopped():
    facts = with_rollout(
        on_both(
            lambda story: story.has(installed(V1, 0), installed(V2, 1), installed(V3, 2)).went_live(
                R1, canary=R2, share=10
            )
        ),
        BEGUN,
    )
    assert rollouts.parse(described(promote.plan(TARGET, V2, facts))["rollout"]).outcome == "promoted"
    assert rollouts.parse(described(promote.plan(TARGET, V3, facts))["rollout"]).outcome == "stopped"


def test_a_second_canary_beside_another_is_refused():
    facts = on_both(
        lambda story: story.has(installed(V1, 0), installed(V2, 1), installed(V3, 2)).went_live(R1, canary=R2, share=10)
    )
    with pytest.raises(Refused, match=r"12.02 is the canary now, with 1 %.*\nEnd it first: inv canary --percent 0"):
        canary.plan(TARGET, canary.Canary(V3, Percent(50)), facts)


def test_a_canary_beside_an_ab_test_is_refused_and_the_other_way_round():
    ab = with_rollout(grown(), replace(BEGUN, kind=AB))
    with pytest.raises(Refused, match="An A/B test of .* is under way.\nEnd it first: inv ab.stop"):
        canary.plan(TARGET, canary.Canary(V2, Percent(50)), ab)
    with pytest.raises(Refused, match="A canary of .* is under way.\nEnd it first: inv canary --percent 0"):
        canary.plan(TARGET, canary.Canary(V2, Percent(50), kind=AB), grown())


def test_a_control_arm_is_never_promoted():
    here = (installed(V1, 0), installed(V2, 1), replace(installed(V3, 2), control_of=V1))
    facts = on_both(lambda story: story.has(*here).went_live(R1))
    for planner in (promote.plan, promote.back):
        with pytest.raises(Refused, match=r"is a control arm.*\nPromote that instead: inv promote --version .*12.01"):
            planner(TARGET, V3, facts)


def test_only_the_canary_that_there_is_can_be_ended_and_a_test_only_by_its_own_verb():
    with pytest.raises(Refused, match="12.03 is no canary now; 2026.11.22.12.02 is"):
        canary.plan(TARGET, canary.Canary(V3, Percent(0)), grown())
    with pytest.raises(Refused, match=r"An A/B test of .* is under way.\nEnd it first: inv ab.stop"):
        canary.plan(TARGET, canary.Canary(V2, Percent(0)), with_rollout(grown(), replace(BEGUN, kind=AB)))


def test_why_a_canary_was_put_back_or_promoted_is_written_down():
    wish = canary.Canary(V2, Percent(0), outcome="aborted", reason="3 of 10 users met an error")
    assert rollouts.parse(described(canary.plan(TARGET, wish, grown()))["rollout"]).reason == wish.reason
    said = described(promote.plan(TARGET, V2, grown(), reason="it is not worse than you allow"))
    assert rollouts.parse(said["rollout"]).reason == "it is not worse than you allow"


def test_a_control_arm_gets_as_many_users_as_the_canary_and_stays_when_it_grows():
    here = (installed(V1, 0), installed(V2, 1), replace(installed(V3, 2), control_of=V1))
    facts = on_both(lambda story: story.has(*here).went_live(R1))
    said = described(canary.plan(TARGET, canary.Canary(V2, Percent(50), V3), facts))
    assert said["control"] == str(R3)
    assert sorted((folder, count) for folder, count in said["runs"] if folder != f"releases/{R1}") == [
        (f"releases/{R2}", 50),
        (f"releases/{R3}", 50),
    ]
    running = [replace(one, live=replace(one.live, table=Table(R1, R2, Percent(50), R3))) for one in facts]
    said = described(canary.plan(TARGET, canary.Canary(V2, Percent(100)), running))
    assert rollouts.parse(said["rollout"]).stages[-1].control == Percent(100)


def test_a_host_that_comes_in_beside_a_control_arm_gets_one_too_of_the_live_image():
    control = replace(installed(V3, 2), control_of=V1)
    there = Story(APP1).has(installed(V1, 0), installed(V2, 1), control).went_live(R1, canary=R2, share=50).facts()
    there = replace(there, live=replace(there.live, table=Table(R1, R2, Percent(50), R3)))
    new = Story(APP2).facts()
    assert catch_up.versions(APP2, there.live, [there, new]) == (V1, V2, V3)
    plan = catch_up.release(TARGET, APP2, V3, ["app1"], [there, new])
    (created,) = [argv for argv in argvs(plan, APP2) if "create" in argv]
    assert f"deploy:5000/app1:{V1}" in created
    assert created[created.index("--name") + 1] == f"app1-{V3}-web"


def test_a_running_control_arm_is_kept_by_a_prune_and_one_whose_canary_has_ended_goes():
    control = replace(installed(V3, 2), control_of=V1)
    facts = Story(APP1).has(installed(V1, 0), installed(V2, 1), control).went_live(R1, canary=R2, share=50).facts()
    during = replace(facts, live=replace(facts.live, table=Table(R1, R2, Percent(50), R3)))
    assert control not in retire.spare(TARGET, during)[1]
    ended = Story(APP1).has(installed(V1, 0), installed(V2, 1), control).went_live(R1).facts()
    assert control in retire.spare(TARGET, ended)[1]


def test_a_control_arm_for_a_canary_that_began_without_one_is_refused():
    facts = on_both(
        lambda story: story.has(installed(V1, 0), installed(V2, 1), installed(V3, 2)).went_live(R1, canary=R2, share=10)
    )
    with pytest.raises(Refused, match="began without a control arm"):
        canary.plan(TARGET, canary.Canary(V2, Percent(50), V3), facts)


def test_a_canary_starts_those_workers_alone_that_are_to_be_tried():
    tried = replace(AT_WORK.app.components["worker"], number=1, canary=True)
    components = {**AT_WORK.app.components, "tried": tried}
    target = replace(AT_WORK, app=replace(AT_WORK.app, components=components))
    facts = on_both(lambda story: story.has(installed(V1, 0), installed(V2, 1)).went_live(R1))
    created = [argv for argv in argvs(canary.plan(target, canary.Canary(V2, Percent(50)), facts)) if "create" in argv]
    assert [argv[argv.index("--name") + 1] for argv in created] == ["app1-2026.11.22.12.02-tried.1"]


def test_a_canarys_workers_are_not_left_overs_until_it_ends():
    tried = replace(AT_WORK.app.components["worker"], number=1, canary=True)
    target = replace(AT_WORK, app=replace(AT_WORK.app, components={"web": AT_WORK.app.web, "tried": tried}))
    (facts, _) = grown()
    facts = replace(facts, programs={f"app1-{V1}-tried.1": "RUNNING", f"app1-{V2}-tried.1": "RUNNING"})
    assert workers.left(target, facts) == []
    ended = replace(facts, live=replace(facts.live, table=Table(R1)))
    assert workers.left(target, ended) == [f"app1-{V2}-tried.1"]


def test_what_a_rollout_is_comes_back_as_it_was_written():
    rollout = replace(BEGUN, control=V3, ended=NOW, outcome="promoted")
    assert rollouts.parse(json.loads(json.dumps(rollouts.as_json(rollout)))) == rollout
