"""What becomes of branches: from what the remote lists and what is up."""

from dataclasses import replace

import pytest

from tasks.errors import Refused
from tasks.staging.decide import claim, decide, near, typed

from .world import head, staging, standing


def names(heads):
    return [one.name for one in heads]


def decided(heads, there=(), skip=(), limit=100):
    return decide("app1", heads, staging(*there), skip, limit)


def test_a_new_branch_comes_up_and_one_that_is_gone_goes():
    found = decided([head("new"), head("main")], [standing("main"), standing("old", up=2)])
    assert names(found.rise) == ["new"]
    assert [one.branch.name for one in found.fall] == ["old"]
    assert names(found.same) == ["main"]


def test_a_branch_that_moved_comes_up_anew():
    assert names(decided([head("main", 2)], [standing("main", 1)]).rise) == ["main"]


def test_a_commit_that_failed_before_is_not_built_again_but_the_next_one_is():
    there = [standing("main", 1, failed=2)]
    assert [one.branch.name for one in decided([head("main", 2)], there).failed] == ["main"]
    assert names(decided([head("main", 3)], there).rise) == ["main"]


def test_a_branch_that_never_came_up_since_it_was_cut_short_is_tried_again():
    assert names(decided([head("x")], [standing("x", 0)]).rise) == ["x"]
    assert not decided([head("x")], [standing("x", 0, failed=1)]).rise


def test_a_branch_that_is_broken_or_half_removed_comes_up_again_and_one_that_sleeps_is_let_be():
    assert names(decided([head("x")], [standing("x", running=0)]).rise) == ["x"]
    assert names(decided([head("x")], [replace(standing("x"), release=None)]).rise) == ["x"]
    assert names(decided([head("x")], [standing("x", running=0, asleep=True)]).same) == ["x"]


def test_a_broken_branch_that_did_not_come_up_again_is_not_tried_each_minute():
    assert not decided([head("x")], [standing("x", running=0, failed=1)]).rise


def test_what_a_killed_command_left_beside_the_newest_commit_is_cleared_away():
    assert names(decided([head("x")], [standing("x", leftovers=True)]).rise) == ["x"]


def test_what_is_skipped_gets_no_app_but_keeps_the_one_that_it_has():
    found = decided([head("bot/a"), head("bot/b", 2)], [standing("bot/b", 1)], skip=["bot/*"])
    assert names(found.skipped) == ["bot/a"]
    assert names(found.rise) == ["bot/b"]


def test_the_newest_branches_get_the_room_that_is_left_and_one_that_goes_makes_room():
    there = [standing("main"), standing("gone", up=2), standing("others", app="board", up=3)]
    found = decided([head("b", 9), head("a", 8), head("main")], there, limit=3)
    assert names(found.rise) == ["b"]
    assert names(found.full) == ["a"]


def test_a_branch_that_is_up_follows_even_where_no_other_one_has_room():
    assert names(decided([head("main", 2)], [standing("main", 1)], limit=1).rise) == ["main"]


def test_an_empty_remote_takes_nothing_down():
    with pytest.raises(Refused, match="lists no branch, but 2 are up"):
        decided([], [standing("main"), standing("x", up=2)])
    assert not decided([], [standing("x", app="board")]).fall


def test_another_apps_branches_are_not_ours_to_end():
    assert not decided([head("main")], [standing("x", app="board")]).fall


def test_each_branch_gets_a_label_and_a_number_of_its_own():
    there = staging(standing("a/b", up=1), standing("c", up=3, app="board"))
    branch, number = claim("app1", "a-b", there, 100)
    assert branch.label.startswith("a-b-")
    assert number == 2


def test_another_apps_labels_are_free():
    assert claim("app1", "main", staging(standing("main", app="board")), 100)[0].label == "main"


def test_no_branch_comes_up_beyond_the_limit():
    with pytest.raises(Refused, match=r"2 branches are up.*\nDelete branches in git.*skip"):
        claim("app1", "x", staging(standing("a"), standing("b", up=2)), 2)


def test_a_name_that_is_not_there_is_answered_with_those_near_it():
    assert near("feature/X-21", ["main", "feature/X-12"]) == "Did you mean feature/X-12?"
    assert near("zzz", ["main"]) == "See what there is: inv branch.list"


@pytest.mark.parametrize("name", ["$(reboot)", "a;b", "`id`", "a|b", "a'b", "<b>", "a&b", "{a,b}", "!x"])
def test_a_command_to_copy_never_has_what_a_shell_would_execute(name):
    assert typed(name) == "NAME"
    assert typed("feature/X-12_Grüße+1.0") == "feature/X-12_Grüße+1.0"
