"""The program that runs on hosts: tables whole or not at all, a lock that goes with it, no step after its time."""

import fcntl
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tasks.model.percent import BUCKETS

PROGRAM = Path(__file__).parents[1] / "templates" / "host" / "onhost.py"


class Process(subprocess.Popen):
    """The program, asked over pipes as over a connection."""

    def __init__(self):
        argv = [sys.executable, "-I", "-S", str(PROGRAM)]
        super().__init__(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.clock = None

    def send(self, *commands, until=None):
        self.stdin.write(json.dumps({"until": until, "commands": commands}) + "\n")
        self.stdin.flush()

    def answer(self):
        answer = json.loads(self.stdout.readline())
        self.clock = answer["clock"]
        return answer["results"]

    def ask(self, *commands, until=None):
        self.send(*commands, until=until)
        return self.answer()


@contextmanager
def program():
    """Start it; at the end it has ended by itself, since its input did."""
    with Process() as process:
        try:
            yield process
        finally:
            process.stdin.close()
            process.wait(20)


@pytest.fixture
def host():
    with program() as process:
        yield process


def command(*argv, text="", timeout=20, forgiven=False):
    return [argv, text, timeout, forgiven]


def onhost(*words, text=""):
    return command("onhost", *map(str, words), text=text)


def describe(*runs):
    return json.dumps({"live": "x", "runs": list(runs)})


# --- files ---


@pytest.mark.parametrize("trap", ["symlink", "fifo", "folder"])
def test_a_trap_where_the_draft_of_a_file_would_be_is_not_stepped_into(host, tmp_path, trap):
    mine, file = tmp_path / "mine", tmp_path / "jobs.json"
    mine.write_text("mine")
    draft = tmp_path / "jobs.json.new"
    {"symlink": lambda: draft.symlink_to(mine), "fifo": lambda: os.mkfifo(draft), "folder": draft.mkdir}[trap]()
    assert host.ask(onhost("write", file, "0644", text="told")) == [[0, "", ""]]
    assert (mine.read_text(), file.read_text()) == ("mine", "told")


# --- requests ---


def test_commands_run_in_order_up_to_the_first_that_fails(host, tmp_path):
    path = tmp_path / "said"
    results = host.ask(
        onhost("append", path, text="one\n"), command("false"), onhost("append", path, text="two\n")
    )  # fmt: skip
    assert [status for status, _, _ in results] == [0, 1]
    assert path.read_text() == "one\n"


def test_a_forgiven_failure_lets_the_next_command_run(host):
    results = host.ask(command("false", forgiven=True), command("echo", "on"))
    assert results[1] == [0, "on\n", ""]


def test_a_program_gets_its_input_and_never_a_shell(host):
    assert host.ask(command("cat", text="x" * 200_000))[0][1] == "x" * 200_000
    assert host.ask(command("echo", "$HOME; id"))[0][1] == "$HOME; id\n"


def test_a_program_that_is_not_there_is_an_answer(host):
    ((status, _, said),) = host.ask(command("no-such-program"))
    assert status == 1
    assert "no-such-program" in said


def test_a_program_that_does_not_end_is_ended_with_all_that_it_started(host):
    ((status, _, said),) = host.ask(command("sh", "-c", "echo $$; sleep 600 & sleep 600", timeout=0.5))
    assert (status, said) == (124, "no end after 0 s")
    assert host.ask(command("echo", "on"))[0][1] == "on\n"


def test_nothing_begins_after_its_time(host, tmp_path):
    """Whoever asked has given up by then, and put back the other hosts."""
    host.ask()
    (tmp_path / "live").write_text("old")
    results = host.ask(onhost("rename", tmp_path / "new", tmp_path / "live"), until=host.clock - 3)
    assert results[0][0] == 125
    assert "too late" in results[0][2]
    assert (tmp_path / "live").read_text() == "old"


def test_when_the_connection_ends_the_program_under_way_ends_too():
    with program() as process:
        process.send(command("sh", "-c", "echo $$ >&2; exec sleep 600", timeout=900))
        process.stdin.close()
        process.wait(20)
    assert process.returncode in (0, 1)


# --- files ---


def test_a_file_is_written_with_its_rights_and_leaves_no_draft(host, tmp_path):
    host.ask(onhost("write", tmp_path / "env", "0600", text="A=ä\n"))
    assert (tmp_path / "env").read_text() == "A=ä\n"
    assert (tmp_path / "env").stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / "env"]


