"""The hook shows whoever pushes what becomes of it, and never blocks or fails a push. Against real git."""

import subprocess
import time
from pathlib import Path

import pytest

from ..run.test_source import git, repository  # noqa: F401 - a fixture

HOOK = Path(__file__).resolve().parents[2] / "conf" / "staging" / "post-receive"


class Server:
    """A bare repository with the hook, and a work tree that pushes to it."""

    def __init__(self, folder, clone):
        self.folder, self.clone = folder, clone
        subprocess.run(["git", "init", "-q", "--bare", str(folder)], check=True)
        (folder / "hooks" / "post-receive").symlink_to(HOOK)

    def config(self, **settings):
        for key, value in settings.items():
            git(self.folder, "config", f"depl.{key}", value)

    def push(self):
        """Push a commit; returns what the pusher sees. Fails where git does."""
        git(self.clone, "commit", "-q", "--allow-empty", "-m", "more")
        words = ["git", "-C", str(self.clone), "push", str(self.folder), "HEAD:main"]
        return subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stderr

    @property
    def head(self):
        done = subprocess.run(["git", "-C", str(self.folder), "rev-parse", "main"], capture_output=True, text=True)
        return done.stdout.strip()


@pytest.fixture
def server(repository, tmp_path_factory):  # noqa: F811 - the fixture
    return Server(tmp_path_factory.mktemp("server") / "x.git", repository)


def test_whoever_pushes_sees_what_the_command_says(server):
    server.config(sync="echo feature is up at http://feature.foo; echo and a mistake >&2")
    said = server.push()
    assert "feature is up at http://feature.foo" in said
    assert "and a mistake" in said


def test_a_command_that_fails_is_told_and_the_push_is_taken(server):
    server.config(sync="echo it fails; exit 7")
    assert "it fails" in server.push()
    assert server.head


def test_a_command_that_takes_long_goes_on_without_the_pusher(server, tmp_path):
    server.config(sync=f"echo begun; sleep 4; touch '{tmp_path}/ended'", wait="1")
    said = server.push()
    assert "begun" in said
    assert "it goes on without you" in said
    end = time.monotonic() + 30
    while not (tmp_path / "ended").exists():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_without_a_wait_nothing_is_waited_for(server):
    server.config(sync="echo never seen", wait="0")
    assert "never seen" not in server.push()


def test_a_repository_that_says_no_command_takes_pushes(server):
    assert "git config depl.sync says no command" in server.push()
    assert server.head


def test_the_command_knows_nothing_of_the_hooks_repository(server):
    server.config(sync="echo dir=$GIT_DIR.")
    assert "dir=." in server.push()
