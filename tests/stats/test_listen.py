"""What others have against a canary keeps it where it is, and does no more."""

from dataclasses import replace

import pytest

from tasks.model.witness import Complaint, Heard
from tasks.stats import listen, walk
from tasks.stats.report import page

from . import samples
from .test_walk import SOON, STEPS, at

ISSUE = Complaint("the error tracker", "ValueError: planted", "http://bugs.foo/issues/issue/7/event/last/")
TRIGGER = Complaint(
    "Zabbix", "app1: a container started again on app1 on app2", "http://zabbix.foo/tr_events.php?triggerid=1"
)


def heed(comparison, *complaints, after=SOON, missing=None):
    now = comparison.rollout.began + after
    chosen = walk.move(comparison, STEPS, now, missing or {})
    return listen.heed(chosen, Heard(complaints), comparison, now)


@pytest.mark.parametrize(("share", "word"), [(10, "grow"), (250, "promote")])
def test_a_canary_that_could_go_on_waits_where_it_is_while_somebody_has_something_against_it(share, word):
    seen = at(samples.good(), share)
    assert heed(seen).word == word
    held = heed(seen, ISSUE, TRIGGER)
    assert (held.word, held.share.buckets) == ("wait", share)
    assert held.reason == (
        "new in the error tracker: ValueError: planted (http://bugs.foo/issues/issue/7/event/last/); "
        "new in Zabbix: app1: a container started again on app1 on app2 (http://zabbix.foo/tr_events.php?triggerid=1)"
    )
    assert walk.line(seen, held).endswith(f"wait: {held.reason}")


def test_when_patience_is_over_it_is_left_to_people_and_never_put_back():
    seen = at(samples.good(), 50, patience=3600, on_fail="abort")
    assert heed(seen, ISSUE, after=3600).word == "wait"
    held = heed(seen, ISSUE, after=3601)
    assert (held.word, held.share.buckets) == ("hold", 50)
    assert held.reason.startswith("More than 3600 s at 5 %, and new in the error tracker: ValueError: planted (")
    assert heed(seen, after=3601).word == "grow"


@pytest.mark.parametrize("sample", [samples.failing, samples.slow_tail, samples.waiting, samples.no_traffic])
def test_what_the_statistics_decide_otherwise_is_not_changed_and_nobody_is_asked(sample):
    seen = at(sample(), 50)
    chosen = walk.move(seen, STEPS, samples.BEGAN + SOON, {})
    assert not listen.asks(chosen)
    assert heed(seen, ISSUE) == chosen


def test_of_many_complaints_two_are_told():
    many = [replace(ISSUE, title=f"Error {number}") for number in range(5)]
    assert listen.sentence(many[:2]).count("Error") == 2
    assert "more" not in listen.sentence(many[:2])
    said = listen.sentence(many)
    assert (said.count("Error"), said.endswith(", and more")) == (2, True)


def test_the_evidence_tells_what_it_waited_for_and_how_long():
    began = samples.BEGAN
    looks = [{"at": began, "move": "wait"}] + [
        {"at": began + minute * 60, "heard": listen.as_json(Heard(tuple(complaints), {}))}
        for minute, complaints in enumerate([(ISSUE,), (ISSUE, TRIGGER), (TRIGGER,), ()])
    ]
    first, second = listen.waits(looks)
    assert first.startswith("It waited from ")
    assert first.endswith(f"new in the error tracker: {ISSUE.title} ({ISSUE.url}).")
    assert "new in Zabbix" in second
    assert listen.waits(looks[:1]) == []


def test_the_page_shows_what_was_said_as_text():
    told = listen.sentence([replace(ISSUE, title="<script>alert(1)</script>")])
    html = page.html(replace(samples.good(), warnings=(told,)))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
