"""A text in an editor: the file lies in memory, belongs to its user alone, and is gone afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from ..errors import BadConfig, BadInput, DeplError, Refused

Checked = TypeVar("Checked")
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it


def edit(text: str, check: Callable[[str], Checked], again: str) -> Checked:
    """Have somebody edit a text; returns what `check` makes of it.

    Where `check` raises BadConfig, a person at a terminal may go on editing; else Refused says to type `again`.
    """
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    try:
        with TemporaryDirectory(prefix="depl-", dir=place) as folder:
            path = Path(folder) / "secrets.yml"
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
            while True:
                _run(path, again)
                try:
                    return check(_content(path))
                except BadConfig as error:
                    if not _goes_on(error):
                        raise Refused(f"{error}\nNothing was changed. Again: {again}") from None
    except KeyboardInterrupt:
        raise DeplError(f"\nInterrupted; nothing was changed. Again: {again}") from None


def _run(path: Path, again: str) -> None:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "editor"
    argv = [*editor.split(), str(path)]
    try:
        # Where nobody sits, an editor that asks is told so at once.
        ended = subprocess.run(argv, check=False, stdin=None if sys.stdin.isatty() else subprocess.DEVNULL)
    except OSError as error:
        raise BadInput(
            f"The editor {argv[0]!r:.60} can't be started: {error.strerror}.\nAnother: EDITOR=nano {again}"
        ) from None
    if ended.returncode:
        raise Refused(f"The editor {argv[0]!r:.60} ended with {ended.returncode}. Nothing was changed.\nAgain: {again}")


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise BadConfig(path.name, "the editor left no text in UTF-8") from None


def _goes_on(error: BadConfig) -> bool:
    """Ask whether to edit again; nobody is asked where nobody sits."""
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        return False
    print(error)
    try:
        return input("Edit it again? [Y/n] ").strip().lower() in ("", "y", "yes")
    except EOFError:
        return False
