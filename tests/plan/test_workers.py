"""What only a live release runs: up before its traffic comes, at work until that has gone, and never left over."""

from dataclasses import replace

import pytest

from tasks.model.release import Release
from tasks.plan import components, promote, prune, workers
from tasks.plan.facts import Container

from .world import APP1, APP2, AT_WORK, TARGET, V1, V2, WORKER, Story, installed, whys

R1, R2 = Release(V1, 0), Release(V2, 1)


def container(name, version, state="running"):
    return Container(name, version, "worker", "deploy:5000/app1:1", state, 137, False, 1000)


def facts(*running, host=APP1, live=R1, state="running", programs=None):
    """A host with two versions, the first live, and these workers of it: (version, number)."""
    story = Story(host).has(installed(V1, 0), installed(V2, 1)).went_live(live)
    there = [container(f"app1-{version}-worker.{number}", version, state) for version, number in running]
    found = {one.name: "RUNNING" for one in there} if programs is None else programs
    return replace(story.facts(), workers=tuple(there), programs={f"app1-{V1}-web": "RUNNING", **found})


def test_a_promote_waits_for_the_new_workers_before_it_moves_traffic():
    plan = promote.plan(AT_WORK, V2, [facts(host=host) for host in (APP1, APP2)])
    assert [phase.name for phase in plan.phases] == ["workers", "prepare", "flip"]
    assert [why for why in whys(plan) if why.startswith("wait for")] == [
        f"wait for app1-{V2}-worker.{number}" for number in (1, 2)
    ]


def test_a_rollback_moves_traffic_at_once():
    plan = promote.back(AT_WORK, V2, [facts()])
    assert [phase.name for phase in plan.phases] == ["prepare", "flip"]


def test_old_workers_are_not_touched_until_traffic_has_moved():
    before = facts((V1, 1), (V1, 2), (V2, 1), (V2, 2))
    assert not [why for why in whys(promote.plan(AT_WORK, V2, [before])) if f"{V1}-worker" in why]
    assert workers.left(AT_WORK, before) == [f"app1-{V2}-worker.{number}" for number in (1, 2)]
    after = facts((V1, 1), (V1, 2), (V2, 1), (V2, 2), live=R2)
    assert workers.left(AT_WORK, after) == [f"app1-{V1}-worker.{number}" for number in (1, 2)]


def test_workers_that_finish_are_asked_at_once_and_given_their_grace():
    plan = workers.hand_over(AT_WORK, [facts((V1, 1), (V1, 2), live=R2)])
    (stop,) = [step for phase in plan.phases for step in phase.steps[APP1] if step.argv[:2] == ("docker", "stop")]
    assert stop.argv[2:] == (f"app1-{V1}-worker.1", f"app1-{V1}-worker.2")
    assert stop.timeout > WORKER.grace


def test_a_prune_hands_over_before_it_removes_anything():
    plan = prune.plan(AT_WORK, [facts((V1, 1), (V1, 2), (V2, 1))])
    assert plan.phases[0].name == "hand over"
    assert plan.phases[0].steps[APP1] == workers.finish(AT_WORK, facts((V2, 1)), [facts((V2, 1))])


def test_workers_that_run_are_left_alone():
    there = facts((V1, 1), (V1, 2))
    assert not workers.up(AT_WORK, [there])
    assert not workers.hand_over(AT_WORK, [there])


@pytest.mark.parametrize("sick", [{"state": "exited"}, {"programs": {}}])
def test_a_worker_that_is_dead_or_not_watched_is_made_anew(sick):
    said = whys(workers.up(AT_WORK, [facts((V1, 1), (V1, 2), **sick)]))
    assert said.index(f"clear away app1-{V1}-worker.1: remove") < said.index(f"create app1-{V1}-worker.1")
    assert not [why for why in said if str(V2) in why]


def test_a_program_without_a_container_is_ended_too():
    left = facts(programs={f"app1-{V2}-worker.1": "BACKOFF"})
    assert workers.left(AT_WORK, left) == [f"app1-{V2}-worker.1"]


def test_only_names_of_the_apps_own_are_its_workers():
    programs = {f"other-{V2}-worker.1": "RUNNING", f"app1-{V2}-web": "RUNNING", f"app10-{V2}-worker.1": "RUNNING"}
    assert workers.left(AT_WORK, facts(programs=programs)) == []


def test_a_worker_that_is_not_described_any_more_is_ended():
    assert workers.left(TARGET, facts((V1, 1))) == [f"app1-{V1}-worker.1"]


def test_nothing_is_ended_while_nobody_can_tell_what_is_live():
    assert workers.left(AT_WORK, replace(facts((V2, 1)), live=None)) == []


def test_a_promote_that_is_put_back_lets_its_workers_finish():
    plan = workers.up(AT_WORK, [facts()])
    (undo, _) = [step.undo for step in plan.phases[0].steps[APP1] if step.why.startswith("create")]
    assert undo[:1] == ("sh",)
    assert undo[-2:] == ("45", f"app1-{V1}-worker.1")


def test_an_app_without_workers_has_no_step_for_them():
    assert not workers.up(TARGET, [facts()])
    assert [phase.name for phase in promote.plan(TARGET, V2, [facts()]).phases] == ["prepare", "flip"]


def test_status_tells_components_apart_whose_names_end_alike():
    app = replace(AT_WORK.app, components={**AT_WORK.app.components, "mail-worker": replace(WORKER, number=1)})
    lines = components.lines(replace(AT_WORK, app=app), [facts((V1, 1), (V1, 2))])
    assert lines[0] == "worker of 2: 2 on app1."
    assert lines[1].startswith(f"mail-worker of 1: 0 on app1: app1-{V1}-mail-worker.1 on app1 is not there.")


def test_status_counts_workers_and_says_what_to_type_for_those_that_are_missing():
    assert components.lines(AT_WORK, [facts((V1, 1), (V1, 2))]) == ["worker of 2: 2 on app1."]
    (line,) = components.lines(AT_WORK, [facts((V1, 1), (V1, 2), state="exited")])
    assert f"app1-{V1}-worker.1 on app1 exited 137" in line
    assert line.endswith(f"start again: inv promote --version {V1}")
    left = components.lines(AT_WORK, [facts((V1, 1), (V1, 2), (V2, 1))])[-1]
    assert left == f"app1: app1-{V2}-worker.1 runs though it is not live.  end it: inv prune"
