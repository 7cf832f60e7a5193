"""What a build agent brings up, and what it leaves out."""

import io
from types import SimpleNamespace

import pytest
from invoke import Context

from tasks import branch
from tasks.errors import DeplError
from tasks.model.environment import Branches
from tasks.run.report import Report

from .staging.world import STAGING, staging, standing


class FetchedError(DeplError):
    """The remote was asked: the branch is not left out."""


def fetch(*_):
    raise FetchedError("fetched")


@pytest.fixture
def up(monkeypatch):
    """Type branch.up where bot/* is left out, and bot/b is up; gives what is said."""
    said = io.StringIO()
    place = SimpleNamespace(
        app="app1", host=STAGING, branches=Branches("staging", skip=("bot/*",)),
        target=SimpleNamespace(who="ana"), mirror=SimpleNamespace(fetch=fetch),
    )  # fmt: skip
    monkeypatch.setattr(branch, "make", lambda: Report(said))
    monkeypatch.setattr(branch, "find", lambda *_, **__: place)
    monkeypatch.setattr(branch, "look", lambda _: staging(standing("bot/b")))

    def typed(name, **options):
        branch.up.body(Context(), name, **options)
        return said.getvalue()

    return typed


def test_a_build_agent_leaves_out_what_the_inventory_skips(up):
    assert up("bot/a", unless_skipped=True) == (
        "bot/a is left out by depl_branches.skip.  all the same: inv branch.up --app app1 --branch bot/a\n"
    )


@pytest.mark.parametrize(("name", "options"), [("bot/a", {}), ("bot/b", {"unless_skipped": True}),
                                               ("main", {"unless_skipped": True})])  # fmt: skip
def test_what_people_type_or_typed_before_is_brought_up(up, name, options):
    with pytest.raises(FetchedError):
        up(name, **options)
