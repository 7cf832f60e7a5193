"""Run `inv`, and a command of the test's at an exact point of it: before a phase begins, or after it has ended.

    at_phase.py before|after PHASE COMMAND WORD…

Runs on the deploy host, in a copy of the project. The command is a line for the shell.
"""

import subprocess
import sys
from contextlib import contextmanager

sys.path.insert(0, ".")

from tasks.main import program
from tasks.run.report import Report

WHEN, PHASE, COMMAND, *WORDS = sys.argv[1:]
original = Report.phase


@contextmanager
def phase(self, name):
    def now(when):
        if (when, name) == (WHEN, PHASE):
            subprocess.run(COMMAND, shell=True, check=True)

    now("before")
    with original(self, name) as progress:
        yield progress
    now("after")


Report.phase = phase
program.run(["inv", *WORDS])
