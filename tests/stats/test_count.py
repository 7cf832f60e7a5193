"""The program that counts on hosts: exact beside a count by hand, through rotations, torn lines, kills and company."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.stats import merge
from tasks.stats.counts import Trouble

from .lines import (
    ASKED,
    BEGAN,
    CANARY,
    LIVE,
    PROGRAM,
    ROUTED,
    Host,
    by_hand,
    end,
    line,
    loaded,
    of,
    question,
    some,
    start,
    text,
    touch,
)


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path / "host")


@pytest.mark.parametrize("seed", range(3))
def test_all_is_counted_exactly(host, seed):
    lines = some(5000, seed)
    host.write(text(lines))
    assert of(host.count()) == by_hand(lines)


def test_users_count_where_the_arm_is_the_one_that_their_bucket_has(host):
    lines = some(5000)
    host.write(text(lines))
    found = of(host.count(ROUTED))
    assert found == by_hand(lines, ROUTED)
    assert found[0] != by_hand(lines)[0], "some lines are of hosts that had not changed their tables yet"


def test_a_line_without_a_bucket_is_a_request_and_no_user(host):
    host.write(text([line(bucket=bucket) for bucket in ("", "x", None)]))
    firsts, requests, _ = of(host.count(ROUTED))
    assert not firsts
    assert requests[0, 0][0] == 3


def test_nothing_is_counted_after_the_end(host):
    lines = some(5000)
    ended = replace(ASKED, ended=BEGAN + 333.25)
    host.write(text(lines))
    assert of(host.count(ended)) == by_hand(lines, ended)


def test_looks_on_the_way_change_nothing_through_rotations_and_torn_lines(host):
    lines, chance = some(6000), random.Random(7)
    content, at = text(lines), 0
    while at < len(content):
        more = chance.randrange(1, 90_000)
        host.write(content[at : at + more])
        at += more
        seen = host.count()
        if chance.random() < 0.4 and content[:at].endswith(b"\n"):
            host.rotate()
    assert of(host.count()) == by_hand(lines)
    assert seen.trouble == Trouble()


def test_what_is_in_a_rotated_log_only_is_counted_once(host):
    lines = some(900)
    host.write(text(lines[:300]))
    host.look()
    host.write(text(lines[300:600]))
    host.rotate()
    host.write(text(lines[600:]))
    assert of(host.count()) == by_hand(lines)
    host.rotate()
    host.write(b"")
    assert of(host.count()) == by_hand(lines)


@pytest.mark.parametrize("step", ["open", "glob"])
def test_a_rotation_in_the_midst_of_a_look_counts_everything_once(host, monkeypatch, step):
    lines, program = some(900), loaded()
    host.write(text(lines[:300]))
    host.rotate()
    host.write(text(lines[300:600]))
    host.look()
    host.write(text(lines[600:]))
    if step == "open":
        monkeypatch.setattr(program, "open", host.rotate_once(open), raising=False)
    else:
        monkeypatch.setattr(program.glob, "glob", host.rotate_once(program.glob.glob))
    told = program.answer(question(**host.where()))
    assert of(merge.counts([merge.parse("host", told)], ASKED, 30)) == by_hand(lines)
    assert of(host.count()) == by_hand(lines)


def test_a_new_log_with_the_inode_of_a_removed_one_is_read_from_its_beginning(host):
    first, second = some(400, 1), some(500, 2)
    host.write(text(first))
    host.look()
    content = text(second)
    with host.log.open("r+b") as same:
        same.truncate()
        same.write(content)
    assert of(host.count()) == by_hand(first + second)


def test_logs_older_than_the_rollout_are_left_alone(host):
    host.write(b"rubbish\n")
    touch(host.log, BEGAN - 1)
    host.rotate()
    host.write(text([line()]))
    assert host.count().trouble == Trouble()


HOSTILE = [
    b"garbage", b"{", b"{}", b"[]", b"null", b"5", b"\0\0\0", b"[" * 100_000, b'{"a":' * 30_000, b"x" * 1_000_000,
    text([line(path="x" * 1_000_000)])[:-1], text([line()])[:50], text([line()])[:-1] * 2,
    text([line(time=float("nan"))])[:-1], text([line(time=1e999)])[:-1], text([line(request_time=float("nan"))])[:-1],
    text([line(time=[1], status={"y": []})])[:-1], text([line(time=-5)])[:-1], text([line(time=4e9)])[:-1],
    text([line(status="many")])[:-1], text([line(status=-200)])[:-1], text([line(user="short")])[:-1],
    text([line(bytes=-1)])[:-1], text([line(bytes=2**62)])[:-1], text([line(request_time=-1)])[:-1],
    text([line(new=7)])[:-1], text([line(version=None)])[:-1], text([line(user=None)])[:-1], b'{"time":000}',
]  # fmt: skip


def test_hostile_lines_are_counted_as_unreadable_and_end_nothing(host):
    lines = some(2000)
    good = text(lines).splitlines(keepends=True)
    mixed = good + [one + b"\n" for one in HOSTILE]
    random.Random(3).shuffle(mixed)
    host.write(b"".join(mixed))
    found = host.count()
    assert of(found) == by_hand(lines)
    assert found.trouble == Trouble(unreadable=len(HOSTILE))


def test_millions_of_lines_of_rubbish_end_nothing(host):
    lines = some(500)
    host.write(b"x\n" * 3_000_000 + text(lines) + b"{}\n" * 1_000_000)
    found = host.count()
    assert of(found) == by_hand(lines)
    assert found.trouble == Trouble(unreadable=4_000_000)


def test_bytes_that_are_no_text_cost_nobody_a_line(host):
    """nginx writes a path's bytes as they came; only quotes, backslashes and control characters are escaped."""
    lines = [line(path="/\N{REPLACEMENT CHARACTER}", time=BEGAN + place) for place in range(20)]
    host.write(text(lines).replace("\N{REPLACEMENT CHARACTER}".encode(), b"\xff\xfe\x80"))
    found = host.count()
    assert of(found) == by_hand(lines)
    assert found.trouble == Trouble()


