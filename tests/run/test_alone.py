"""Lock files on this machine: who waits for whom, and that they are told."""

import fcntl
import threading
from contextlib import contextmanager

import pytest

from tasks.errors import DeplError
from tasks.run.alone import alone, together


@pytest.fixture
def path(tmp_path):
    return tmp_path / "the.lock"


@contextmanager
def held(path):
    """Somebody else has it alone, as collect-layers does: by flock, without a word in it. Gives what ends that."""
    with path.open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lambda: fcntl.flock(lock, fcntl.LOCK_UN)


def test_many_hold_a_lock_together_and_nobody_is_told(path):
    told = []
    with together(path, lambda: told.append(1)), together(path, lambda: told.append(2)):
        assert told == []


def test_who_shares_waits_for_who_has_it_alone_and_is_told_once(path):
    told = []
    with held(path) as let_go:
        release = threading.Timer(0.1, let_go)

        def waiting():
            told.append("waiting")
            release.start()

        with together(path, waiting):
            assert told == ["waiting"]
        release.join()


def test_who_has_it_alone_waits_for_all_that_share_it(path):
    with together(path, lambda: None), path.open() as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with path.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_who_has_it_alone_is_named_to_who_comes_next(path):
    with alone(path, "ana@deploy", print):
        assert "ana@deploy" in path.read_text()


@pytest.mark.parametrize("take", [lambda path: alone(path, "ana", print), lambda path: together(path, print)])
def test_a_folder_that_is_not_there_is_said_in_words(tmp_path, take):
    with (
        pytest.raises(DeplError, match="can't be written to.*\nMake it: inv bootstrap"),
        take(tmp_path / "no" / "lock"),
    ):
        pass
