"""What only a live release runs: up before traffic is sent to it, asked to finish when it has lost it."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from ..commands import docker, onhost
from ..model.app import Component
from ..model.release import Release
from ..model.version import Version
from . import container
from .facts import RUNNING, Facts
from .steps import Plan, Step, together
from .wishes import Target

STEADY = 3
"""Seconds that a worker has to run without an end to count as up: it has no page that could be asked."""
LONGEST_UNDO = 90
"""Seconds that a worker gets to finish what it began before a promote was put back."""
PHASES = ("workers", "hand over")


def names(target: Target, version: Version) -> dict[str, tuple[str, Component]]:
    """The containers of a version's workers on each host: the component's name and the component by the container's."""
    return {
        target.layout.worker(version, part, number): (part, component)
        for part, component in target.app.workers.items()
        for number in range(1, component.number + 1)
    }


def missing(target: Target, version: Version, facts: Facts) -> list[str]:
    """The containers that should run on a host where a version is live, and don't."""
    running = {one.name for one in facts.workers if one.state == RUNNING and one.name in facts.programs}
    return [name for name in names(target, version) if name not in running]


def come_up(target: Target, release: Release, facts: Facts) -> tuple[Step, ...]:
    """Start what a release's workers lack on a host, and wait until they are steady."""
    wanted = names(target, release.version)
    steps: list[Step] = []
    for name in (lacking := missing(target, release.version, facts)):
        part, component = wanted[name]
        if name in facts.programs or any(one.name == name for one in facts.workers):
            steps += container.end(target, [name], component.grace, why=f"clear away {name}")
        undo = docker.end(name, min(component.grace, LONGEST_UNDO))
        steps += container.start(target, release, name, part, component, {}, undo)
    return (*steps, *(_steady(name) for name in lacking))


def _steady(name: str) -> Step:
    return Step(f"wait for {name}", onhost.steady(name, STEADY), evidence=docker.last_words(name), timeout=STEADY + 30)


def up(target: Target, facts: Sequence[Facts]) -> Plan:
    """Start what the live releases' workers lack."""
    return together(
        PHASES, {one.host: {"workers": come_up(target, one.live.table.live, one)} for one in facts if one.live}
    )


def left(target: Target, facts: Facts) -> list[str]:
    """The workers on a host that no live release has: to be handed over. None is where nothing readable is live."""
    if not facts.live:
        return []
    wanted = names(target, facts.live.table.live.version)
    there = {name for name in (*(one.name for one in facts.workers), *facts.programs) if _is_worker(target, name)}
    return sorted(there - wanted.keys())


def _is_worker(target: Target, name: str) -> bool:
    """By its name: a worker's ends with a number behind a dot, and nothing else of the app's does."""
    own = f"{target.app.name}-"
    version, _, part = name.removeprefix(own).partition("-")
    return name.startswith(own) and version[:1].isdigit() and "." in part


def hand_over(target: Target, facts: Sequence[Facts]) -> Plan:
    """Have the workers of releases that are not live finish what they do, and end."""
    return together(PHASES, {one.host: {"hand over": finish(target, one)} for one in facts})


def finish(target: Target, facts: Facts) -> tuple[Step, ...]:
    """Ask the workers on a host that no live release has to finish what they do, and remove them."""
    # What a release that is gone was given as grace is not known any more: the longest of now will do.
    grace = max(map(attrgetter("grace"), target.app.components.values()))
    return container.end(target, left(target, facts), grace, why="workers of what was live")
