"""Wheels that are taken from another app are all of them, and its own afterwards."""

import os
import shutil

import pytest

from tasks.errors import StepFailed
from tasks.run import wheelhouses


@pytest.fixture
def wheels(tmp_path):
    (tmp_path / "wheels").mkdir()
    return tmp_path / "wheels"


def filled(house, done=True):
    house.mkdir()
    (house / "flask.whl").write_text("flask")
    if done:
        (house / "done").touch()
    return house


def test_a_copy_shares_no_file_with_the_other_apps(wheels):
    other = filled(wheels / "app1-k")
    assert wheelhouses.copy(wheels / "app1--x-k", "k") == other
    (wheels / "app1--x-k" / "flask.whl").write_text("changed")
    assert (other / "flask.whl").read_text() == "flask"


def test_what_a_killed_copy_left_is_not_taken_for_a_copy(wheels):
    filled(wheels / "app1-k")
    left = filled(wheels / "app1--x-k.new", done=False)
    (left / "half.whl").touch()
    assert not wheelhouses.is_whole(wheels / "app1--x-k")
    wheelhouses.copy(wheels / "app1--x-k", "k")
    assert sorted(one.name for one in (wheels / "app1--x-k").iterdir()) == ["done", "flask.whl"]
    assert not left.exists()


def test_what_is_being_removed_is_not_copied(wheels, monkeypatch):
    """Its first file goes before the copy, and `done` with it before the copy is whole."""
    other, real = filled(wheels / "app1-k"), shutil.copytree

    def meanwhile(*words, **more):
        (other / "flask.whl").unlink()
        made = real(*words, **more)
        wheelhouses.remove(other)
        return made

    monkeypatch.setattr(shutil, "copytree", meanwhile)
    assert wheelhouses.copy(wheels / "app1--x-k", "k") is None
    assert list(wheels.iterdir()) == []


def test_what_is_not_whole_is_not_copied(wheels):
    filled(wheels / "app1-k", done=False)
    assert wheelhouses.copy(wheels / "app2-k", "k") is None


def test_an_apps_wheelhouses_are_not_those_of_its_branches(wheels):
    own = filled(wheels / "app1-k")
    filled(wheels / "app1--x-k")
    assert wheelhouses.of(wheels.parent, "app1") == [own]


FLASK = "flask-3.0-py3-none-any.whl"


@pytest.fixture
def left(tmp_path):
    """What pip left, in the folder that is its own."""
    (tmp_path / "left").mkdir()
    (tmp_path / "left" / FLASK).write_text("flask")
    return tmp_path / "left"


@pytest.fixture
def secret(tmp_path):
    (tmp_path / "secret").write_text("s3cret")
    return tmp_path / "secret"


def test_wheels_and_the_compilers_log_are_taken_and_nothing_else(wheels, left, secret):
    (left / "compile.log").write_text("gcc -c x.c\n")
    (left / "folder").mkdir()
    (left / "short.whl").write_text("no wheel's name")
    for name in ("dependencies.txt", "done", "layer.tar", "layer.new", "x"):
        (left / name).symlink_to(secret)
    house = wheelhouses.take(left, wheels / "app1-k")
    assert sorted(one.name for one in house.iterdir()) == ["compile.log", FLASK]
    assert (house / FLASK).read_text() == "flask"
    assert not wheelhouses.is_whole(house)


@pytest.mark.parametrize("name", ["a-1-py3-none-any.whl", "compile.log"])
@pytest.mark.parametrize(
    "make",
    [
        lambda path, secret: path.symlink_to(secret),
        lambda path, secret: path.hardlink_to(secret),
        lambda path, secret: path.mkdir(),
        lambda path, secret: os.mkfifo(path),
    ],
)
def test_what_is_no_plain_file_is_refused_by_its_name(wheels, left, secret, name, make):
    make(left / name, secret)
    with pytest.raises(StepFailed, match=f"wheels: {name} is no plain file"):
        wheelhouses.take(left, wheels / "app1-k")
    assert not wheelhouses.is_whole(wheels / "app1-k")


def test_a_log_that_is_too_large_to_be_read_is_refused(wheels, left):
    (left / "compile.log").touch()
    os.truncate(left / "compile.log", 2**40)
    with pytest.raises(StepFailed, match=r"wheels: compile\.log has more than 100 MB\."):
        wheelhouses.take(left, wheels / "app1-k")
    assert list((wheels / "app1-k").iterdir()) == []


def test_nobody_may_run_what_is_taken(wheels, left):
    (left / FLASK).chmod(0o4755)
    assert (wheelhouses.take(left, wheels / "app1-k") / FLASK).stat().st_mode & 0o7777 == 0o644


@pytest.mark.parametrize("name", [FLASK, "x", "layer.new"])
def test_a_wheelhouse_that_holds_a_link_is_neither_used_nor_copied(wheels, secret, name):
    other = filled(wheels / "app1-k")
    (other / name).symlink_to(secret)
    assert not wheelhouses.is_whole(other)
    assert wheelhouses.copy(wheels / "app1--x-k", "k") is None
    assert not (wheels / "app1--x-k").exists()


def test_a_wheelhouse_whose_mark_is_a_folder_counts_for_nothing_and_can_be_removed(wheels):
    other = filled(wheels / "app1-k", done=False)
    (other / "done").mkdir()
    assert wheelhouses.copy(wheels / "app1--x-k", "k") is None
    wheelhouses.remove(other)
    assert list(wheels.iterdir()) == []


def test_a_link_that_comes_meanwhile_is_not_followed(wheels, secret, monkeypatch):
    other, real = filled(wheels / "app1-k"), shutil.copytree

    def meanwhile(*words, **more):
        (other / "x").symlink_to(secret)
        made = real(*words, **more)
        (other / "x").unlink()
        return made

    monkeypatch.setattr(shutil, "copytree", meanwhile)
    assert wheelhouses.copy(wheels / "app1--x-k", "k") is None
    assert [one.name for one in wheels.iterdir()] == ["app1-k"]
