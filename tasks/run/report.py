"""What people and build servers see while work goes on."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from teamcity.messages import TeamcityServiceMessages

from . import settings

QUIET_SECONDS = 15


class Progress:
    """One phase under way: `tell` adds what is worth knowing beside its name, `now` says what goes on."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self.details: list[str] = []
        self.now = show

    def tell(self, detail: str) -> None:
        if detail and detail not in self.details:
            self.details.append(detail)


class Report:
    """Lines for a terminal or a log: a title, a line a phase, notes, and the last word."""

    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out or sys.stdout
        self.began = time.monotonic()
        self._said = 0.0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def title(self, text: str) -> None:
        self.line(text)

    def note(self, text: str) -> None:
        self.line(text)

    def line(self, text: str = "") -> None:
        self._write(text + "\n")

    def _write(self, text: str) -> None:
        """Write to whoever reads; when they have gone (`… | head`) the work goes on without them."""
        try:
            self.out.write(text)
            self.out.flush()
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.out.fileno())

    @contextmanager
    def phase(self, name: str) -> Iterator[Progress]:
        """Show a phase as begun, then as done or failed, with the time it took."""
        began = time.monotonic()
        progress = Progress(lambda text: self.now(name, text, time.monotonic() - began))
        self.now(name, "", 0)
        try:
            yield progress
        except BaseException:
            self._ended("✗", name, progress, began)
            raise
        self._ended("✓", name, progress, began)

    def _ended(self, mark: str, name: str, progress: Progress, began: float) -> None:
        text = ", ".join(progress.details)
        self.line(f"{self._clear()}  {mark} {name:<9} {text:<60} {time.monotonic() - began:6.1f} s")

    def now(self, name: str, text: str, seconds: float) -> None:
        """Say what goes on: on a terminal in one line that passes, in a log once a while."""
        if self.out.isatty():
            width = shutil.get_terminal_size().columns - 1
            self._write(f"{self._clear()}{f'  … {name:<9} {text}':.{width}}\r")
        elif text and seconds - self._said >= QUIET_SECONDS:
            self._said = seconds
            self.line(f"  … {name:<9} {text:.100}")

    def _clear(self) -> str:
        """Wipe the passing line, where there is one."""
        self._said = 0.0
        return "\x1b[2K" if self.out.isatty() else ""

    def version(self, version: str) -> None:
        """Say which version this work is about, where a build server wants to know."""

    def progress(self, text: str) -> None:
        """A line of work that goes on for long."""
        self.line(text)

    def statistic(self, key: str, value: float) -> None:
        """Hand a number to whoever keeps numbers."""

    def artifact(self, path: str) -> None:
        """Hand a file to whoever keeps files of builds."""

    def problem(self, verb: str, text: str) -> None:
        """Say why work failed, where that is kept apart from the text that people read."""


class TeamCityReport(Report):
    """The same events as TeamCity's service messages, one a line, beside the plain lines."""

    def __init__(self, out: TextIO | None = None) -> None:
        super().__init__(out)
        self._messages = TeamcityServiceMessages(output=_Bytes(self.out))

    @contextmanager
    def phase(self, name: str) -> Iterator[Progress]:
        self._messages.progressMessage(name)
        self._messages.blockOpened(name)
        try:
            with super().phase(name) as progress:
                yield progress
        finally:
            self._messages.blockClosed(name)

    def version(self, version: str) -> None:
        # The library has no method of its own for this one.
        self._messages._single_value_message("buildNumber", version)
        self._messages.setParameter("depl.version", version)

    def progress(self, text: str) -> None:
        super().progress(text)
        self._messages.progressMessage(text)

    def statistic(self, key: str, value: float) -> None:
        self._messages.message("buildStatisticValue", key=key, value=f"{value:g}")

    def artifact(self, path: str) -> None:
        self._messages.publishArtifacts(path)

    def problem(self, verb: str, text: str) -> None:
        self._messages.buildProblem(text, f"depl-{verb}"[:60])


class _Bytes:
    """Where teamcity-messages writes: it encodes by itself, our stream takes text."""

    def __init__(self, out: TextIO) -> None:
        self.out = out

    def write(self, data: bytes) -> None:
        self.out.write(data.decode())

    def flush(self) -> None:
        self.out.flush()


def make(*, aside: bool = False) -> Report:
    out = sys.stderr if aside else sys.stdout
    return TeamCityReport(out) if settings.under_teamcity() else Report(out)
