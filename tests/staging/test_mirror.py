"""Which branches a remote has, and what they hold. Against real git."""

import subprocess
import threading
import time

import pytest

from tasks.errors import DeplError, Refused
from tasks.model.app import Source
from tasks.run.alone import alone
from tasks.run.report import Report
from tasks.run.source import origin
from tasks.staging import mirror
from tasks.staging.mirror import Mirror

from ..plan.world import TARGET
from ..run.test_source import git, repository  # noqa: F401 - a fixture


def out(folder, *words, **options):
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, **options).stdout


@pytest.fixture
def copy(repository, tmp_path_factory):  # noqa: F811 - the fixture
    there = Mirror(tmp_path_factory.mktemp("cache") / "git" / "app1.git", str(repository))
    there.fetch("ana", Report())
    return there


def heads(copy):
    copy.fetch("ana", Report())
    return {one.name: one.commit for one in copy.heads()[0]}


def test_branches_come_with_their_newest_commits(copy, repository):  # noqa: F811
    git(repository, "branch", "feature/X-12")
    found = heads(copy)
    assert set(found) == {"main", "feature/X-12"}
    assert (found["main"].author, found["main"].subject) == ("a", "first")
    assert found["main"].id == out(repository, "rev-parse", "main").decode().strip()


def test_what_is_gone_there_is_gone_here_and_a_folder_may_take_its_name(copy, repository):  # noqa: F811
    git(repository, "branch", "a")
    assert set(heads(copy)) == {"main", "a"}
    git(repository, "branch", "-D", "a")
    git(repository, "branch", "a/b")
    assert set(heads(copy)) == {"main", "a/b"}


def test_a_branch_is_found_at_the_commit_that_the_last_fetch_brought(copy, repository):  # noqa: F811
    first = heads(copy)["main"]
    git(repository, "commit", "-q", "--allow-empty", "-m", "second")
    assert copy.find("main").commit == first
    copy.fetch("ana", Report())
    assert (copy.find("main").commit.subject, copy.find("no/where")) == ("second", None)


@pytest.mark.parametrize("name", ["-x", "--upload-pack=touch", "a\u202eb"])
def test_a_name_that_no_app_can_have_is_told_and_left_out(copy, repository, name):  # noqa: F811
    git(repository, "update-ref", f"refs/heads/{name}", "HEAD")
    assert set(heads(copy)) == {"main"}
    assert len(copy.heads()[1]) == 1


def test_a_name_in_no_encoding_is_left_out(copy, repository):  # noqa: F811
    out(repository, "update-ref", b"refs/heads/gr\xfc\xdfe", "HEAD")
    assert set(heads(copy)) == {"main"}
    assert copy.heads()[1] == ["gr\\udcfc\\udcdfe"]


def test_what_a_shell_would_execute_is_a_branch_like_others(copy, repository, tmp_path):  # noqa: F811
    name = f"$(touch${{IFS}}{tmp_path}/trap);`id`"
    git(repository, "branch", name)
    assert name in heads(copy)
    assert not (tmp_path / "trap").exists()


def test_an_author_in_no_encoding_does_no_harm(copy, repository):  # noqa: F811
    tree = out(repository, "rev-parse", "main^{tree}").decode().strip()
    text = f"tree {tree}\nauthor J\xfcrg <a@b> 1 +0000\ncommitter a <a@b> 7 +0000\n\nx\n\nbody\n".encode("latin-1")
    made = out(repository, "hash-object", "-t", "commit", "-w", "--stdin", input=text).decode().strip()
    git(repository, "update-ref", "refs/heads/odd", made)
    found = heads(copy)["odd"]
    assert (found.author, found.subject, found.at) == ("J\ufffdrg", "x", 7.0)


def test_what_a_commit_says_does_not_steer_a_terminal(copy, repository):  # noqa: F811
    words = ("commit", "-q", "--allow-empty", "--author=Eve\x1b[31m <e@v>", "-m", "clear \x1b[2J\u009b2J\r\n\r\nbody")
    git(repository, *words)
    found = heads(copy)["main"]
    assert (found.author, found.subject) == ("Eve\\x1b[31m", "clear \\x1b[2J\\x9b2J")


def test_a_force_push_is_told_from_a_push(copy, repository):  # noqa: F811
    first = heads(copy)["main"].id
    git(repository, "commit", "-q", "--allow-empty", "-m", "second")
    second = heads(copy)["main"].id
    git(repository, "commit", "-q", "--allow-empty", "--amend", "-m", "another")
    third = heads(copy)["main"].id
    assert copy.follows(second, first)
    assert not copy.follows(third, second)
    assert not copy.follows(third, "0" * 40)


