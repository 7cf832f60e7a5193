"""Migrations: once for each version, on one host, before any traffic; and what a killed command left."""

import json
from dataclasses import replace

import pytest

from tasks.commands import docker
from tasks.errors import Refused
from tasks.model.app import Migration
from tasks.model.percent import Percent
from tasks.model.release import Release
from tasks.plan import canary, migrate, promote
from tasks.plan.facts import Container

from .world import APP, APP1, APP2, NOW, TARGET, V1, V2, V3, Story, argvs, installed, undone, whys

NAME = f"app1-{V2}-migrate"
MIGRATING = replace(TARGET, app=replace(APP, migrate=Migration(("python3", "-m", "x"), timeout=90, memory="1g")))


def facts(*hosts, migrated=(), left=None):
    """Hosts with two versions, the first live; these were migrated to, and the first host has this container left."""
    found = [
        replace(
            Story(host).has(installed(V1, 0), installed(V2, 1)).went_live(Release(V1, 0)).facts(),
            migrated=dict.fromkeys(migrated, NOW - 60),
        )
        for host in hosts or (APP1, APP2)
    ]
    return [replace(found[0], workers=(left,) if left else ()), *found[1:]]


def left(state, exit=0):
    return Container(NAME, V2, "migrate", f"deploy:5000/app1:{V2}", state, exit, False, None)


def noted(plan, host=APP1):
    (step,) = [step for phase in plan.phases for step in phase.steps.get(host, ()) if step.why.startswith("note")]
    return json.loads(step.input)


def test_a_migration_runs_on_the_first_host_only_and_all_note_it():
    plan = migrate.plan(MIGRATING, V2, facts())
    assert whys(plan) == [f"create {NAME}", f"migrate to {V2}", f"remove {NAME}", f"note the migration to {V2}"]
    assert whys(plan, APP2) == [f"note the migration to {V2}"]
    assert noted(plan) == noted(plan, APP2) == {"version": str(V2), "at": NOW, "by": "ana@deploy", "host": "app1"}


def test_it_runs_in_the_new_versions_image_with_limits_and_time_of_its_own():
    create, finish, *_ = argvs(migrate.plan(MIGRATING, V2, facts()))
    assert create[-4:] == (f"deploy:5000/app1:{V2}", "python3", "-m", "x")
    assert create[create.index("--memory") + 1] == "1g"
    assert create[create.index("--env-file") + 1] == f"/srv/depl/app1/releases/{V2}@1/env"
    assert finish == ("onhost", "finish", NAME, "90")


def test_a_promote_migrates_before_anything_else_and_a_rollback_and_a_canary_do_not():
    assert [phase.name for phase in promote.plan(MIGRATING, V2, facts()).phases] == [
        "migrate", "note", "prepare", "flip",
    ]  # fmt: skip
    assert promote.back(MIGRATING, V2, facts()).phases[0].name == "prepare"


def test_a_migration_that_was_run_is_not_run_again():
    assert not migrate.plan(MIGRATING, V2, facts(migrated=[V2]))
    assert promote.plan(MIGRATING, V2, facts(migrated=[V2])).phases[0].name == "prepare"


def test_a_host_that_came_later_notes_what_was_run_at_the_time_it_was_run():
    old, new = facts(APP1, migrated=[V2]), facts(APP2)
    plan = migrate.plan(MIGRATING, V2, [*new, *old])
    assert whys(plan) == []
    assert noted(plan, APP2)["at"] == NOW - 60


def test_another_version_is_another_migration():
    assert whys(migrate.plan(MIGRATING, V2, facts(migrated=[V1])))[0] == f"create {NAME}"


def test_a_version_that_is_not_installed_is_not_migrated_to():
    with pytest.raises(Refused, match=f"{V3} is not installed on app1.\nFirst: inv install --version {V3}"):
        migrate.plan(MIGRATING, V3, facts())


def test_an_app_without_a_migration_has_no_step_for_it_and_says_so_when_asked():
    assert not migrate.on_hosts(TARGET, V2, facts())
    with pytest.raises(Refused, match=r"conf/apps/app1.yml has no migration.\nSay its command in `migrate:`"):
        migrate.plan(TARGET, V2, facts())


def test_what_failed_when_its_command_was_killed_is_run_again():
    assert whys(migrate.plan(MIGRATING, V2, facts(left=left("exited", 137))))[:2] == [
        f"remove the former {NAME}", f"create {NAME}",
    ]  # fmt: skip


@pytest.mark.parametrize("state", ["running", "exited", "created"])
def test_what_runs_or_is_done_or_was_never_begun_is_not_made_anew(state):
    said = whys(migrate.plan(MIGRATING, V2, facts(left=left(state))))
    assert f"create {NAME}" not in said
    assert said[-3:] == [f"migrate to {V2}", f"remove {NAME}", f"note the migration to {V2}"]


@pytest.mark.parametrize("there", [None, left("running"), left("exited", 1), left("created")])
def test_a_migration_that_fails_or_takes_too_long_is_ended(there):
    assert docker.remove(NAME) in undone(migrate.plan(MIGRATING, V2, facts(left=there)))


def test_a_failing_migration_shows_its_output():
    (step,) = [one for phase in migrate.plan(MIGRATING, V2, facts()).phases for one in phase.steps[APP1]
               if one.why == f"migrate to {V2}"]  # fmt: skip
    assert step.evidence == docker.last_words(NAME)
    assert step.timeout > 90


def test_a_canary_is_not_given_visitors_before_its_migration():
    with pytest.raises(Refused, match=f"The migration to {V2} was not run.*\nFirst: inv migrate --version {V2}"):
        canary.plan(MIGRATING, canary.Canary(V2, Percent(50)), facts())
    assert canary.plan(MIGRATING, canary.Canary(V2, Percent(50)), facts(migrated=[V2]))
    assert canary.plan(TARGET, canary.Canary(V2, Percent(50)), facts())
