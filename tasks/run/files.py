"""Files on this machine that people name."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import BadConfig, BadInput
from . import settings

STANDARD_INPUT = "-"
_PIECE = 256 * 1024


def matching(pattern: str) -> list[str]:
    """The files of a folder that a pattern such as 'logs/*.log' finds, in order of names; raises BadInput for none."""
    path = Path(pattern).expanduser()
    try:
        found = sorted(str(one) for one in path.parent.glob(path.name) if one.is_file())
    except (ValueError, OSError, NotImplementedError):
        found = []
    if not found:
        raise BadInput(f"{pattern[:80]!r} finds no file.\nNames with a * need quotes: --replay 'logs/*.log'")
    return found


def write(path: str, text: str) -> None:
    """Write a file whole, or leave the former one; raises BadInput."""
    new = Path(f"{path}.new")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path[:80]!r} can't be written: {getattr(error, 'strerror', None) or error}") from None


def of_project(path: str, where: str) -> bytes:
    """The content of a file of the project that the configuration names at `where`; raises BadConfig."""
    try:
        return (settings.PROJECT / path).read_bytes()
    except OSError as error:
        raise BadConfig(where, f"{path} can't be read: {error.strerror}") from None


@dataclass(frozen=True)
class Opened:
    """A file that is read once, piece by piece. `size` in bytes is None where nobody knows before the end."""

    file: BinaryIO
    size: int | None

    def pieces(self, said: Callable[[str], None]) -> Iterator[bytes]:
        """Its content; says after each piece how much was read."""
        done, of = 0, "" if self.size is None else f" of {self.size / 1e6:.0f}"
        while piece := self.file.read(_PIECE):
            yield piece
            done += len(piece)
            said(f"{done / 1e6:.0f}{of} MB")


@contextmanager
def opened(path: str) -> Iterator[Opened]:
    """Open a file that somebody named, '-' for standard input; raises BadInput."""
    if path == STANDARD_INPUT:
        yield Opened(sys.stdin.buffer, None)
        return
    try:
        file = Path(path).expanduser().open("rb")
    except (OSError, ValueError, RuntimeError) as error:
        raise BadInput(f"{path[:80]!r} can't be read: {getattr(error, 'strerror', None) or error}.") from None
    with file:
        about = os.fstat(file.fileno())
        yield Opened(file, about.st_size if stat.S_ISREG(about.st_mode) else None)
