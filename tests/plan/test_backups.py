"""Backups of services: none of what is sick, the newest kept; a restore keeps what there was, and can be undone."""

import json
from dataclasses import replace

import pytest

from tasks.commands import docker
from tasks.errors import BadInput, Refused
from tasks.plan import backups, service_facts, service_status

from .estate import DATABASE, ESTATE, IMAGE, NOTHING, estate, facts, running
from .world import APP1, NOW, argvs, undone, whys

HOME = "/srv/depl/services/database"
AT = "20261122-120500"


def back_up(found, of=ESTATE, only=None):
    return backups.back_up(of, AT, only)([facts(found)])


def restore(found=None):
    return backups.restore(ESTATE, "database", f"{AT}.gz", {"database": IMAGE})([facts(found or running())])


def test_a_backup_is_what_the_services_own_program_prints():
    (step,) = [step for phase in back_up(running()).phases for step in phase.steps[APP1]]
    assert step.argv[:3] == ("onhost", "save", f"{HOME}/backups/{AT}.gz")
    assert step.argv[4:] == docker.inside("service-database", "backup")


def test_a_backup_that_was_made_is_not_made_again():
    assert not back_up(running(backups={f"{AT}.gz": 5}))


def test_only_the_named_service_is_backed_up():
    assert not back_up(running(), only="queue")
    assert back_up(running(), only="database")


@pytest.mark.parametrize(
    ("sick", "why"),
    [
        ({"state": "exited", "exit": 1}, "exited 1"),
        ({"program": ""}, "not watched by supervisord"),
        ({"health": "starting up"}, "starting up"),
        ({"state": ""}, "not there"),
    ],
)
def test_what_is_sick_is_not_backed_up_and_its_trouble_told(sick, why):
    found = [facts(running(**sick))]
    with pytest.raises(Refused, match=rf"database on app1 is not healthy \({why}\)"):
        backups.back_up(ESTATE, AT, "database")(found)
    assert not backups.back_up(ESTATE, AT, None)(found), "the others are backed up all the same"
    assert backups.sick(ESTATE, found) == {"database": why}


@pytest.mark.parametrize(("keep", "gone"), [(1, 3), (2, 2), (3, 1), (4, 0), (9, 0)])
def test_so_many_backups_are_kept_with_the_new_one(keep, gone):
    old = {f"2026112{day}-120000.gz": 5 for day in range(3)}
    plan = back_up(running(backups=old), estate(replace(DATABASE, keep_backups=keep)))
    removed = [argv[2:] for argv in argvs(plan) if argv[:2] == ("onhost", "remove")]
    assert removed == ([tuple(f"{HOME}/backups/{one}" for one in sorted(old)[:gone])] if gone else [])


def test_the_newest_backup_is_chosen_unless_one_is_named():
    there = [facts(running(backups={"20261121-120000.gz": 5, f"{AT}.gz": 5}))]
    assert backups.choose(ESTATE, "database", None, there) == f"{AT}.gz"
    assert backups.choose(ESTATE, "database", "20261121-120000.gz", there) == "20261121-120000.gz"
    with pytest.raises(BadInput, match=rf"'x' is no backup of database; there are: .*, {AT}.gz\."):
        backups.choose(ESTATE, "database", "x", there)
    with pytest.raises(Refused, match="database has no backup on app1"):
        backups.choose(ESTATE, "database", None, [facts()])


def test_a_restore_fills_new_data_before_it_stops_anything_and_then_starts_with_them():
    plan = restore()
    assert [phase.name for phase in plan.phases] == list(backups.RESTORE_PHASES)
    said = whys(plan)
    order = ["pull", "make the data", "restore database", "stop database: container", "keep the data",
             "use the new data", "create", "wait for", "let app1 use", "note what database was"]  # fmt: skip
    places = [next(place for place, why in enumerate(said) if why.startswith(one)) for one in order]
    assert places == sorted(places)


def test_a_restore_fills_data_that_nothing_else_can_reach():
    (feed,) = [argv for argv in argvs(restore()) if argv[:2] == ("onhost", "feed")]
    assert feed[2] == f"{HOME}/backups/{AT}.gz"
    assert feed[4:8] == ("docker", "run", "--rm", "--interactive")
    assert f"type=bind,source={HOME}/data.new,target=/data" in feed
    assert feed[-2:] == (IMAGE, "restore")
    assert "--publish" not in feed
    assert "--name" not in feed


