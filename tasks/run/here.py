"""Run a program of templates/ on this machine, as hosts run it."""

from __future__ import annotations

import subprocess
import sys

from ..commands import Argv
from ..errors import BadInput, one_line


def answer(argv: Argv, given: bytes) -> bytes:
    """What a Python program prints; raises BadInput with the last line of what it says when it fails."""
    own = [sys.executable, *argv[1:]]
    done = subprocess.run(own, input=given, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit status {done.returncode}"]
        raise BadInput(one_line(said[-1])[:300])
    return done.stdout
