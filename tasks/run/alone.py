"""One at a time on this machine, or some beside each other and no other: lock files that go with who holds them."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..errors import DeplError


@contextmanager
def alone(path: Path, who: str, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold a lock file until the end. Where somebody else has it, `waiting` is told who, and it is waited for."""
    with _taken(path, fcntl.LOCK_EX, waiting) as lock:
        lock.truncate(0)
        lock.write(json.dumps({"who": who, "pid": os.getpid()}))
        lock.flush()
        yield


@contextmanager
def together(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock file beside all who do so too. Where somebody has it alone, that is told, and waited for."""
    with _taken(path, fcntl.LOCK_SH, lambda _: waiting()):
        yield


def forget(path: Path) -> None:
    """Remove a lock file, in the end of what was done under it; whoever waits for it takes another one."""
    path.unlink(missing_ok=True)


def _taken(path: Path, kind: int, waiting: Callable[[str], None]) -> IO[str]:
    if not os.access(path.parent, os.W_OK):
        raise DeplError(
            f"{path.parent} can't be written to; builds keep wheels there.\nMake it: inv bootstrap --only deploy"
        )
    while True:
        lock = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            waiting(lock.read().strip())
            fcntl.flock(lock, kind)
        # Whoever had it may have removed it in the end: then others lock another file of that name.
        if _is(path, lock):
            return lock
        lock.close()


def _is(path: Path, lock: IO[str]) -> bool:
    """Whether the file of that name is still the one that was locked."""
    try:
        return os.path.samestat(path.stat(), os.fstat(lock.fileno()))
    except FileNotFoundError:
        return False
