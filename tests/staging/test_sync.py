"""What becomes of the other branches when one of them fails."""

import io

import pytest

from tasks.errors import DeplError
from tasks.run.report import Report
from tasks.staging import sync
from tasks.staging.decide import Decision


def fail(error):
    raise error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DeplError("no room\nmake some"), "no room\nmake some\n"),
        (OSError(28, "No space left on device"), "b: unexpected: OSError(28, 'No space left on device')\n"),
        (ValueError("one\ntwo \x1b[2J"), "b: unexpected: ValueError('one\\ntwo \\x1b[2J')\n"),
    ],
)
def test_whatever_becomes_of_one_branch_the_next_ones_have_their_turn(monkeypatch, error, said):
    done = []
    acts = [("a", lambda: done.append("a")), ("b", lambda: fail(error)), ("c", lambda: done.append("c"))]
    monkeypatch.setattr(sync, "_acts", lambda place, decision, report: acts)
    out = io.StringIO()
    assert sync._do(None, Decision(), Report(out)) == ["b"]
    assert done == ["a", "c"]
    assert out.getvalue() == said


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)])
def test_who_ends_a_sync_ends_all_of_it(monkeypatch, error):
    acts = [("a", lambda: fail(error)), ("b", lambda: pytest.fail("went on"))]
    monkeypatch.setattr(sync, "_acts", lambda place, decision, report: acts)
    with pytest.raises(type(error)):
        sync._do(None, Decision(), Report(io.StringIO()))