def test_a_link_is_led_elsewhere_and_removing_takes_what_is_there(host, tmp_path):
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "file").touch()
    path = tmp_path / "link"
    host.ask(onhost("link", "folder", path), onhost("link", "file", path))
    assert path.readlink() == Path("file")
    results = host.ask(onhost("remove", path, tmp_path / "folder", tmp_path / "nothing"))
    assert results == [[0, "", ""]]
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_full_disk_or_a_missing_right_is_said_in_a_line(host):
    ((status, _, said),) = host.ask(onhost("append", "/dev/full", text="x"))
    assert status == 1
    assert "No space left" in said


# --- backups ---


def test_a_backup_is_all_that_a_program_printed_and_nobody_elses_to_read(host, tmp_path):
    path = tmp_path / "1.gz"
    assert host.ask(onhost("save", path, 20, "head", "-c", 300_000, "/dev/zero")) == [[0, "300000 bytes", ""]]
    assert path.stat().st_size == 300_000
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("seconds", [20, 0.5])
def test_a_backup_that_fails_or_does_not_end_leaves_no_file_and_the_former_one(host, tmp_path, seconds):
    path = tmp_path / "1.gz"
    path.write_text("former")
    failing = "echo half; echo why >&2; " + ("exit 3" if seconds > 1 else "sleep 600")
    ((status, _, said),) = host.ask(onhost("save", path, seconds, "sh", "-c", failing))
    assert (status, said) == (1, "why" if seconds > 1 else "no end after 0 s")
    assert path.read_text() == "former"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_makes_no_backup(host):
    ((status, _, said),) = host.ask(onhost("save", "/dev/full/1.gz", 20, "echo", "x"))
    assert status == 1
    assert "/dev/full/1.gz.new" in said


def test_a_restore_reads_the_whole_file_and_tells_what_failed(host, tmp_path):
    path = tmp_path / "1.gz"
    path.write_bytes(b"x" * 300_000)
    assert host.ask(onhost("feed", path, 20, "wc", "-c")) == [[0, "300000\n", ""]]
    assert host.ask(onhost("feed", path, 20, "sh", "-c", "echo torn >&2; exit 1")) == [[1, "", "torn"]]
    ((status, _, said),) = host.ask(onhost("feed", tmp_path / "none", 20, "cat"))
    assert (status, "No such file" in said) == (1, True)


# --- tables ---


def test_a_table_leads_every_bucket_to_its_release(host, tmp_path):
    host.ask(
        onhost("table", tmp_path, 7, text=describe(["releases/a@0", 900], ["releases/b@1", 50], ["releases/a@0", 50]))
    )
    table = tmp_path / "routes" / "7"
    leads = [(table / f"{bucket:03d}").readlink().name for bucket in range(BUCKETS)]
    assert (leads.count("a@0"), leads.count("b@1")) == (950, 50)
    assert leads[899:901] == ["a@0", "b@1"]
    assert leads[949:951] == ["b@1", "a@0"]
    assert (tmp_path / "live.new").readlink() == Path("routes/7")
    assert not (tmp_path / "routes" / "7.new").exists()


def test_what_a_killed_writer_left_is_written_over(host, tmp_path):
    (tmp_path / "routes" / "7.new").mkdir(parents=True)
    (tmp_path / "routes" / "7.new" / "000").touch()
    (tmp_path / "live.new").symlink_to("routes/3")
    host.ask(onhost("table", tmp_path, 7, text=describe(["nothing", 1000])))
    assert (tmp_path / "live.new").readlink() == Path("routes/7")


# --- what processes are told of it ---

OLD, NEW, CONTROL = (f"2026.11.22.12.0{n}" for n in (1, 2, 3))


