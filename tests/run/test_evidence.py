"""The evidence file as `inv status` finds it: of this canary, on this machine, whatever became of the file."""

from dataclasses import replace

import pytest

from tasks.model.percent import Percent
from tasks.model.release import Release
from tasks.model.rollout import CANARY, Rollout, Stage
from tasks.model.route import Table
from tasks.plan.facts import Routed
from tasks.run import evidence
from tasks.run.evidence import Evidence

from ..plan.test_looks import FINE, WAITS
from ..plan.world import NOW, TARGET, V1, V2, V3, Story

EARLIER = Stage(NOW - 900, Percent(50), Percent(0))
ROLLOUT = Rollout(CANARY, V1, V2, None, (Stage(NOW - 300, Percent(50), Percent(0)),))


@pytest.fixture
def target(tmp_path):
    return replace(TARGET, environment=replace(TARGET.environment, cache=str(tmp_path)))


def hosts(rollout):
    """A host's facts while, or after, a rollout."""
    story = Story()
    canary = None if rollout.ended else Release(rollout.canary, 1)
    story.tables.append(Routed(2, Table(Release(V1, 0), canary, Percent(50)), None, NOW - 300, NOW - 300, "", rollout))
    return [story.facts()]


def looked(target, *looks, rollout=ROLLOUT):
    for one in looks:
        Evidence(target, rollout).add(rollout, one)


def test_the_last_of_a_canarys_looks_is_its_newest(target):
    looked(target, WAITS, FINE)
    assert evidence.newest(target, hosts(ROLLOUT)).headline == FINE["headline"]


def test_a_canary_that_was_not_looked_at_has_none(target):
    assert evidence.newest(target, hosts(ROLLOUT)) is None


@pytest.mark.parametrize("other", [replace(ROLLOUT, canary=V3), replace(ROLLOUT, stages=(EARLIER,))])
def test_another_canarys_looks_are_not_taken_for_its_own(target, other):
    looked(target, WAITS, rollout=other)
    assert evidence.newest(target, hosts(ROLLOUT)) is None


def test_a_canary_that_has_ended_has_none(target):
    looked(target, WAITS)
    assert evidence.newest(target, hosts(replace(ROLLOUT, ended=NOW - 10, outcome="stopped"))) is None


def test_where_nothing_is_live_there_is_none(target):
    assert evidence.newest(target, [Story().facts()]) is None


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[]", b'{"looks": 7}', b'{"looks": [7]}'])
def test_a_file_that_is_none_of_ours_is_passed_over(target, text):
    looked(target, WAITS)
    Evidence(target, ROLLOUT).path.write_bytes(text)
    assert evidence.newest(target, hosts(ROLLOUT)) is None
