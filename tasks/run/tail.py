"""Logs of several hosts at once, each line behind its host's name."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping

from ..commands import Argv
from ..errors import BadInput, printable
from ..model.environment import Host
from ..plan.wishes import Wish
from .ssh import Fleet, Remote


def number_of_lines(text: str) -> int:
    """Read how many lines are wanted; text, since a number that Invoke can't read ends in its traceback."""
    if not re.fullmatch(r"[1-9]\d{0,5}", text, re.ASCII):
        raise BadInput(f"{text[:60]!r} is no number of lines: expected 1 to 999999, such as 50.")
    return int(text)


def show(wish: Wish, commands: Mapping[Host, Argv]) -> None:
    """Run one command on each host and print its lines as they come, until all end or Ctrl-C."""
    width = max(len(host.name) for host in commands)
    screen = threading.Lock()

    def one(remote: Remote) -> None:
        def line(text: str) -> None:
            with screen:
                # An app's log is not trusted to steer the terminal of whoever reads it.
                print(f"{remote.host.name:<{width}} │ {printable(text)}", flush=True)

        remote.open()
        remote.stream(commands[remote.host], line)

    with Fleet(commands, wish.environment) as fleet:
        try:
            for outcome in fleet.each(one).values():
                if isinstance(outcome, Exception):
                    raise outcome
        except KeyboardInterrupt:
            return