def test_the_first_of_two_keys_counts(host):
    host.write(text([line()]).replace(b'"status":200', b'"status":500,"status":200'))
    assert host.count().errors() == (1, 0, 0)


def test_other_apps_lines_are_told_and_not_counted(host):
    host.write(text([line(), line(app="other"), line(app="app10")]))
    found = host.count()
    assert found.requests() == (1, 0, 0)
    assert found.trouble == Trouble(foreign=2)


def test_a_line_is_counted_when_it_is_whole(host):
    whole = text([line()])
    for part in (whole[:30], whole[30:-1]):
        host.write(part)
        assert not host.count().ticks
    host.write(b"\n")
    assert host.count().requests() == (1, 0, 0)


def test_a_look_that_is_killed_has_counted_nothing_and_the_next_counts_all(host):
    lines = some(40_000)
    content = text(lines)
    half = content.index(b"\n", len(content) // 2) + 1
    host.write(content[:half])
    host.look()
    host.write(content[half:])
    for wait in (0.05, 0.15, 0.25, 0.35, 0.5):
        process = start(**host.where())
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert of(host.count()) == by_hand(lines)


def test_looks_at_the_same_time_count_everything_once(host):
    lines = some(20_000)
    host.write(text(lines))
    together = [start(**host.where()) for _ in range(4)]
    for process in together:
        assert of(merge.counts([end(process)], ASKED, 30)) == by_hand(lines)
    assert of(host.count()) == by_hand(lines)


def test_a_lost_or_broken_memory_is_made_anew(host):
    lines = some(500)
    host.write(text(lines))
    host.look()
    folder = host.home / "statistics" / "key"
    (folder / "state.json").write_text("{")
    assert of(host.count()) == by_hand(lines)
    for table in folder.glob("users.*"):
        table.unlink()
    assert of(host.count()) == by_hand(lines)


def test_an_older_rollouts_counts_are_removed_when_there_are_many(host):
    host.write(text([line()]))
    folders = [host.home / "statistics" / str(key) for key in range(8)]
    for place, folder in enumerate(folders[:7]):
        end(start(log=f"{host.log}*", folder=str(folder)))
        touch(folder, time.time() - (8 - place) * 86400 + 3600)
    end(start(log=f"{host.log}*", folder=str(folders[7])))
    assert sorted(folders[0].parent.iterdir()) == folders[1:], "one was looked at a week ago"


def test_counts_that_are_looked_at_stay_also_where_nothing_was_new(host):
    host.write(text([line()]))
    host.look()
    folder = host.home / "statistics" / "key"
    touch(folder, BEGAN)
    for other in range(6):
        end(start(log=f"{host.log}*", folder=str(folder.parent / str(other))))
        host.look()
    assert folder.exists()


def test_what_ended_is_counted_once_and_stays(host):
    lines = some(2000)
    ended = replace(ASKED, ended=BEGAN + 333.25)
    host.write(text(lines))
    first = host.look(ended)
    host.write(b"rubbish\n" + text([line()]))
    assert replace(host.look(ended), until=first.until) == first


def test_the_log_is_read_to_the_end_of_what_ended_since_the_last_look(host):
    lines = some(2000)
    host.write(text(lines[:500]))
    host.look()
    host.write(text(lines[500:]))
    ended = replace(ASKED, ended=time.time())
    assert of(host.count(ended)) == by_hand(lines)
    host.write(text([line()]))
    assert of(host.count(ended)) == by_hand([*lines, line()]), "a line may come a moment after its time"


def rotated(host, *parts):
    """The logs anew, one rotated for each part but the last."""
    for place, part in enumerate(parts):
        if place:
            host.rotate()
        host.write(text(part))


def test_lines_that_were_removed_before_a_look_are_told(host):
    rotated(host, [line(time=BEGAN + 50)], [line(time=BEGAN + 90)])
    found = host.count()
    assert found.trouble == Trouble(lost_before=BEGAN + 50)
    host.write(text([line(time=BEGAN + 95)]))
    assert host.count().trouble == Trouble(lost_before=BEGAN + 50)


def test_lines_that_were_removed_between_two_looks_are_told(host):
    host.write(text([line()]))
    host.look()
    for log in host.home.glob("*.log*"):
        log.unlink()
    now = round(time.time())
    rotated(host, [line(time=now + 5)], [line(time=now + 9)])
    assert host.count().trouble == Trouble(lost_before=now + 5)


@pytest.mark.parametrize(
    "parts",
    [([line(time=BEGAN + 50)],), ([line(time=BEGAN - 1)], [line(time=BEGAN + 50)]), ([{}], [line(time=BEGAN + 50)])],
    ids=["one log", "older lines are there", "no time to be read"],
)
def test_lines_that_nobody_lost_are_not_missed(host, parts):
    rotated(host, *parts)
    assert host.count().trouble.lost_before == 0


def test_logs_of_before_show_that_nothing_is_lost(host):
    rotated(host, [line(time=BEGAN - 50)], [line(time=BEGAN + 50)])
    touch(Path(f"{host.log}.1"), BEGAN - 50)
    assert host.count().trouble == Trouble()


def test_a_host_without_duckdb_is_told_what_to_do(host):
    host.write(text([line()]))
    asked = {**question(**host.where()), "engine": "/usr/local/lib/depl/duckdb-9"}
    program = [sys.executable, "-I", "-S", str(PROGRAM)]
    done = subprocess.run(program, input=json.dumps(asked).encode(), capture_output=True, check=False)
    said = "DuckDB is missing: /usr/local/lib/depl/duckdb-9; put it there: inv bootstrap --only appserver"
    assert (done.returncode, done.stderr.decode().splitlines()) == (1, [said])


def test_users_first_times_count_in_their_arm_only(host):
    """Who fails with the live version, and later with the canary, is one failing user, of live."""
    host.write(text([line(status=500), line(time=BEGAN + 90, version=CANARY, status=500), line(version=LIVE)]))
    assert host.count().users("failing") == (1, 0, 0)
