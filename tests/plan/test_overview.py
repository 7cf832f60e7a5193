"""What `inv status` says in one sentence, and what it tells people to type."""

from dataclasses import replace

import pytest

from tasks.model.release import Release
from tasks.plan import overview
from tasks.plan.facts import Container

from .world import APP1, APP2, NOW, V1, V2, Story, installed

R1, R2 = Release(V1, 0), Release(V2, 1)


def both(tell):
    return [tell(Story(host)).facts() for host in (APP1, APP2)]


def test_before_the_first_promote_it_says_so():
    assert overview.summary(both(lambda story: story), {}) == "Nothing is live yet.   next: inv promote"


def test_hosts_that_agree_are_one_sentence():
    assert overview.summary(both(lambda story: story.went_live(R1)), {}) == f"Live is {V1} on all hosts."


def test_a_canary_is_named_with_its_share():
    said = overview.summary(both(lambda story: story.went_live(R1, canary=R2, share=50)), {})
    assert said.endswith(f"Canary {V2} gets 5 % of users.")


def test_hosts_that_disagree_get_the_command_that_finishes_and_the_one_that_undoes():
    done = Story(APP1).went_live(R1, at=1).went_live(R2, V1, at=2)
    lags = Story(APP2).went_live(R1, at=1)
    said = overview.summary([done.facts(), lags.facts()], {})
    assert f"app1 {V2}, app2 {V1}" in said
    assert f"Finish: inv promote --version {V2}   Undo: inv promote --version {V1}" in said


def test_a_host_that_does_not_answer_comes_first():
    assert "app2 did not answer: no answer" in overview.summary([Story().facts()], {"app2": "no answer"})


def test_work_that_was_cut_short_is_told_and_work_under_way_is_not_called_that():
    began = {"outcome": "began", "what": "promote 1", "who": "ana@x", "at": "12:00"}
    facts = Story(audit=(began,)).facts()
    assert overview.under_way([facts]) == ["app1: promote 1 by ana@x at 12:00 was cut short."]
    held = type(facts)(**{**facts.__dict__, "holder": {"who": "ben@y", "verb": "promote", "since": "12:01"}})
    assert overview.under_way([held]) == ["app1: ben@y is at work: promote, since 12:01."]


def test_rows_tell_live_canary_ready_and_sick():
    story = Story().has(installed(V1, 0), installed(V2, 1, health=503)).went_live(R1)
    rows = {row.version: row for row in overview.rows([story.facts()])}
    assert (rows[str(V1)].state, rows[str(V1)].share, rows[str(V1)].health) == ("live", 1000, "ok")
    assert (rows[str(V2)].state, rows[str(V2)].share, rows[str(V2)].health) == ("ready", 0, "HTTP 503")


def test_a_certificate_that_ends_soon_is_told_with_its_hosts():
    names = ["app1.foo", "*.app1.foo"]
    facts = [replace(one, certificates={"_.app1.foo": NOW + 3.5 * 86400, "app1.foo": NOW + 1e9, "old.foo": NOW}) for one
             in both(lambda story: story)]  # fmt: skip
    assert overview.expiring(facts, names, NOW) == [
        "The certificate of *.app1.foo on app1, app2 ends in 3 days: renew it, then inv bootstrap."
    ]
    assert "on app2 has ended" in overview.expiring([replace(facts[1], certificates={"app1.foo": NOW})], names, NOW)[0]
    assert overview.expiring([replace(facts[0], certificates=None)], names, NOW) == []


@pytest.mark.parametrize(
    ("component", "state", "said"),
    [
        ("migrate", "running", f"it still runs.  again: inv migrate --version {V2}"),
        ("rehearsal", "exited", f"it exited 0.  again: inv migrate --rehearse --version {V2}"),
    ],
)
def test_what_a_killed_migration_or_rehearsal_left_is_told_with_what_to_type(component, state, said):
    left = Container(f"app1-{V2}-{component}", V2, component, "image", state, 0, False, None)
    found = replace(Story().has(installed(V1, 0)).went_live(Release(V1, 0)).facts(), workers=(left,))
    assert overview.under_way([found]) == [f"app1: {left.name} is left of a command that was cut short; {said}"]
    assert len(overview.under_way([replace(found, holder={"who": "ana"})])) == 1, "somebody is at it"
