"""A shell in a branch's web container, or what there is of one; a sleeping branch is woken first."""

from __future__ import annotations

from ..commands import Argv, docker, waker
from ..errors import Refused, StepFailed
from ..model.environment import Host
from ..plan.branch_facts import Standing
from ..plan.wishes import Target
from ..run import terminal
from ..run.ssh import Command, Fleet, Result, answers_of
from ..run.work import open_all
from .decide import typed
from .place import ADVICE

WAKE_SECONDS = 120
LONGEST = 3600
"""Seconds that a command without a terminal may take."""
SHELL, PYTHON = ("sh",), ("python3",)


def enter(target: Target, standing: Standing, command: str | None) -> int:
    """Run a command there, or what a person types; returns its exit status. Raises Refused and StepFailed."""
    if not standing.release:
        raise Refused(
            f"Nothing of {standing.branch.name} is up.\nFirst: inv branch.up --branch {typed(standing.branch.name)}"
        )
    (host,) = target.hosts
    name = target.layout.container(standing.release.version)
    with Fleet(target.hosts, target.environment) as fleet:
        open_all(fleet, ADVICE)
        if standing.asleep:
            woken = _ask(fleet, host, waker.wake(target.app.name, WAKE_SECONDS), WAKE_SECONDS + 10)
            if not woken.ok:
                raise StepFailed(f"{host}: {standing.branch.name} does not wake: {woken.said}", woken.out)
        # A slim image has no shell, but Python always.
        has_shell = _ask(fleet, host, docker.inside(name, "sh", "-c", ":")).ok
        if command is None:
            argv = docker.at_terminal(name, *(SHELL if has_shell else PYTHON))
            return terminal.attach(fleet.remotes[host], argv)
        # As its input, not as an argument: it is what a person would type there.
        reads = (*SHELL, "-s") if has_shell else (*PYTHON, "-")
        done = _ask(fleet, host, docker.inside(name, *reads), LONGEST, f"{command}\n".encode())
        terminal.show(done.out, done.err)
        return done.exit


def _ask(fleet: Fleet, host: Host, argv: Argv, seconds: float = 60, text: bytes = b"") -> Result:
    return answers_of(fleet.ask({host: [Command(argv, text, timeout=seconds)]}))[host][-1]
