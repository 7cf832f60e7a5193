"""How many requests a change of traffic cost: those that nginx had to answer itself while it went on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from ..commands import onhost
from ..errors import DeplError, first_line
from ..model.environment import Host
from .ssh import Command, Result
from .work import OnHosts

AFTERWARDS = 3.0
"""Seconds after the change that belong to it; nginx writes its log a second late."""
SECONDS = 30


@contextmanager
def counted(work: OnHosts) -> Iterator[None]:
    """Tell the report what is lost within the block and a little after, also where it fails.

    Nothing is asked, and nobody waits, where no build server keeps the number.
    """
    marks = _marks(work) if work.report.counts and not work.dry else {}
    try:
        yield
    finally:
        if marks:
            _count(work, marks)


def _marks(work: OnHosts) -> dict[Host, str]:
    command = Command(onhost.mark(work.target.layout.log))
    return _printed(work, {one.host: command for one in work.facts})


def _count(work: OnHosts, marks: dict[Host, str]) -> None:
    log = work.target.layout.log
    asked = {host: Command(onhost.lost(log, since, AFTERWARDS), timeout=SECONDS) for host, since in marks.items()}
    if answers := [json.loads(text) for text in _printed(work, asked).values()]:
        work.report.lost(sum(one["requests"] for one in answers), sum(one["lost"] for one in answers))


def _printed(work: OnHosts, commands: dict[Host, Command]) -> dict[Host, str]:
    """What hosts print; nothing, and a note, where one of them can't tell: a change doesn't fail for that."""
    try:
        return {host: _must(result) for host, result in work.ask(commands).items()}
    except DeplError as error:
        work.report.note(f"Note: lost requests are not counted: {first_line(error)}")
        return {}


def _must(result: Result) -> str:
    if not result.ok:
        raise DeplError(result.said)
    return result.out