def flip(host, home, number, **arms):
    """Make a table live that has these releases; returns what the versions are told."""
    text = json.dumps({"runs": [["nothing", 1000]], **arms})
    results = host.ask(onhost("table", home, number, text=text), onhost("flip", home / "live.new", home / "live"))
    assert [status for status, _, _ in results] == [0, 0]
    assert (home / "live").readlink() == Path(f"routes/{number}")
    return told(home)


def told(home):
    return {path.name: path.read_text() for path in (home / "arms").iterdir()}


def test_each_version_of_the_live_table_is_told_its_arm_and_no_other_has_one(host, tmp_path):
    (tmp_path / "arms").mkdir()
    assert flip(host, tmp_path, 1, live=None) == {}
    assert flip(host, tmp_path, 2, live=f"{OLD}@0", canary=None) == {OLD: "live"}
    trial = {OLD: "live", NEW: "canary", CONTROL: "control"}
    assert flip(host, tmp_path, 3, live=f"{OLD}@0", canary=f"{NEW}@1", control=f"{CONTROL}@2") == trial
    assert flip(host, tmp_path, 4, live=f"{NEW}@1", canary=None, control=None) == {NEW: "live"}


def test_another_user_can_read_which_arm_it_is(host, tmp_path):
    (tmp_path / "arms").mkdir()
    flip(host, tmp_path, 1, live=f"{OLD}@0")
    assert (tmp_path / "arms" / OLD).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "trouble",
    [
        lambda home: None,
        lambda home: (home / "arms").write_text("in the way"),
        lambda home: (home / "arms" / ".new").mkdir(parents=True),
        lambda home: (home / "arms" / OLD).mkdir(parents=True),
    ],
)
def test_a_flip_succeeds_where_nobody_can_be_told(host, tmp_path, trouble):
    trouble(tmp_path)
    table = onhost("table", tmp_path, 1, text=json.dumps({"live": f"{OLD}@0", "runs": [["nothing", 1000]]}))
    assert host.ask(table, onhost("flip", tmp_path / "live.new", tmp_path / "live"))[1] == [0, "", ""]
    assert (tmp_path / "live").readlink() == Path("routes/1")


@pytest.mark.parametrize("text", ["", "[]", '{"live": ["x"]}', '{"live": "../../lock@0"}', '{"live": 1}'])
def test_a_torn_table_keeps_nobody_from_the_lock(host, tmp_path, text):
    (tmp_path / "arms").mkdir()
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "table.json").write_text(text)
    assert host.ask(lock(tmp_path, "ana")) == [[0, "", ""]]
    assert {path.name for path in tmp_path.iterdir()} == {"arms", "live", "lock"}


def test_what_a_killed_flip_left_untold_is_told_by_whoever_takes_the_lock(host, tmp_path):
    (tmp_path / "arms").mkdir()
    flip(host, tmp_path, 1, live=f"{OLD}@0", canary=f"{NEW}@1")
    (tmp_path / "routes" / "2").mkdir()
    (tmp_path / "routes" / "2" / "table.json").write_text(json.dumps({"live": f"{NEW}@1"}))
    (tmp_path / "next").symlink_to("routes/2")
    (tmp_path / "next").rename(tmp_path / "live")
    (tmp_path / "arms" / ".new").write_text("li")
    assert host.ask(lock(tmp_path, "ana")) == [[0, "", ""]]
    assert told(tmp_path) == {NEW: "live"}


def test_who_is_told_already_is_not_told_again(host, tmp_path):
    (tmp_path / "arms").mkdir()
    flip(host, tmp_path, 1, live=f"{OLD}@0")
    before = (tmp_path / "arms" / OLD).stat().st_ino
    assert host.ask(lock(tmp_path, "ana")) == [[0, "", ""]]
    assert (tmp_path / "arms" / OLD).stat().st_ino == before


# --- the lock ---


def lock(folder, who, number=1):
    return onhost("lock", folder, json.dumps({"who": who, "id": number}))


def test_the_second_one_is_told_who_has_the_lock_and_gets_it_when_the_first_is_killed(tmp_path):
    with program() as ana, program() as ben:
        assert ana.ask(lock(tmp_path, "ana"))[0][0] == 0
        ((status, _, said),) = ben.ask(lock(tmp_path, "ben"), command("echo", "not reached"))
        assert status == 1
        assert json.loads(said)["holder"]["who"] == "ana"
        ana.kill()
        ana.wait(10)
        assert ben.ask(lock(tmp_path, "ben"))[0][0] == 0