def test_a_branchs_files_are_those_of_its_commit(copy, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    copy.checkout("app", heads(copy)["main"]).export(folder)
    assert (folder / "setup.py").read_text() == "first\n"


def test_nothing_is_made_before_it_is_our_turn(copy, tmp_path_factory):
    """Two who make a repository at once fail each other: git takes a lock of its own then, and waits for none."""
    other, waits = Mirror(tmp_path_factory.mktemp("cache") / "git" / "app1.git", copy.url), threading.Event()
    report = Report()
    report.note = lambda _: waits.set()
    other.folder.parent.mkdir()
    fetching = threading.Thread(target=other.fetch, args=("ana", report))
    with alone(other.folder.with_suffix(".lock"), "bob", lambda _: None):
        fetching.start()
        assert waits.wait(20)
        assert not other.folder.exists()
    fetching.join()
    assert other.find("main")


@pytest.mark.parametrize("lost", [(), ("HEAD",), ("objects",), ("HEAD", "config", "objects", "refs")])
def test_who_was_killed_on_making_a_repository_holds_up_nobody(copy, lost):
    """Git leaves config.lock then, and makes HEAD before the rest."""
    (copy.folder / "config.lock").touch()
    for one in lost:
        (copy.folder / one).rename(copy.folder / f"no-{one}")
    assert set(heads(copy)) == {"main"}


LEFT = (
    "packed-refs.lock", "packed-refs.new", "HEAD.lock", "shallow.lock", "refs/heads/main.lock", "refs/heads/gone.lock",
    "objects/maintenance.lock", "objects/info/commit-graphs/commit-graph-chain.lock",
)  # fmt: skip


def leave(copy, repository, *names):  # noqa: F811 - the fixture's value
    """What a git that was killed leaves, and work for the next one that needs each of these."""
    for name in names:
        (copy.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (copy.folder / name).touch()
    git(repository, "commit", "-q", "--allow-empty", "-m", "second")
    git(repository, "branch", "-D", "gone")


@pytest.fixture
def packed(copy, repository):  # noqa: F811 - the fixture
    """A copy that has a branch among its packed refs."""
    git(repository, "branch", "gone")
    assert set(heads(copy)) == {"main", "gone"}
    out(copy.folder, "pack-refs", "--all")
    return copy


@pytest.fixture
def reader(packed):
    """A git that runs in the copy until its input ends."""
    with subprocess.Popen(
        ["git", "-C", str(packed.folder), "cat-file", "--batch-check"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        running.stdin.write(b"main\n")
        running.stdin.flush()
        assert running.stdout.readline()
        yield running


@pytest.mark.parametrize("left", LEFT)
def test_lock_files_of_a_git_that_was_killed_hold_up_nobody(packed, repository, left):  # noqa: F811
    leave(packed, repository, left)
    assert heads(packed)["main"].subject == "second"
    assert packed.find("gone") is None
    assert not (packed.folder / left).exists()


def test_a_branch_that_is_called_like_a_file_of_gits_stays(packed, repository):  # noqa: F811
    git(repository, "branch", "my-packed-refs.new")
    assert "my-packed-refs.new" in heads(packed)
    loose = packed.folder / "refs/heads/my-packed-refs.new"
    assert loose.exists()
    with pytest.raises(DeplError):
        Mirror(packed.folder, "/nowhere").fetch("ana", Report())
    assert loose.exists()


def test_a_lock_file_stays_while_a_git_runs_there(packed, repository, reader, monkeypatch):  # noqa: F811
    monkeypatch.setattr("tasks.run.git.PATIENCE", 0.2)
    leave(packed, repository, "packed-refs.lock")
    with pytest.raises(DeplError, match=r"can't be fetched: .*packed-refs.lock"):
        packed.fetch("ana", Report())
    assert (packed.folder / "packed-refs.lock").exists()
    reader.communicate()
    assert set(heads(packed)) == {"main"}


def test_a_git_that_runs_there_and_ends_soon_is_waited_for(packed, repository, reader):  # noqa: F811
    leave(packed, repository, "packed-refs.lock")
    ending = threading.Timer(0.3, reader.stdin.close)
    ending.start()
    assert set(heads(packed)) == {"main"}
    ending.join()


def test_a_git_elsewhere_holds_up_no_healing(packed, repository, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr("tasks.run.git.PATIENCE", 60)
    out(tmp_path, "init", "-q", "--bare")
    with subprocess.Popen(["git", "-C", str(tmp_path), "cat-file", "--batch"], stdin=subprocess.PIPE):
        leave(packed, repository, "packed-refs.lock")
        began = time.monotonic()
        assert set(heads(packed)) == {"main"}
        assert time.monotonic() - began < 30


def test_a_remote_that_is_not_there_is_told_without_its_password(copy):
    away = Mirror(copy.folder, "http://ana:s3cret@127.0.0.1:9/x.git")
    with pytest.raises(DeplError, match=r"http://127.0.0.1:9/x.git can't be fetched") as told:
        away.fetch("ana", Report())
    assert "s3cret" not in str(told.value)


def test_a_hooks_own_repository_is_not_taken_for_ours(copy, repository, monkeypatch, tmp_path):  # noqa: F811
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    assert set(heads(copy)) == {"main"}


def test_a_package_has_no_branches():
    app = TARGET.app.__class__(**{**vars(TARGET.app), "source": Source(package="x==1")})
    with pytest.raises(Refused, match="it has no branches"):
        mirror.of(TARGET.__class__(**{**vars(TARGET), "app": app}), "")


def test_the_repository_is_the_inventorys_or_the_sources_origin_or_the_source(repository):  # noqa: F811
    def address(named=""):
        return origin(named, str(repository))

    assert address() == str(repository)
    git(repository, "remote", "add", "origin", "git@example.com:x.git")
    assert address() == "git@example.com:x.git"
    assert address("ssh://git@example.com/y.git") == "ssh://git@example.com/y.git"
