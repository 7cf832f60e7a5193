"""Wheels that are taken from another app are all of them, and its own afterwards."""

import shutil

import pytest

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