def test_whoever_comes_back_after_a_broken_connection_has_the_lock_still(tmp_path):
    with program() as first, program() as again, program() as another:
        assert first.ask(lock(tmp_path, "ana", 1))[0][0] == 0
        assert again.ask(lock(tmp_path, "ana", 1))[0][0] == 0
        assert another.ask(lock(tmp_path, "ana", 2))[0][0] == 1


def test_the_lock_is_held_until_the_work_under_way_has_ended(tmp_path):
    """The next one must not begin beside what a killed command left running."""
    slow = "trap 'sleep 1; exit' TERM; echo begun > began; while :; do sleep 0.05; done"
    with program() as first, program() as second:
        first.ask(lock(tmp_path, "ana"))
        first.send(command("sh", "-c", f"cd {tmp_path}; {slow}", timeout=600))
        wait_until((tmp_path / "began").exists)
        first.stdin.close()
        assert second.ask(lock(tmp_path, "ben"))[0][0] == 1
        first.wait(20)
        assert second.ask(lock(tmp_path, "ben"))[0][0] == 0


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_line_after_a_torn_one_is_a_line_of_its_own(host, tmp_path):
    log = tmp_path / "audit.jsonl"
    log.write_text('{"what": "torn')
    assert host.ask(onhost("append", str(log), text='{"what": "whole"}\n'))[0][0] == 0
    assert log.read_text().splitlines() == ['{"what": "torn', '{"what": "whole"}']


@pytest.mark.parametrize(
    "torn", ["", "{", '{"who', '{"who": ', '{"who": "an', '{"who": "ana"', "[1,", "tru", "-", '{"a" 1}', "\x01"]
)
def test_a_torn_file_is_no_answer_and_no_failure_either(host, tmp_path, torn):
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(torn)
        lock.flush()
        ((code, _, said),) = host.ask(onhost("lock", str(tmp_path), '{"who": "ben"}'))
    assert (code, json.loads(said)) == (1, {"holder": {}})


# --- requests that a change lost ---


def request(status=200, answered="0.004", forced=0, at=None, **more):
    found = {"time": time.time() + 60 if at is None else at, "status": status, "answered": answered, "forced": forced}
    return json.dumps(found | more) + "\n"


def marked(host, log):
    ((status, mark, _),) = host.ask(onhost("mark", log))
    assert status == 0
    return mark


def counted(host, log, mark):
    ((status, said, err),) = host.ask(onhost("lost", log, mark, "0.01"))
    assert status == 0, err
    return json.loads(said)


def test_what_nginx_answered_itself_is_lost_and_what_the_app_answered_is_not(host, tmp_path):
    log = tmp_path / "app1.log"
    log.write_text(request(502, "-"))
    mark = marked(host, log)
    with log.open("a") as out:
        out.write(request() + request(500) + request(503, "0.002") + request(404, "-") + request(499, "-"))
        out.write(request(502, "-") + request(504, "-, -") + request(503, "") + request(502, "-", forced=1))
        out.write("\x00 no JSON\n[1]\n" + request(502, at=0) + '{"time": 99999999999, "forced": 0, "status": "torn')
    assert counted(host, log, mark) == {"requests": 8, "lost": 3}


def test_a_log_that_is_rotated_meanwhile_is_counted_to_its_end(host, tmp_path):
    log = tmp_path / "app1.log"
    log.write_text(request(502, "-"))
    mark = marked(host, log)
    with log.open("a") as out:
        out.write(request(502, "-"))
    log.rename(f"{log}.1")
    log.write_text(request())
    assert counted(host, log, mark) == {"requests": 2, "lost": 1}


def test_a_log_that_was_rotated_before_is_none_of_it(host, tmp_path):
    log = tmp_path / "app1.log"
    Path(f"{log}.1").write_text(request(502, "-"))
    mark = marked(host, log)
    log.write_text(request())
    assert counted(host, log, mark) == {"requests": 1, "lost": 0}
