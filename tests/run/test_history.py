"""What lies between two commits. Against real git."""

import subprocess
from dataclasses import replace

import pytest

from tasks.model.app import Source
from tasks.run import history

from ..plan.world import APP


def git(folder, *words):
    names = ("-c", "user.name=Ana\x1b[31m", "-c", "user.email=a@b")
    done = subprocess.run(["git", "-C", str(folder), *names, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder, path, message):
    (folder / path).parent.mkdir(exist_ok=True)
    with (folder / path).open("a") as file:
        file.write(message)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "-q", "-b", "main")
    return tmp_path


def between(repository, old, new, path="."):
    return history.compare(replace(APP, source=Source(path, str(repository))), old, new)


def test_commits_are_told_newest_first_with_who_and_why(repository):
    first, second, third = (commit(repository, "a", f"SHOP-{n}\n\nbody of {n}") for n in (1, 2, 3))
    found = between(repository, first, third)
    assert [one.commit for one in found.came] == [third, second]
    assert found.came[0].message == "SHOP-3\n\nbody of 3"
    assert found.keys == ("SHOP-3", "SHOP-2")
    assert found.went == ()


@pytest.mark.parametrize("odd", ["two \x01 bad", "\x1b[2J", "a\n\n\nb\n", "%x00 %H", "\u2028", "-x"])
def test_a_message_of_any_characters_is_one_commits_message(repository, odd):
    first, second = commit(repository, "a", "1"), commit(repository, "a", odd)
    found = between(repository, first, second)
    assert [one.commit for one in found.came] == [second]


def test_what_commits_say_does_not_steer_a_terminal(repository):
    first, second = (commit(repository, "a", f"clear \x1b[2J\u009b2J\u202e {n}\n\n\tbody\x07") for n in (1, 2))
    (found,) = between(repository, first, second).came
    assert found.author == "Ana\\x1b[31m"
    assert found.message == "clear \\x1b[2J\\x9b2J\\u202e 2\n\n\tbody\\x07"


def test_the_way_back_says_what_goes(repository):
    first, second = (commit(repository, "a", str(n)) for n in (1, 2))
    found = between(repository, second, first)
    assert (found.came, [one.commit for one in found.went]) == ((), [second])


def test_commits_outside_the_apps_source_do_not_count(repository):
    first = commit(repository, "app/a", "1")
    other = commit(repository, "elsewhere/a", "2")
    assert between(repository, first, other, "app").came == ()
    assert len(between(repository, first, other).came) == 1


@pytest.mark.parametrize("odd", ["f" * 40, "--output=/tmp/x", "", "main..x", "HEAD\n"])
def test_a_commit_that_is_not_here_is_said(repository, odd):
    first = commit(repository, "a", "1")
    assert "git fetch" in between(repository, odd, first).why
