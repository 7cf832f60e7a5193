"""What is printed: line by line, at once, and nothing in it that a build server would take for an order."""

from __future__ import annotations

import atexit
import io
import sys
import threading
from typing import TextIO

from .teamcity import disarmed


class Lines(io.TextIOBase):
    """A stream that hands on whole lines, disarmed. A terminal gets all at once, since there lines are written over."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self._rest = ""
        self._lock = threading.Lock()

    def write(self, text: str) -> int:
        with self._lock:
            whole, end, self._rest = (text, "", "") if self.isatty() else (self._rest + text).rpartition("\n")
            self._hand_on(whole + end)
        return len(text)

    def order(self, line: str) -> None:
        """Write a line that is meant for a build server, on a line of its own."""
        with self._lock:
            if self._rest:
                self._hand_on(f"{self._rest}\n")
                self._rest = ""
            self.out.write(f"{line}\n")
            self.out.flush()

    def end(self) -> None:
        """Hand on what no line break came after."""
        with self._lock:
            rest, self._rest = self._rest, ""
            if not self.out.closed:
                self._hand_on(rest)

    def _hand_on(self, text: str) -> None:
        if text:
            self.out.write(disarmed(text))
            self.out.flush()

    def isatty(self) -> bool:
        return self.out.isatty()

    def fileno(self) -> int:
        return self.out.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.out.encoding

    def writable(self) -> bool:
        return True


def guard() -> None:
    """Have all that is printed from now on pass through Lines."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, Lines):
            continue
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file's name may hold bytes that are no text
        lines = Lines(stream)
        setattr(sys, name, lines)
        atexit.register(lines.end)
