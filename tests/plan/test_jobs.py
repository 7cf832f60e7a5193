"""Jobs at certain times: each on one host, which keeps it and hands it over with no run lost or done twice."""

import json
from dataclasses import replace

import pytest

from tasks.errors import Refused
from tasks.model.job import Job
from tasks.model.layout import JOB_RUNNER
from tasks.model.percent import Percent
from tasks.model.release import Release
from tasks.plan import canary, catch_up, components, jobs, promote, take_over, workers
from tasks.plan.facts import Container

from .world import APP, APP1, APP2, NIGHTLY, NOW, ON_TIME, TARGET, V1, V2, WORKER, Story, argvs, installed, whys

R1, R2 = Release(V1, 0), Release(V2, 1)
EACH = replace(ON_TIME, app=replace(APP, components={**APP.components, "nightly": replace(NIGHTLY, once=False)}))
RAN = Job(NOW - 60, NOW - 60, NOW - 58, 0, 1.25)


def facts(host, *running, live=R1, state="running", job=None):
    """A host with two versions, the first live, the job's containers of these versions, and what it knows of runs."""
    story = Story(host).has(installed(V1, 0), installed(V2, 1)).went_live(live)
    names = {version: f"app1-{version}-nightly.1" for version in running}
    there = [Container(name, version, "nightly", "i", state, 2, False, 1) for version, name in names.items()]
    programs = dict.fromkeys(names.values(), "RUNNING")
    return replace(story.facts(), workers=tuple(there), programs=programs, jobs={"nightly": job} if job else {})


def begun(plan):
    """Where a plan begins the job."""
    return [host.name for host in (APP1, APP2) if any(why.startswith("start app1-") for why in whys(plan, host))]


def ended(plan):
    return [host.name for host in (APP1, APP2) if any("finish" in why for why in whys(plan, host))]


# --- which host ---


@pytest.mark.parametrize(
    ("one", "two", "carrier"),
    [
        (facts(APP1), facts(APP2), APP1),
        (facts(APP1), facts(APP2, V1), APP2),
        (facts(APP1), facts(APP2, V2), APP2),
        (facts(APP1, V1), facts(APP2, V1), APP1),
        (facts(APP1), facts(APP2, V1, state="exited"), APP2),
        (facts(APP1, V1, state="exited"), facts(APP2, V1), APP2),
        (facts(APP1, job=Job(5)), facts(APP2, job=Job(6)), APP2),
        (facts(APP1, job=Job(6)), facts(APP2, V1, job=Job(5)), APP2),
    ],
)
def test_a_job_stays_where_it_is_at_work_or_was_at_last(one, two, carrier):
    assert jobs.carriers(ON_TIME, [one, two]) == {"nightly": carrier}


def test_a_promote_begins_a_job_on_one_host_and_keeps_it_there():
    assert begun(promote.plan(ON_TIME, V2, [facts(APP1), facts(APP2)])) == ["app1"]
    assert begun(promote.plan(ON_TIME, V2, [facts(APP1), facts(APP2, V1)])) == ["app2"]


def test_each_host_runs_a_job_that_is_not_for_all():
    assert begun(promote.plan(EACH, V2, [facts(APP1), facts(APP2, V1)])) == ["app1", "app2"]
    assert jobs.carriers(EACH, [facts(APP1)]) == {}


def test_after_the_hand_over_there_is_nothing_to_do():
    there = [facts(APP1), facts(APP2, V1)]
    assert not workers.up(ON_TIME, there)
    assert not workers.hand_over(ON_TIME, there)


def test_of_two_hosts_that_run_a_job_the_first_keeps_it():
    assert ended(workers.hand_over(ON_TIME, [facts(APP1, V1), facts(APP2, V1)])) == ["app2"]


def test_a_host_that_comes_back_leaves_its_job_to_the_one_that_took_it_over():
    assert ended(catch_up.hand_over(ON_TIME, APP1, [facts(APP1, V1), facts(APP2, V1)])) == ["app1"]
    like = facts(APP2, V1).live
    assert begun(catch_up.table(ON_TIME, APP1, like, [facts(APP1), facts(APP2, V1)])) == []


def test_a_canary_runs_no_job():
    assert begun(canary.plan(ON_TIME, canary.Canary(V2, Percent(50)), [facts(APP1, V1), facts(APP2)])) == []


def test_a_worker_has_no_folder_of_jobs_and_runs_its_command_as_it_is():
    (create,) = [argv for argv in argvs(promote.plan(ON_TIME, V2, [facts(APP1)])) if argv[:2] == ("docker", "create")]
    runner = ("python3", JOB_RUNNER, "nightly", "*/5 * * * *", *NIGHTLY.command)
    assert create[-len(runner) :] == runner
    assert "type=bind,source=/srv/depl/app1/jobs,target=/run/depl/jobs" in create
    assert jobs.process("worker", WORKER) is WORKER