def test_a_restore_that_fails_gives_the_former_data_back_and_throws_its_own_away():
    aside = f"{HOME}/before-{NOW:.0f}"
    back = undone(restore())
    emptied = docker.run_as_root(IMAGE, HOME, "rm", "--recursive", "--force", "/mnt/data.new")
    away = back.index(("onhost", "rename", f"{HOME}/data", f"{HOME}/data.new"))
    renamed = back.index(("onhost", "rename", aside, f"{HOME}/data"))
    called = back.index(("docker", "rename", "service-database.former", "service-database"))
    assert back.index(docker.remove("service-database")) < away < renamed < called
    assert called < back.index(("onhost", "start", "service-database")) < back.index(emptied)


def test_where_there_are_no_data_a_restore_has_none_to_keep():
    said = whys(restore(NOTHING))
    assert "keep the data of database" not in said
    assert "restore database" in said


def test_a_restore_lets_all_apps_in_anew_since_a_backup_has_the_passwords_of_its_time():
    assert "let app1 use database" in whys(restore())


def test_a_restore_that_was_done_is_not_done_again():
    (note,) = [step for phase in restore().phases for step in phase.steps[APP1] if step.why.startswith("note what")]
    said = json.loads(note.input)
    assert said["from"] == f"{AT}.gz"
    assert not restore(running(restored_at=said["at"]))
    assert restore(running(restored_at=said["at"], health="no"))
    assert restore(running(restored_at=NOW - 1))


# --- what status says ---


def rows(found):
    return service_status.rows(ESTATE, [facts(found)])


def test_status_shows_each_service_with_its_newest_backup():
    (row,) = rows(running(backups={"20261121-120000.gz": 5, f"{AT}.gz": 5}))
    assert row.cells() == ["database", "postgresql", "app1", "running", "ok", "48 MB", "86 MB", AT, "app1"]
    assert service_status.notes(ESTATE, [facts(running())]) == []


def test_status_of_a_service_that_is_not_there_says_what_to_type():
    (row,) = rows(NOTHING)
    assert row.cells() == ["database", "postgresql", "app1", "not there", "not there", "-", "-", "none", "app1"]
    (line,) = service_status.notes(ESTATE, [facts()])
    assert line.startswith("database on app1: not there.  again: inv services.up")


def test_status_leaves_out_hosts_that_did_not_answer():
    assert service_status.rows(ESTATE, []) == []


def test_status_tells_of_a_service_that_was_moved_and_runs_where_it_was():
    moved = estate(replace(DATABASE, host="app2"))
    (line,) = service_status.notes(moved, [facts(running())])
    assert line == "database runs on app1 too, with its data; the inventory has it on app2."


def test_where_backups_lie_is_told_with_their_hosts():
    assert service_status.where(ESTATE, f"{AT}.gz", ["database"]) == [f"database: app1:{HOME}/backups/{AT}.gz"]
    assert service_status.where(ESTATE, f"{AT}.gz", ["queue"]) == []


# --- what hosts answer ---


def test_an_answer_that_lacks_a_service_is_none():
    with pytest.raises(service_facts.StepFailed, match=r"app1: its answer makes no sense \(services\)"):
        service_facts.parse(APP1, {"clock": 1, "disk_free": 5, "audit": [], "services": {}}, ["database"])


def test_what_nobody_asked_for_and_names_that_lead_elsewhere_are_left_out():
    about = {"backups": {"../../x": 5, "-rf": 5, f"{AT}.gz": 5}, "image": "--privileged", "state": "\x1b[2J"}
    answer = {"clock": 1, "disk_free": 5, "audit": [], "services": {"database": about, "../x": {}}}
    found = service_facts.parse(APP1, answer, ["database"])
    assert list(found.services) == ["database"]
    assert found.services["database"].backups == {f"{AT}.gz": 5}
    assert found.services["database"].image == ""
    assert "\x1b" not in found.services["database"].state


def test_a_restore_forgets_who_was_let_in_before_it_changes_the_data():
    said = whys(restore())
    assert said.index("forget who uses database") < said.index("keep the data of database")


def test_data_to_keep_are_only_those_on_the_services_own_host():
    assert backups.had_data(ESTATE, "database", [facts(running())])
    assert not backups.had_data(ESTATE, "database", [facts()])
    assert not backups.had_data(estate(replace(DATABASE, host="app2")), "database", [facts(running())])
