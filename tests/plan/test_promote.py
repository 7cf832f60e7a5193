"""Promote, rollback and canary as plans: on all hosts or on none, and always a way back."""

from dataclasses import replace

import pytest

from tasks.errors import Refused
from tasks.model.release import Release
from tasks.plan import promote

from .world import APP1, APP2, TARGET, V1, V2, V3, Story, installed, whys

R1, R2, R3 = Release(V1, 0), Release(V2, 1), Release(V3, 2)


def on_both(tell):
    return [tell(Story(host)).facts() for host in (APP1, APP2)]


def test_a_promote_prepares_all_hosts_before_it_flips_any():
    facts = on_both(lambda story: story.has(installed(V1, 0), installed(V2, 1)).went_live(R1))
    plan = promote.plan(TARGET, V2, facts)
    assert [phase.name for phase in plan.phases] == ["prepare", "flip"]
    assert all(set(phase.steps) == {APP1, APP2} for phase in plan.phases)


def test_the_flip_is_one_rename_that_knows_its_way_back():
    facts = on_both(lambda story: story.has(installed(V1, 0), installed(V2, 1)).went_live(R1))
    (flip,) = promote.plan(TARGET, V2, facts).phases[1].steps[APP1]
    assert flip.argv == ("onhost", "flip", "/srv/depl/app1/live.new", "/srv/depl/app1/live")
    assert flip.undo == ("onhost", "flip", "/srv/depl/app1/live.back", "/srv/depl/app1/live")


def test_what_is_live_already_needs_no_step():
    facts = on_both(lambda story: story.has(installed(V1, 0)).went_live(R1))
    assert not promote.plan(TARGET, V1, facts)


def test_after_an_interrupted_promote_only_the_hosts_that_lag_are_flipped():
    done = Story(APP1).has(installed(V1, 0), installed(V2, 1)).went_live(R1).went_live(R2, V1)
    lags = Story(APP2).has(installed(V1, 0), installed(V2, 1)).went_live(R1)
    plan = promote.plan(TARGET, V2, [done.facts(), lags.facts()])
    assert whys(plan, APP1) == []
    assert "send traffic to 2026.11.22.12.02" in whys(plan, APP2)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, "not installed on app2.*\n.*inv install --version"),
        (installed(V2, 1, complete=False), "not installed on app2"),
        (installed(V2, 1, state="exited", health=None), "is not running"),
        (installed(V2, 1, health=503), "does not answer its health check"),
        (installed(V2, 1, health=0), "does not answer its health check"),
        (installed(V2, 1, program=None), "does not answer its health check"),
    ],
)
def test_one_host_that_is_not_ready_stops_the_promote_before_any_step(found, message):
    ready = Story(APP1).has(installed(V1, 0), installed(V2, 1)).went_live(R1)
    other = Story(APP2).has(installed(V1, 0), *([found] if found else [])).went_live(R1)
    with pytest.raises(Refused, match=message):
        promote.plan(TARGET, V2, [ready.facts(), other.facts()])


def test_a_table_that_somebody_edited_by_hand_is_written_again():
    story = Story(APP1).has(installed(V1, 0)).went_live(R1)
    facts = story.facts()
    edited = type(facts)(**{**facts.__dict__, "counts": {str(R1): 999, "nothing": 1}})
    assert promote.plan(TARGET, V1, [edited])


def torn(story):
    """A host whose live table can't be read, though it serves."""
    facts = story.facts()
    return replace(facts, live=None, tables=facts.tables[:-1])


def test_a_live_table_that_cannot_be_read_is_still_the_way_back():
    host = torn(Story(APP1).has(installed(V1, 0), installed(V2, 1)).went_live(R2).went_live(R1, V2))
    (flip,) = promote.plan(TARGET, V2, [host]).phases[1].steps[APP1]
    assert "live.back" in " ".join(flip.undo)


def test_what_was_live_before_is_remembered_though_the_live_table_cannot_be_read():
    host = torn(Story(APP1).has(installed(V1, 0), installed(V2, 1)).went_live(R2).went_live(R1, V2))
    assert promote._previous(host, V1) == V2


def test_a_rollback_leads_to_what_was_live_before():
    facts = on_both(lambda story: story.went_live(R1).went_live(R2, V1))
    assert promote.former(facts) == V1


def test_a_rollback_of_an_interrupted_promote_undoes_it():
    done = Story(APP1).went_live(R1, at=100).went_live(R2, V1, at=200)
    lags = Story(APP2).went_live(R1, at=100)
    assert promote.former([lags.facts(), done.facts()]) == V1


def test_two_rollbacks_go_two_versions_back():
    story = Story(APP1).has(installed(V1, 0), installed(V2, 1), installed(V3, 2))
    story.went_live(R1, at=1).went_live(R2, V1, at=2).went_live(R3, V2, at=3)
    back = promote._previous(story.facts(), V2)
    assert back == V1


def test_the_first_version_has_nothing_to_roll_back_to():
    with pytest.raises(Refused, match="nothing to roll back to"):
        promote.former(on_both(lambda story: story.went_live(R1)))


def test_a_rollback_that_was_cut_short_is_finished_and_not_repeated():
    story = [Story(host).went_live(R1, at=1).went_live(R2, V1, at=2).went_live(R3, V2, at=3) for host in (APP1, APP2)]
    story[0].went_live(R2, V1, at=4)
    assert promote.former([one.facts() for one in story]) == V2
