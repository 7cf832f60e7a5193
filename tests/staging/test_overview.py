"""What people are told of each branch."""

import json

from tasks.staging.overview import rows, summary

from .world import staging, standing

URLS = {"app1--main": "http://main.staging.app1.foo", "app1--x": "http://x.staging.app1.foo"}


def row(one, sizes=None):
    (found,) = rows(staging(one), "app1", URLS, sizes or {})
    return found


def test_a_branch_is_told_with_its_commit_its_age_its_sizes_and_its_last_visitor():
    one = standing("main", memory=64 * 2**20, seen=4880.0)
    assert row(one, {one.branch.database(one.release.version): 8 * 2**20}).cells() == [
        "main", "2026.11.22.12.05", "http://main.staging.app1.foo", "live", "000000000000 change 1", "Ana", "50 min",
        "64 MB", "8 MB", "2 min ago",
    ]  # fmt: skip


def test_a_branch_whose_newest_commit_failed_serves_the_former_one_and_says_why():
    found = row(standing("main", 1, failed=2))
    assert (found.state, found.why) == ("live", "000000000000 failed: staging: migrate: exited 1")


def test_a_branch_that_sleeps_is_well_and_one_that_does_not_run_is_broken():
    assert row(standing("x", asleep=True, running=0)).state == "asleep"
    assert (row(standing("x", running=0)).state, row(standing("x", running=0)).why) == (
        "broken", "its containers do not run",
    )  # fmt: skip
    assert row(standing("x", 0, running=0)).why == "nothing of it came up yet"


def test_machines_are_told_the_same():
    found = json.loads(json.dumps(row(standing("main", seen=10.0)).as_json()))
    assert (found["branch"], found["state"], found["database"], found["seen"]) == ("main", "live", None, 10.0)
    assert found["commit"]["author"] == "Ana"


def test_all_branches_of_a_host_are_counted():
    there = staging(standing("main", memory=2**20), standing("x", up=2, asleep=True), standing("y", app="board", up=3))
    said = summary("app1", there, 100)
    assert said.startswith("2 branches of app1, 1 asleep, in 1 MB; 3 of 100 on staging")
