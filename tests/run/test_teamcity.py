"""Service messages: escaped as documented; problems that keep their name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import Refused, StepFailed
from tasks.run.teamcity import disarmed, identity, message
from tests.hostile import texts
from tests.teamcity import MESSAGE, read


def test_what_is_special_and_what_is_not_ascii_is_escaped():
    assert message("progressMessage", "it's [a] |b|\r\n") == "##teamcity[progressMessage 'it|'s |[a|] ||b|||r|n']"
    assert message("buildStatus", text="é😀") == "##teamcity[buildStatus text='|0x00E9|0xD83D|0xDE00']"


@given(st.one_of(texts, st.text()))
def test_a_server_reads_what_was_said(text):
    line = message("buildProblem", description=f"-{text}", identity="x")
    assert MESSAGE.fullmatch(line)
    assert read(line).all("buildProblem")[0]["description"] == f"-{text}"


@pytest.mark.parametrize("order", ["##teamcity[buildNumber '1']", "###teamcity[x", "##TeamCity [x", "a ##teamcity[x"])
def test_an_order_in_a_text_becomes_plain(order):
    assert "##teamcity" not in disarmed(order).lower()
    assert disarmed(order).replace(r"\u0023", "#") == order


def named(text, verb="promote", app="app1", hosts=("app1", "app2", "web-berlin"), kind=StepFailed):
    return identity(verb, app, hosts, kind(text))


SAME = [
    ("app1: start the container: exit status 3", "app2: start the container: exit status 4"),
    ("app1 (and app2, web-berlin): health: no answer", "web-berlin: health: no answer"),
    ("2026.11.22.12.05 is not installed on app1.", "2027.01.02.03.04 is not installed on web-berlin."),
    ("'x' is no commit, branch or tag of /srv/a.", "'yz' is no commit, branch or tag of /srv/a."),
    ("app1: health: not healthy after 20 s", "app1: health: not healthy after 21.5 s\nPut back on app2."),
    ("ana@deploy has the lock since 12:01:02", "ana@deploy has the lock since 13:01:02"),
]
DIFFERENT = [
    ("app1: start the container: exit status 3", "app1: stop the container: exit status 3"),
    ("app1: health: not healthy after 20 s", "app1: health: the connection broke"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_failure_has_the_same_name_whenever_and_wherever_it_happens(one, other):
    assert named(one) == named(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_failures_have_different_names(one, other):
    assert named(one) != named(other)


def test_verb_app_and_kind_are_part_of_the_name():
    found = {named("x"), named("x", verb="install"), named("x", app="board"), named("x", kind=Refused)}
    assert len(found) == 4


@given(texts, texts)
def test_a_name_is_one_that_a_server_takes(text, app):
    assert len(named(text, app=app)) <= 60
    assert named(text, app=app).isidentifier()
    assert named(text, app=app).isascii()
