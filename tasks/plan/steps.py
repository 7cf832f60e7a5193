"""What to do, as data: a plan is phases, a phase is steps on hosts, a step is one command."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ..commands import Argv
from ..model.environment import Host


@dataclass(frozen=True)
class Step:
    """One action on one host.

    `why` is its line in a dry run and the prefix of its failure. `undo` puts back what it did.
    `evidence` is a command whose last lines explain a failure, such as a container's log. A step that
    is `forgiven` may fail: what it removes may be gone already. What a step that `tells` prints is
    shown beside its phase. `timeout` in seconds.
    """

    why: str
    argv: Argv
    input: bytes = field(default=b"", repr=False)
    undo: Argv = ()
    evidence: Argv = ()
    timeout: float = 60
    forgiven: bool = False
    tells: bool = False


@dataclass(frozen=True)
class Phase:
    """Steps that hosts do side by side; no host begins the next phase before all have ended this one."""

    name: str
    steps: Mapping[Host, tuple[Step, ...]]

    def __bool__(self) -> bool:
        return any(self.steps.values())


@dataclass(frozen=True)
class Plan:
    """All that is to be done. An empty plan means that the wish is true already."""

    phases: tuple[Phase, ...] = ()

    def __bool__(self) -> bool:
        return any(self.phases)


HostPlan: TypeAlias = Mapping[str, tuple[Step, ...]]
"""One host's steps by the name of the phase that they belong to."""


def together(order: Iterable[str], hosts: Mapping[Host, HostPlan]) -> Plan:
    """Join the plans of several hosts, phase by phase, in the given order of phases."""
    phases = (Phase(name, {host: steps.get(name, ()) for host, steps in hosts.items()}) for name in order)
    return Plan(tuple(phase for phase in phases if phase))
