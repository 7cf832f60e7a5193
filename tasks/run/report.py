"""What people and build servers see while work goes on."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ..errors import DeplError, StepFailed
from . import settings, teamcity
from .lines import Lines

QUIET_SECONDS = 15
LONGEST_PROBLEM = 4000
"""Characters of a build problem; TeamCity cuts longer ones."""


class Progress:
    """One phase under way: `tell` adds what is worth knowing beside its name, `now` says what goes on."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self.details: list[str] = []
        self.now = show

    def tell(self, detail: str) -> None:
        if detail and detail not in self.details:
            self.details.append(detail)


@dataclass
class Losses:
    """Requests that ended while traffic was moved, and those of them that got no answer from the app."""

    requests: int = 0
    lost: int = 0

    def __str__(self) -> str:
        return f"{self.lost:,} of {self.requests:,} requests lost"


class Report:
    """Lines for a terminal or a log: a title, a line a phase, notes, and the last word."""

    counts = False
    """Whether somebody keeps numbers that it takes time to find out."""

    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out or sys.stdout
        self.began = time.monotonic()
        self._said = 0.0
        self.losses: Losses | None = None

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
        with self._read_or_not():
            self.out.write(text)
            self.out.flush()

    @contextmanager
    def _read_or_not(self) -> Iterator[None]:
        """Write to whoever reads; when they have gone (`… | head`) the work goes on without them."""
        try:
            yield
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

    def about(self, app: str, hosts: Iterable[str]) -> None:
        """Say whose failure it would be."""

    def done(self, text: str, following: str = "") -> None:
        """Say the last word: what is there now, what it cost, and what could follow."""
        self.line(f"{self._with_losses(text)}{f'  {following}' if following else ''}")

    def _with_losses(self, text: str) -> str:
        return f"{text.removesuffix('.')}, {self.losses}" if self.losses else text

    def lost(self, requests: int, lost: int) -> None:
        """Add up what moving traffic cost, where that is counted."""
        before = self.losses or Losses()
        self.losses = Losses(before.requests + requests, before.lost + lost)
        self.statistic("depl.requests", self.losses.requests)
        self.statistic("depl.requestsLost", self.losses.lost)

    def problem(self, verb: str, error: Exception) -> None:
        """Say why work failed, where that is kept apart from the text that people read."""


class TeamCityReport(Report):
    """The same events as TeamCity's service messages, one a line, beside the plain lines."""

    counts = True

    def __init__(self, out: TextIO | None = None) -> None:
        super().__init__(out)
        self._lines = self.out if isinstance(self.out, Lines) else Lines(self.out)
        self.out = self._lines
        self._app, self._hosts = "", frozenset[str]()

    def _tell(self, name: str, value: str | None = None, /, **attributes: str) -> None:
        with self._read_or_not():
            self._lines.order(teamcity.message(name, value, **attributes))

    @contextmanager
    def phase(self, name: str) -> Iterator[Progress]:
        self._tell("progressMessage", name)
        with self._block(name), super().phase(name) as progress:
            yield progress

    @contextmanager
    def _block(self, name: str) -> Iterator[None]:
        self._tell("blockOpened", name=name)
        try:
            yield
        finally:
            self._tell("blockClosed", name=name)

    def version(self, version: str) -> None:
        self._tell("buildNumber", version)
        self._tell("setParameter", name="depl.version", value=version)

    def progress(self, text: str) -> None:
        super().progress(text)
        self._tell("progressMessage", text)

    def statistic(self, key: str, value: float) -> None:
        text = f"{value:.6f}".rstrip("0").rstrip(".")
        self._tell("buildStatisticValue", key=key, value=text)

    def artifact(self, path: str) -> None:
        self._tell("publishArtifacts", str(Path(path).resolve()))

    def about(self, app: str, hosts: Iterable[str]) -> None:
        self._app, self._hosts = app, frozenset(hosts)

    def done(self, text: str, following: str = "") -> None:
        super().done(text, following)
        # What TeamCity says by itself stands first: that a condition failed must not be hidden.
        self._tell("buildStatus", text=f"{{build.status.text}}: {self._with_losses(text)}")

    def problem(self, verb: str, error: Exception) -> None:
        if isinstance(error, DeplError) and error.told:
            return
        if isinstance(error, StepFailed) and error.log:
            with self._block(f"log of what failed in {verb}"):
                self.line(error.log)
            if error.cut:
                self.artifact(_kept(verb, error.log))
        self._tell(
            "buildProblem",
            description=(str(error).strip() or type(error).__name__)[:LONGEST_PROBLEM],
            identity=teamcity.identity(verb, self._app, self._hosts, error),
        )
        if isinstance(error, DeplError):
            error.told = True


def _kept(verb: str, log: str) -> str:
    """A log as a file in the build's own temporary folder, which TeamCity empties."""
    path = Path(tempfile.mkdtemp(prefix="depl-")) / f"{verb}.log"
    path.write_text(f"{log}\n", encoding="utf-8", errors="backslashreplace")
    return str(path)


def make(*, aside: bool = False) -> Report:
    out = sys.stderr if aside else sys.stdout
    return TeamCityReport(out) if settings.under_teamcity() else Report(out)
