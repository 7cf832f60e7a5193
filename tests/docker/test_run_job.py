"""What runs a job's command at its times: each time once, whoever is at work, and none while a run is under way."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "templates" / "docker" / "run_job.py"
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC).timestamp()
MINUTE = 60


def module():
    spec = importlib.util.spec_from_file_location("run_job", PROGRAM)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


job = module()


@pytest.fixture
def claims(tmp_path):
    there = job.Claims(tmp_path, "nightly")
    there.begin(NOON)
    return there


# --- times ---


@pytest.mark.parametrize(
    ("schedule", "now", "latest", "upcoming"),
    [
        ("* * * * *", NOON, NOON, NOON + MINUTE),
        ("* * * * *", NOON + 59.9, NOON, NOON + MINUTE),
        ("*/5 * * * *", NOON - 0.1, NOON - 5 * MINUTE, NOON),
        ("0 12 * * SUN", NOON + 1, NOON, NOON + 7 * 86400),
        ("0 12 22 * MON", NOON + 1, NOON, NOON + 86400),  # either day will do: so does Debian's cron
    ],
)
def test_times_are_those_of_cron(schedule, now, latest, upcoming):
    assert (job.latest(schedule, now), job.upcoming(schedule, now)) == (latest, upcoming)


def test_what_was_due_while_nobody_was_at_work_is_run_unless_it_is_long_ago():
    assert job.due("0 12 * * *", NOON - 86400, NOON + job.LATE - 1) == NOON
    assert job.due("0 12 * * *", NOON - 86400, NOON + job.LATE + 1) is None
    assert job.due("* * * * *", NOON - 300, NOON + 1) == NOON, "the newest of them, once"


def test_a_claimed_time_is_not_due():
    assert job.due("* * * * *", NOON, NOON + 59) is None
    assert job.due("* * * * *", NOON, NOON + 60) == NOON + 60


def test_a_clock_that_is_set_back_runs_nothing_twice_unless_it_was_far_off():
    assert job.due("* * * * *", NOON, NOON - 3600) is None
    assert job.due("* * * * *", NOON + 86400, NOON) == NOON


# --- claims ---


def test_a_time_is_claimed_once_whoever_asks(claims):
    other = job.Claims(claims.path.parent, "nightly")
    run = claims.claim(NOON + MINUTE, NOON + MINUTE)
    assert run
    assert other.claim(NOON + MINUTE, NOON + MINUTE) is None
    claims.end(run, 0, 1.5, NOON + 62)
    assert other.claim(NOON + MINUTE, NOON + 63) is None
    found = other.read()
    assert (found["claimed"], found["exit"], found["seconds"], found["ended"]) == (NOON + 60, 0, 1.5, NOON + 62)
    assert "skipped" not in found


def test_what_comes_due_while_a_run_is_under_way_is_skipped_and_told(claims, capsys):
    run = claims.claim(NOON + MINUTE, NOON + MINUTE)
    assert claims.claim(NOON + 2 * MINUTE, NOON + 2 * MINUTE) is None
    assert "the run of 2026-11-22T12:02Z is skipped" in capsys.readouterr().out
    claims.end(run, 3, 90, NOON + 150)
    found = claims.read()
    assert (found["skipped"], found["exit"], found["begun"]) == (1, 3, NOON + MINUTE)
    assert claims.claim(NOON + 2 * MINUTE, NOON + 151) is None, "nobody makes up for it"
    claims.claim(NOON + 3 * MINUTE, NOON + 181).close()


def test_a_run_that_was_killed_keeps_nobody_waiting(claims):
    claims.claim(NOON + MINUTE, NOON + MINUTE).close()
    claims.claim(NOON + 2 * MINUTE, NOON + 2 * MINUTE).close()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"claimed": "never"}', '{"claimed": null}'])
def test_a_torn_file_of_claims_begins_anew_and_runs_nothing_of_before(claims, text):
    claims.path.write_text(text)
    assert claims.begin(NOON + 30) == NOON + 30


def test_a_full_disk_runs_nothing_that_it_can_not_claim(claims, capsys, monkeypatch):
    def full(record):
        raise OSError(28, "No space left on device", "nightly.new")

    monkeypatch.setattr(claims, "_write", full)
    assert job.begin(["false"], claims, NOON + MINUTE) is None
    assert "nightly.new: No space left on device" in capsys.readouterr().out


# --- the program itself ---


def start(folder, *command, name="nightly", schedule="* * * * *"):
    """The program in its own process, with its folder elsewhere."""
    code = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[1]); import run_job; "
        "run_job.FOLDER = pathlib.Path(sys.argv[2]); run_job.main(*sys.argv[3:])"
    )
    argv = [sys.executable, "-u", "-c", code, str(PROGRAM.parent), str(folder), name, schedule, *command]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.PIPE)


def was_due(folder, seconds_ago=60):
    """Claims of a runner that was there until a moment ago: the minute that has begun since then is due."""
    claimed = time.time() // 60 * 60 - seconds_ago
    (folder / "nightly.json").write_text(json.dumps({"claimed": claimed}))


def test_a_run_is_told_with_its_exit_code_and_what_it_wrote(tmp_path):
    was_due(tmp_path)
    with start(tmp_path, "sh", "-c", "echo due $DEPL_DUE; exit 3") as process:
        lines = []
        while not lines or "ended" not in lines[-1]:
            lines.append(process.stdout.readline())
        process.terminate()
        assert process.wait(20) == 0
    text = "".join(lines)
    assert re.search(r"begins.*due 20.*ended: exit code 3 after \d+\.\d s", text, re.DOTALL), text
    found = json.loads((tmp_path / "nightly.json").read_text())
    assert f"due {job.stamp(found['claimed'])}\n" in text
    assert (found["exit"], found["claimed"] % 60) == (3, 0)


def test_asked_to_end_it_lets_the_run_under_way_finish(tmp_path):
    was_due(tmp_path)
    work = tmp_path / "work"
    os.mkfifo(work)
    with start(tmp_path, "sh", "-c", f"echo begun; cat {work}; echo finished") as process:
        while "begun" not in process.stdout.readline():
            continue
        process.send_signal(signal.SIGTERM)
        work.write_text("its last work\n")
        rest = process.communicate(timeout=20)[0]
    assert "finished" in rest
    assert "ended: exit code 0" in rest


def test_a_run_gets_signals_as_any_process_does(tmp_path):
    was_due(tmp_path)
    with start(tmp_path, "sh", "-c", "kill -TERM $$; echo survived") as process:
        lines = [process.stdout.readline() for _ in range(3)]
        process.terminate()
        process.wait(20)
    assert "exit code 143" in lines[-1], lines


def test_a_command_that_is_not_there_is_told_at_once(tmp_path):
    with start(tmp_path, "no-such-program") as process:
        said = process.communicate(timeout=20)[0]
    assert process.returncode == 1
    assert said == "depl: 'no-such-program', which is to run at '* * * * *', is no program of this image\n"
    assert not list(tmp_path.iterdir())
