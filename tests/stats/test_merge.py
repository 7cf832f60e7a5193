"""Hosts' summaries together: each user once, and a smaller share of them where there are too many."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from tasks.errors import StepFailed
from tasks.stats import merge
from tasks.stats.counts import SEEN, Trouble
from tasks.stats.queries import SLICES

from .lines import ASKED, BEGAN, Host, by_hand, end, line, of, some, start, text


def test_users_who_visit_two_hosts_count_once(tmp_path):
    lines = some(6000)
    one, other = Host(tmp_path / "1"), Host(tmp_path / "2")
    one.write(text(lines[::2]) + b"torn\n")
    other.write(text(lines[1::2]) + text([line(app="other")]))
    found = merge.counts([one.look(), other.look()], ASKED, 30)
    assert of(found) == by_hand(lines)
    assert found.trouble == Trouble(1, 1)


def test_a_host_without_a_line_adds_nothing(tmp_path):
    lines = some(500)
    one, idle = Host(tmp_path / "1"), Host(tmp_path / "2")
    one.write(text(lines))
    assert of(merge.counts([one.look(), idle.look()], ASKED, 30)) == by_hand(lines)
    assert merge.counts([idle.look()], ASKED, 30).ticks == ()


def test_a_tick_ends_where_a_stage_begins(tmp_path):
    host = Host(tmp_path / "1")
    host.write(text([line(time=BEGAN + 61), line(time=BEGAN + 71), line(time=BEGAN + 121)]))
    assert [(tick.at - BEGAN, tick.stage) for tick in host.count(tick=60).ticks] == [(60, 0), (70.5, 1), (120, 1)]


def test_too_many_users_are_sampled_alike_on_all_hosts(tmp_path):
    hosts = [Host(tmp_path / str(number)) for number in range(2)]
    users = [line(user=f"{number:032x}", status=500 if number % 2 else 200) for number in range(8000)]
    hosts[0].write(text(users[:6000]))
    hosts[1].write(text(users[5000:]))
    summaries = [end(start(most_users=1000, **hosts[0].where())), end(start(most_users=9999, **hosts[1].where()))]
    found = merge.counts(summaries, ASKED, 30)
    assert [one.halved for one in summaries] == [3, 0]
    assert found.sampled == 1 / 8
    ((seen, _, _), (failing, _, _)) = found.users(SEEN), found.users("failing")
    assert abs(seen - 1000) < 120  # four standard deviations of 8000 draws
    assert abs(failing - 500) < 90
    assert found.requests() == (9000, 0, 0)


def test_a_sample_goes_on_as_it_began(tmp_path):
    host = Host(tmp_path / "1")
    users = [line(user=f"{number:032x}") for number in range(4000)]
    for part in (users[:2000], users[2000:], users[:2000]):
        host.write(text(part))
        summary = end(start(most_users=1000, **host.where()))
    whole = Host(tmp_path / "2")
    whole.write(text(users))
    seen = merge.counts([summary], ASKED, 30).users(SEEN)
    assert seen == merge.counts([end(start(most_users=1000, **whole.where()))], ASKED, 30).users(SEEN)


def test_slices_grow_with_the_rollout():
    assert all(longer % shorter == 0 for shorter, longer in pairwise(SLICES))
    assert [ASKED.slice(BEGAN + hours * 3600) for hours in (0.1, 1, 24, 240)] == [1, 5, 60, 600]


def test_what_ended_is_counted_up_to_its_end(tmp_path):
    ended = replace(ASKED, ended=BEGAN + 600)
    assert ended.slice(BEGAN + 30 * 86400) == ended.slice(BEGAN + 600) == 1
    host = Host(tmp_path / "1")
    host.write(text(some(500)))
    assert host.look(ended).until > ended.ended
    assert host.count(ended).until == ended.ended


def test_what_any_host_lost_is_told():
    summaries = [merge.Summary(b"", b"", 5, lost_before=at) for at in (0, 4, 3)]
    assert merge.counts(summaries, ASKED, 30).trouble == Trouble(lost_before=4)
    assert merge.counts(summaries[:1], ASKED, 30).trouble == Trouble()


def test_later_stages_and_the_end_continue_what_was_counted():
    assert ASKED.key() == replace(ASKED, stages=ASKED.stages[:1], ended=BEGAN + 9).key()
    assert ASKED.key() != replace(ASKED, slow=None).key()
    assert ASKED.key() != replace(ASKED, goals={}).key()


GOOD = {"users": "", "bins": "", "until": 5, "unreadable": 0, "foreign": 0, "halved": 0, "lost_before": 0}


@pytest.mark.parametrize(
    "wrong",
    [
        {"users": "é"},
        {"users": "UEFSMQ=="},
        {"users": 5},
        {"until": "soon"},
        {"halved": None},
        {"halved": float("inf")},
    ],
)
def test_an_answer_of_another_form_is_refused(wrong):
    assert merge.parse("app1", GOOD).until == 5
    with pytest.raises(StepFailed, match="app1"):
        merge.parse("app1", json.loads(json.dumps(GOOD | wrong)))
