"""The faults: what is broken, when, what holds afterwards, and what to type where nothing mends it by itself.

docs/reliability.md shows this table; `python -m tests.faults.table` prints it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import connections, daemons, people
from .world import World

ITSELF = "by itself"


@dataclass(frozen=True)
class Fault:
    """One row. `types` is what an operator has to type; its command stands in what depl printed meanwhile."""

    name: str
    broken: str
    when: str
    holds: str
    act: Callable[[World], None]
    types: str = ITSELF
    long: bool = False


FAULTS = (
    Fault(
        "ssh-cut-in-flip",
        "the SSH session to one host is killed",
        "one host has flipped, the other is about to",
        "the first host goes back; all are on the old version",
        connections.cut_in_flip,
        types="inv promote",
    ),
    Fault(
        "dockerd-restarted",
        "dockerd is restarted on one host",
        "live",
        "containers run on; the next command works once dockerd answers",
        daemons.dockerd_restarted,
    ),
    Fault(
        "two-at-once",
        "two people promote different versions",
        "in the same second",
        "one does it, the other is refused and told by whom and since when",
        people.two_promote,
        types="Try again when they are done",
    ),
)