# --- a drain ---


def test_a_drain_lets_the_run_under_way_finish_before_another_host_begins():
    one, two = facts(APP1, V1, job=RAN), facts(APP2)
    leave = take_over.leave(ON_TIME, APP1, [one, two])
    assert ended(leave) == ["app1"]
    (stop,) = [step for phase in leave.phases for step in phase.steps[APP1] if step.argv[:2] == ("docker", "stop")]
    assert stop.timeout > NIGHTLY.grace
    take = take_over.take(ON_TIME, APP1, ["app2"], [facts(APP1, job=RAN), two])
    assert begun(take) == ["app2"]
    told = next(step for phase in take.phases for step in phase.steps[APP2] if step.input)
    assert told.argv[2] == "/srv/depl/app1/jobs/nightly.json"
    assert json.loads(told.input) == RAN.record
    assert json.loads(told.input)["claimed"] == NOW - 60


def test_a_drain_of_a_host_without_the_job_changes_nothing():
    there = [facts(APP1, job=RAN), facts(APP2, V1)]
    assert not take_over.leave(ON_TIME, APP1, there)
    assert not take_over.take(ON_TIME, APP1, ["app2"], there)


def test_a_dead_hosts_job_begins_elsewhere_and_makes_up_for_nothing():
    take = take_over.take(ON_TIME, APP1, ["app2"], [facts(APP2, job=Job(NOW - 90000))])
    assert begun(take) == ["app2"]
    told = next(step for phase in take.phases for step in phase.steps[APP2] if step.input)
    assert json.loads(told.input)["claimed"] == NOW


def test_a_drain_never_forgets_what_the_other_host_ran_later():
    older, newer = Job(NOW - 9000, NOW - 9000, NOW - 8999, 0, 1.0), RAN
    take = take_over.take(ON_TIME, APP1, ["app2"], [facts(APP1, job=older), facts(APP2, job=newer)])
    told = next(step for phase in take.phases for step in phase.steps[APP2] if step.input)
    assert json.loads(told.input)["claimed"] == newer.claimed


def test_a_job_stays_where_nobody_else_could_run_it():
    for there in ([facts(APP1, V1)], [facts(APP1, V1), facts(APP2)]):
        with pytest.raises(Refused, match="its jobs stay on app1"):
            take_over.take(ON_TIME, APP1, ["app1"], there)


def test_jobs_of_each_host_and_workers_stay_on_a_host_without_traffic():
    assert not take_over.leave(EACH, APP1, [facts(APP1, V1), facts(APP2, V1)])
    assert not take_over.take(EACH, APP1, ["app2"], [facts(APP1), facts(APP2)])


# --- what status says ---


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (None, "has not run yet; next in "),
        (Job(NOW - 60), "has not run yet; next in "),
        (RAN, "last run exit code 0 after 1.2 s, 58 s ago; next in "),
        (replace(RAN, skipped=2), "58 s ago; 2 skipped so far; next in "),
        (replace(RAN, ended=None, exit=None, under_way=True), "runs since 1 min; next in "),
    ],
)
def test_status_tells_of_the_last_run_and_the_next(job, said):
    (line,) = components.lines(ON_TIME, [facts(APP1), facts(APP2, V1, job=job)])
    assert line.startswith("nightly (*/5 * * * *) on app2: ")
    assert said in line
    assert line.endswith(" min.") or line.endswith(" s.")


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (replace(RAN, exit=3), "LAST RUN FAILED: exit code 3 after 1.2 s, 58 s ago"),
        (replace(RAN, ended=None, exit=None), "LAST RUN CUT SHORT, begun 1 min ago"),
    ],
)
def test_a_run_that_failed_can_not_be_overlooked(job, said):
    (line,) = components.lines(ON_TIME, [facts(APP1, V1, job=job), facts(APP2)])
    assert said in line
    assert line.endswith("  its log: inv logs --component nightly")


def test_a_job_that_does_not_run_is_told_with_the_command_that_starts_it():
    (line,) = components.lines(ON_TIME, [facts(APP1), facts(APP2, job=RAN)])
    assert line.endswith(f": app1-{V1}-nightly.1 is not there.  start again: inv promote --version {V1}")
    assert " on app2: " in line


def test_two_hosts_that_run_a_job_are_told_with_the_command_that_ends_one():
    lines = components.lines(ON_TIME, [facts(APP1, V1), facts(APP2, V1)])
    assert lines[-1] == f"app2: app1-{V1}-nightly.1 runs though app1 runs it.  end it: inv prune"


def test_machines_get_the_last_run_and_the_next():
    (row,) = components.job_rows(ON_TIME, [facts(APP1), facts(APP2, V1, job=RAN)])
    assert (row["host"], row["running"], row["last"]["exit"], row["next"] % 300) == ("app2", True, 0, 0)
    assert components.job_rows(TARGET, [facts(APP1)]) == []
