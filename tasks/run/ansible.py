"""Ansible, for bootstrapping only."""

from __future__ import annotations

import os
import subprocess

from ..errors import StepFailed
from .settings import PROJECT


def play(playbook: str, environment: str, *, check: bool) -> None:
    """Run a bootstrap playbook, its output passed through; `check` only says what would change."""
    script = PROJECT / "conf" / "ansible" / "bootstrap"
    argv = [str(script), playbook, *(("--check", "--diff") if check else ())]
    done = subprocess.run(argv, env={**os.environ, "DEPL_ENVIRONMENT": environment}, check=False)
    if done.returncode:
        raise StepFailed(
            f"bootstrap {playbook} ended with {done.returncode}; Ansible's report above says where.\n"
            f"It can be repeated: inv bootstrap --only {playbook}"
        )
