"""git on this machine: it asks nobody for anything, and knows nothing of the repository of whoever called us."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
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
LEFT = "packed-refs.new"
"""What git makes to hold up another one, beside files whose names end in .lock, as no branch's name can."""
PATIENCE = 5.0
"""Seconds that a git that still runs in a repository is waited for, where such files are there."""


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

    What a git left that was killed goes first: a repository half made, and lock files of git's own.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with alone(folder.with_suffix(".lock"), who, waiting):
        if not all((folder / one).exists() for one in WHOLE):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(exist_ok=True)
            run(folder, "init", "--quiet", "--bare")
        _heal(folder)
        yield


def _heal(repository: Path) -> None:
    """Remove lock files of git's that nobody holds: only under our lock does git write here.

    But a git outlives whoever was killed over it, and its gc goes on by itself. Where one runs, they may be its own.
    """
    left = [Path(here, name) for here, _, files in os.walk(repository) for name in files if name.endswith(".lock")]
    if (repository / LEFT).exists():
        left.append(repository / LEFT)
    until = time.monotonic() + PATIENCE
    while left and _runs_in(repository):
        if time.monotonic() > until:
            return
        time.sleep(0.1)
    for one in left:
        one.unlink(missing_ok=True)


def _runs_in(repository: Path) -> bool:
    """Whether a git of ours runs in a repository: git goes to its folder, and so does all that git starts."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended, or is another user's, who can't write here
            if (process / "comm").read_bytes().startswith(b"git") and (process / "cwd").samefile(repository):
                return True
    return False


def _environment() -> Mapping[str, str]:
    own = {name: value for name, value in os.environ.items() if name not in LOCAL}
    # A remote that wants a password gets none, instead of a command that waits for a person.
    return {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes", **own}
