"""git on this machine: it asks nobody for anything, and knows nothing of the repository of whoever called us."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..errors import DeplError
from .alone import alone

LOCAL = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_CONFIG_PARAMETERS",
)  # fmt: skip
"""What git tells a hook of the repository that it runs in."""
SECONDS = 600
WHOLE = ("HEAD", "objects", "refs")
"""What git knows a repository by; the rest it does without."""


def ask(repository: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run git in a repository, to its end, whatever that is; raises DeplError where there is none in time."""
    try:
        return subprocess.run(
            ["git", "-C", str(repository), *words],
            capture_output=True, stdin=subprocess.DEVNULL, env=_environment(), timeout=SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise DeplError(f"git {words[0]} in {repository}: no end after {SECONDS} s") from None


def run(repository: Path, *words: str) -> str:
    """What git prints; raises DeplError. Names and addresses of any encoding: what is no UTF-8 stays as it is."""
    done = ask(repository, *words)
    if done.returncode:
        raise DeplError(f"git {words[0]} in {repository}: {done.stderr.decode(errors='replace').strip()[:300]}")
    return done.stdout.decode(errors="surrogateescape")


@contextmanager
def bare(folder: Path, who: str, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold a bare repository until the end, made where none is; `waiting` is told who has it.

    What somebody left who was killed on making it goes first, such as a lock of git's own.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with alone(folder.with_suffix(".lock"), who, waiting):
        if not all((folder / one).exists() for one in WHOLE):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(exist_ok=True)
            run(folder, "init", "--quiet", "--bare")
        yield


def _environment() -> Mapping[str, str]:
    own = {name: value for name, value in os.environ.items() if name not in LOCAL}
    # A remote that wants a password gets none, instead of a command that waits for a person.
    return {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes", **own}
