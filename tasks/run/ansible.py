"""Ansible, for bootstrapping only."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

from ..errors import StepFailed
from .settings import PROJECT


def play(playbook: str, environment: str, *, check: bool) -> None:
    """Run a bootstrap playbook, its output passed through; `check` only says what would change."""
    script = PROJECT / "conf" / "ansible" / "bootstrap"
    argv = [str(script), playbook, *(("--check", "--diff") if check else ())]
    code = _shown(argv, {**os.environ, "DEPL_ENVIRONMENT": environment})
    if code:
        raise StepFailed(
            f"bootstrap {playbook} ended with {code}; Ansible's report above says where.\n"
            f"It can be repeated: inv bootstrap --only {playbook}"
        )


def _shown(argv: list[str], environment: dict[str, str]) -> int:
    """Run a program that writes to the terminal itself; where there is none, its lines become lines of ours."""
    if sys.stdout.isatty():
        return subprocess.run(argv, env=environment, check=False).returncode
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as lines, ThreadPoolExecutor(1) as pool:
        copied = pool.submit(_copy, lines)
        try:
            done = subprocess.run(
                argv, env=environment, check=False,
                stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.STDOUT,
            )  # fmt: skip
        finally:
            os.close(writing)
        copied.result()
    return done.returncode


def _copy(lines: BinaryIO) -> None:
    for line in lines:
        print(line.decode(errors="replace"), end="", flush=True)
