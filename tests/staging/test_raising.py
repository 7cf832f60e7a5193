"""Which failures are a commit's own, and whose data a build gets."""

import io
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tasks.errors import BadConfig, DeplError, Locked, Refused, StepFailed, Unreachable
from tasks.run.report import Report
from tasks.staging import raising
from tasks.staging.raising import Rise, is_to_blame

from ..plan.world import V1
from .test_plans import BRANCH, OLD, TARGET, facts
from .world import head, standing


@pytest.mark.parametrize("phase", ["build", "health", "migrate", "smoke", "workers"])
def test_a_commit_is_blamed_where_its_own_code_fails(phase):
    assert is_to_blame(StepFailed("staging: exited 1", phase=phase))


@pytest.mark.parametrize("phase", ["", "database", "site", "image", "start", "flip", "note"])
def test_no_commit_is_blamed_for_a_service_a_disk_or_a_connection(phase):
    assert not is_to_blame(StepFailed("staging: no space left", phase=phase))


@pytest.mark.parametrize("error", [DeplError("x"), Refused("x"), Locked("x"), Unreachable("x"), BadConfig("x", "y")])
def test_no_commit_is_blamed_for_a_missing_secret_or_who_is_at_work(error):
    assert not is_to_blame(error)


@pytest.fixture
def rise(monkeypatch):
    """A branch on its way up over a live build, where services have such databases; gives where copies come from."""

    def sources(there, **changed):
        it = standing("feature/X-12")
        place = SimpleNamespace(app="app1", of=lambda _: TARGET, mirror=SimpleNamespace(follows=lambda *_: True))
        said = io.StringIO()
        rising = Rise(
            place, head("feature/X-12", 2), replace(it, branch=BRANCH), changed.get("fresh", False), Report(said)
        )
        monkeypatch.setattr(raising, "databases", lambda _: there)
        return rising.sources(SimpleNamespace(target=TARGET, facts=facts(OLD, live=OLD))), said.getvalue()

    return sources


class Work:
    """A host on which everything that is asked for is done."""

    def __init__(self):
        self.target, self.facts = TARGET, facts(OLD, live=OLD)

    def carry_out(self, planner, what):
        return True

    def finish(self, plan, what):
        pass


@pytest.fixture
def steps(monkeypatch):
    """A branch on its way up, and what becomes of its former builds, in order."""
    done = []
    monkeypatch.setattr(raising, "databases", lambda _: {})
    monkeypatch.setattr(raising, "write_down", lambda work, standing: done.append(f"up: {standing.commit.subject}"))
    monkeypatch.setattr(raising, "tidy", lambda work, _: done.append("tidy"))
    monkeypatch.setattr(raising.old_versions, "remove_former", lambda work: done.append("registry"))
    monkeypatch.setattr(raising, "on_branch", lambda *_: nullcontext(Work()))
    monkeypatch.setattr(raising.again, "is_live", lambda *_: True)
    place = SimpleNamespace(app="app1", of=lambda _: TARGET, mirror=SimpleNamespace(follows=lambda *_: True))
    return done, lambda number: Rise(
        place, head("feature/X-12", number), standing("feature/X-12", asleep=True), False, Report(io.StringIO())
    )


def test_former_builds_leave_the_registry_once_visitors_get_the_new_one_and_the_host_has_no_other(steps):
    done, rise = steps
    rise(2)._on_host(Work(), V1)
    assert done[-3:] == ["up: change 2", "tidy", "registry"]


def test_a_branch_that_is_up_already_loses_its_former_builds_too(steps):
    done, rise = steps
    assert rise(1).is_up()
    assert done[0] == "tidy"
    assert done[-1] == "registry"


LIVE = BRANCH.database(V1)


def test_a_database_is_a_copy_of_what_is_live(rise):
    assert rise({"staging-database": {LIVE: 7}}) == ({"staging-database": LIVE}, "")
    assert rise({"staging-database": {LIVE: 7}}, fresh=True) == ({}, "")


def test_where_what_is_live_has_no_database_the_template_is_taken_and_that_is_said(rise):
    """The app had none when it was built; another service of its may have one."""
    found, said = rise({"more": {}, "staging-database": {LIVE: 7}})
    assert found == {"staging-database": LIVE}
    assert said == "Note: what is live has no database in more: the new one is begun from the template.\n"
    assert rise({"staging-database": {f"{LIVE}~": 7}})[0] == {}
