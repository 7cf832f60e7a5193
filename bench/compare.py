"""How long a host takes to count two million log lines: python -m bench.compare [RUNS]. Writes build/bench/compare.json.

The program is the one that hosts run, asked as `inv compare` asks it, with thresholds and a goal. Times are from its
start to its end; the log is in the page cache. `peak_mb` is what the process ever had in memory, and the files in
memory that it fills beside that. The log is made anew, and removed afterwards. Before each run
it waits a while for others to leave the cores alone.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tasks.model.rollout import Goal, Thresholds
from tasks.stats.collect import question_for
from tasks.stats.queries import Asked

from . import hosts
from .fleet import settle

LINES, MORE, AT_ONCE = 2_000_000, 5_000, 50_000
USERS = 100_000
BEGAN = 1_763_900_000.0
LIVE, CANARY = "2026.11.21.18.30", "2026.11.22.12.05"
ASKED = Asked(
    "app1",
    (LIVE, CANARY),
    (BEGAN, BEGAN + 600),
    slow=Thresholds(0.03, 0.12, 0.2),
    goals={"bought": Goal(path="/buy/*")},
)
PROGRAM = hosts.PROJECT / "templates" / "host" / "count.py"
LINE = (
    '{"time":%.3f,"app":"app1","version":"%s","bucket":"%03d","user":"%s","new":%d,"forced":0,"method":"GET",'
    '"path":"%s","status":%d,"request_time":%.3f,"upstream_time":"%.3f","goal":"","bytes":%d}\n'
)


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    hosts.RESULTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=hosts.RESULTS) as folder:
        log = Path(folder) / "depl-app1.log"
        made = lines()
        size = write(log, made, LINES)
        found = [measure(Path(folder), log, made, run) for run in range(runs)]
    firsts, seconds, cpu, peaks = zip(*found, strict=True)
    result = {
        "lines": LINES,
        "seconds": round(statistics.median(firsts), 2),
        "peak_mb": round(max(peaks)),
        "second_look_seconds": round(statistics.median(seconds), 2),
        "seconds_all": [round(one, 2) for one in firsts],
        "cpu_seconds": round(statistics.median(cpu), 2),
        "log_mb": round(size / 1e6),
        "date": time.strftime("%Y-%m-%d"),
    }
    hosts.save("compare", result)
    hosts.table(["", *list(result)[:4]], [["one host", *(str(one) for one in list(result.values())[:4])]])


def lines() -> Iterator[str]:
    """Requests of so many users, some of whom come often, a thousand a second."""
    chance, number = random.Random(5), 0
    users = [f"{chance.getrandbits(128):032x}" for _ in range(USERS)]
    while True:
        number += 1
        place = int(chance.random() ** 2 * USERS)
        bucket = place % 1000
        took = chance.lognormvariate(-3.5, 0.8)
        yield LINE % (
            BEGAN + number / 1000, CANARY if bucket < 50 else LIVE, bucket, users[place], chance.random() < 0.1,
            f"/buy/{place}" if chance.random() < 0.02 else f"/items/{chance.randrange(100_000)}",
            500 if chance.random() < 0.003 else 200, took, took, chance.randrange(300, 20_000),
        )  # fmt: skip


def write(log: Path, made: Iterator[str], number: int) -> int:
    """Append so many lines; returns the log's size in bytes."""
    with log.open("a") as out:
        for _ in range(0, number, AT_ONCE):
            out.write("".join(next(made) for _ in range(min(number, AT_ONCE))))
    return log.stat().st_size


def measure(folder: Path, log: Path, made: Iterator[str], run: int) -> tuple[float, float, float, float]:
    """Seconds of the first look and of the second one, of CPU that the first one took, and MB at most."""
    question = question_for(ASKED, until=BEGAN + 3600, log=f"{log}*", folder=f"{folder}/statistics/{run}")
    size = log.stat().st_size
    warm(log)
    others = settle()
    first, cpu, peak = look(question)
    write(log, made, MORE)
    second, _, _ = look(question)
    os.truncate(log, size)
    print(
        f"  first look {first:.2f} s ({cpu:.2f} s of CPU), second {second:.2f} s, {peak:.0f} MB, busy before {others:.0f} %",
        flush=True,
    )
    return first, second, cpu, peak


def warm(log: Path) -> None:
    """Have a file in the page cache. Not in our memory: a child's peak would begin with ours."""
    with log.open("rb") as file:
        while file.read(1 << 20):
            pass


def look(question: object) -> tuple[float, float, float]:
    """Run the program once; returns its seconds, those of CPU, and its memory in MB."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
        given.write(json.dumps({**dict(question), "engine": ""}).encode())  # type: ignore[call-overload]
        given.seek(0)
        began = time.monotonic()
        process = subprocess.Popen([sys.executable, "-I", str(PROGRAM)], stdin=given, stdout=said)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit("the program failed")
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
