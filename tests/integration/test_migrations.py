"""Migrations over a real database: once a version, before traffic; rehearsed on a copy."""

import json
import threading

import pytest

from .board import APP
from .conftest import APP_HOSTS, variant, wait_until

pytestmark = pytest.mark.integration


def like(board, **variables):
    """Install a version like the new one, whose migration goes wrong in a way."""
    version = variant(board.sandbox, board.new, app=APP, **variables)
    board.must("install", "--version", version)
    return version


def noted(board, host):
    lines = board.sandbox.on(host, "sudo cat /srv/depl/board/migrations.jsonl").splitlines()
    return [json.loads(line)["version"] for line in lines]


def left_behind(board):
    """What a migration or a rehearsal may leave: containers, files, databases."""
    psql = "sudo docker exec service-database psql --username=postgres --tuples-only"
    found = board.sandbox.on("app1", f"{psql} --command='select datname from pg_database'")
    for host in APP_HOSTS:
        found += board.sandbox.on(host, "sudo docker ps --all --format '{{.Names}}'; sudo ls /srv/depl/board")
    return [word for word in found.split() if "rehearsal" in word or word.endswith("-migrate")]


def test_a_versions_migration_runs_once_on_one_host_and_is_noted_on_all(at_rest):
    said = at_rest.must("promote", "--version", at_rest.new)
    again = at_rest.must("promote", "--version", at_rest.old) + at_rest.must("promote", "--version", at_rest.new)
    assert "✓ migrate" not in again
    for host in APP_HOSTS:
        assert noted(at_rest, host).count(at_rest.new) == 1
    assert left_behind(at_rest) == []
    assert "Nothing to do: the migration to" in at_rest.must("migrate", "--version", at_rest.new)
    assert "is live" in said


def test_a_migration_that_fails_stops_the_promote_with_its_output_and_live_is_untouched(at_rest):
    version = like(at_rest, TESTAPP_MIGRATE_FAIL="0.1")
    ended = at_rest.inv("promote", "--version", version)
    assert ended.code == 1
    assert f"app1: migrate to {version}: exited 1 after" in ended.text
    assert 'relation "no_such_table" does not exist' in ended.text
    assert at_rest.live() == {at_rest.old}
    assert version not in noted(at_rest, "app1")
    assert left_behind(at_rest) == []
    at_rest.use()


def test_a_migration_whose_command_was_killed_is_waited_for_by_the_next(at_rest):
    version = like(at_rest, TESTAPP_MIGRATE_LOCK="8")
    words = ("promote", "--app", APP, "--version", version)
    with at_rest.sandbox.start_inv(*words) as process:
        pid = process.stdout.readline().decode().strip()
        name = f"{APP}-{version}-migrate"
        wait_until(lambda: name in at_rest.sandbox.on("app1", "sudo docker ps --format '{{.Names}}'"), 30)
        at_rest.sandbox.ssh("deploy", f"kill -9 {pid}")
        process.wait(30)
    began = at_rest.sandbox.on("app1", f"sudo docker inspect --format '{{{{.State.StartedAt}}}}' {name}")
    at_rest.must("migrate", "--version", version)
    assert began
    for host in APP_HOSTS:
        assert noted(at_rest, host).count(version) == 1
    assert left_behind(at_rest) == []


def test_a_rehearsal_says_that_a_rollback_stays_possible_and_changes_nothing(at_rest):
    before = at_rest.get("/notes")
    said = at_rest.must("migrate", "--rehearse", "--version", at_rest.new)
    assert f"A rollback to {at_rest.old} stays possible: it passed its health and smoke checks" in said
    assert "It holds no lock that keeps others waiting for longer than 1 s." in said
    assert at_rest.get("/notes") == before
    assert left_behind(at_rest) == []


def test_a_rehearsal_tells_locks_that_are_held_longer_than_the_bound(at_rest):
    version = like(at_rest, TESTAPP_MIGRATE_LOCK="2")
    ended = at_rest.inv("migrate", "--rehearse", "--bound", "0.5", "--version", version, "--json")
    found = json.loads(ended.out)
    (lock,) = [one for one in found["locks"] if one["table"] == "notes"]
    assert lock["mode"] == "AccessExclusiveLock"
    assert lock["seconds"] >= 1.5
    assert "It holds AccessExclusiveLock on notes for" in ended.err


def test_a_rehearsal_of_what_breaks_the_live_version_says_that_a_rollback_would_not_be_possible(at_rest):
    version = like(at_rest, TESTAPP_MIGRATE_BREAK="0.1")
    ended = at_rest.inv("migrate", "--rehearse", "--version", version)
    assert ended.code == 1
    assert (
        f"A rollback to {at_rest.old} would NOT be possible: on the migrated database GET /notes answered 500"
        in ended.text
    )
    assert left_behind(at_rest) == []
    at_rest.use()


def test_a_rehearsal_of_what_fails_shows_its_output(at_rest):
    version = like(at_rest, TESTAPP_MIGRATE_FAIL="0.1")
    ended = at_rest.inv("migrate", "--rehearse", "--version", version)
    assert ended.code == 1
    assert f"The migration to {version} fails on a copy of the database: exited 1" in ended.text
    assert 'relation "no_such_table" does not exist' in ended.text
    assert left_behind(at_rest) == []


def test_version_after_version_no_job_is_lost_or_run_twice(at_rest):
    """Notes are written all the time while what is live changes twenty times; each is counted once."""
    ending, written, failed = threading.Event(), [], []

    def visitor():
        while not ending.is_set():
            try:
                written.append(at_rest.write("one two three", APP_HOSTS[len(written) % 2]))
            except (AssertionError, OSError) as error:
                failed.append(repr(error))
            ending.wait(0.05)

    thread = threading.Thread(target=visitor)
    thread.start()
    try:
        for _ in range(10):
            at_rest.must("promote", "--version", at_rest.new)
            at_rest.must("promote", "--version", at_rest.old)
    finally:
        ending.set()
        thread.join(60)
    assert failed == []
    assert len(written) > 500
    wait_until(lambda: set(written) <= set(at_rest.counted()), 30)
    counted = at_rest.counted()
    assert sorted(one for one in counted if one in set(written)) == sorted(written)
    versions = {row["version"] for row in at_rest.get("/counts") if row["note"] in set(written)}
    assert versions == {at_rest.old, at_rest.new}
