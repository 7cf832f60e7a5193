"""What takes too long is done without."""

import subprocess
import sys
import time

from tasks.run.deadline import all_within, within
from tasks.run.settings import PROJECT


def test_what_is_found_in_time_is_taken():
    assert within(30, lambda: "found", "unknown") == "found"


def test_nobody_waits_for_what_takes_long():
    began = time.monotonic()
    assert within(0.05, lambda: time.sleep(60), "unknown") == "unknown"
    assert time.monotonic() - began < 30


def test_a_process_does_not_wait_at_its_end_for_what_takes_long():
    program = (
        "import time; from tasks.run.deadline import within; print(within(0.05, lambda: time.sleep(3600), 'unknown'))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "unknown\n", "")


def test_of_several_those_in_time_are_taken():
    finds = {"quick": lambda: "found", "slow": lambda: time.sleep(60)}
    assert all_within(1, finds, "unknown") == {"quick": "found", "slow": "unknown"}
