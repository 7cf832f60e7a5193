"""What a staging host says of branches, read as what is up there."""

import json

import pytest

from tasks.errors import StepFailed
from tasks.model.environment import Host
from tasks.plan.branch_facts import Coming, Commit, parse

STAGING = Host("staging", "staging")
C1, C2 = (Commit(digit * 40, "Ana", 1000.0, "a change") for digit in "12")
V1, V2 = "2026.11.22.12.01", "2026.11.22.12.02"


def found(live=f"{V1}@0", containers=(), asleep=None, **about):
    """The one branch of a host that says this of it."""
    about = {"branch": "x", "number": 1, "commit": C1.as_json(), "at": 5.0, "by": "ana", "failed": None, **about}
    branch = {"about": about, "live": live, "asleep": asleep, "containers": list(containers), "seen": None}
    answer = {"clock": 9.0, "disk_free": 1, "memory_free": 1, "branches": {"app1--x": branch}}
    (one,) = parse(STAGING, answer).branches
    return one


def on_its_way(**changed):
    return {"commit": C2.as_json(), "version": V2, "at": 7.0, **changed}


def test_the_commit_that_was_on_its_way_is_up_where_its_version_is_live_though_nobody_wrote_that_down():
    there = found(live=f"{V2}@1", coming=on_its_way())
    assert (there.commit, there.at) == (C2, 7.0)


def test_the_former_commit_is_up_where_the_one_on_its_way_did_not_get_live():
    there = found(coming=on_its_way())
    assert (there.commit, there.at) == (C1, 5.0)
    assert there.coming == Coming(C2, V2, 7.0)


def test_what_is_written_down_is_what_is_read():
    for there in (
        found(),
        found(coming=on_its_way()),
        found(failed={"commit": C2.id, "at": 8.0, "why": "no"}),
        found(services=["q"]),
    ):
        assert found(**json.loads(there.about())) == there


@pytest.mark.parametrize("odd", [None, [], "x", on_its_way(version=3), on_its_way(at="now"), on_its_way(commit=None)])
def test_what_makes_no_sense_is_left_out(odd):
    assert found(coming=odd) == found()


@pytest.mark.parametrize(("names", "left"), [
    ([f"{V1}-web", f"{V1}-worker.2"], False), ([], False), ([f"{V1}-web", f"{V2}-migrate"], True),
    ([f"{V2}-web"], True),
])  # fmt: skip
def test_containers_of_other_versions_than_the_live_one_are_left_over(names, left):
    containers = [{"name": f"app1--x-{name}", "state": "exited", "memory": None} for name in names]
    assert found(containers=containers).leftovers is left


def test_a_branch_of_before_names_no_services_and_odd_ones_are_left_out():
    assert found().services == ()
    assert found(services=["queue", 3, "", None]).services == ("queue",)
    assert found(services="queue").services == ()


def test_an_answer_that_is_none_is_told():
    with pytest.raises(StepFailed, match="its answer makes no sense"):
        parse(STAGING, {"branches": []})
