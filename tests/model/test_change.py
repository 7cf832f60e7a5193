"""Which issues commits name, and what is said of several."""

import pytest

from tasks.model.change import Change, Changes


def change(message, author="Ana", commit="a" * 40):
    return Change(commit, author, 0.0, message)


@pytest.mark.parametrize(
    ("message", "keys"),
    [
        ("SHOP-12: pay by card", ("SHOP-12",)),
        ("Pay by card\n\nSee SHOP-12, SHOP-13 and SHOP-12.", ("SHOP-12", "SHOP-13")),
        ("Merge branch 'feature/SHOP-12'", ("SHOP-12",)),
        ("[A2-1]", ("A2-1",)),
        ("use UTF-8 and SHA-256, fix CVE-2024", ()),
        ("shop-12 S-1 SHOP-0 SHOP12 XSHOP_12-A SHOP-12a", ()),
    ],
)
def test_a_commits_issues_are_those_that_its_message_names(message, keys):
    assert change(message).keys == keys


def test_a_summary_counts_commits_authors_and_issues():
    found = Changes((change("SHOP-1"), change("SHOP-2", "Ben"), change("SHOP-1 again")))
    assert found.summary == "3 commits by Ana, Ben (SHOP-1, SHOP-2)"


def test_a_summary_says_what_goes_away_too():
    assert Changes((), (change("x"),)).summary == "1 commit less"
    assert Changes((change("x"),), (change("y"), change("z"))).summary == "1 commit, 2 commits less by Ana"
    assert Changes().summary == "no commits"


def test_many_names_are_counted():
    assert Changes(tuple(change(f"SHOP-{n}") for n in range(1, 8))).summary.endswith(
        "(SHOP-1, SHOP-2, SHOP-3, SHOP-4 and 3 more)"
    )


def test_what_is_not_known_is_said():
    assert Changes(why="commit abc is not here; git fetch").summary == "commit abc is not here; git fetch"
