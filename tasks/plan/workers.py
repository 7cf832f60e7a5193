"""What only a live release runs: up before traffic is sent to it, asked to finish when it has lost it."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from ..commands import docker, files, onhost
from ..model.app import Component
from ..model.layout import APP_GROUP, JOBS_IN_CONTAINER
from ..model.release import Release
from ..model.route import Table
from ..model.version import Version
from . import container, jobs
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
    lacking = missing(target, release.version, facts)
    steps = [Step("make the folder of arms", files.folder(target.layout.arms))] if lacking else []
    if any(wanted[name][1].schedule for name in lacking):
        steps.append(_jobs_folder(target))
    for name in lacking:
        part, component = wanted[name]
        if name in facts.programs or any(one.name == name for one in facts.workers):
            steps += container.end([name], component.grace, why=f"clear away {name}")
        undo = docker.end(name, min(component.grace, LONGEST_UNDO))
        mounts = {target.layout.jobs: JOBS_IN_CONTAINER} if component.schedule else {}
        steps += container.start(target, facts, release, name, part, jobs.process(part, component), mounts, undo)
    return (*steps, *(_steady(name) for name in lacking))


def _jobs_folder(target: Target) -> Step:
    return Step("make the folder of what ran when", files.shared_folder(target.layout.jobs, APP_GROUP))


def _steady(name: str) -> Step:
    return Step(f"wait for {name}", onhost.steady(name, STEADY), evidence=docker.last_words(name), timeout=STEADY + 30)


def of_canaries(target: Target) -> Target:
    """The app as a canary runs it: with those workers alone that are to be tried too."""
    return jobs.only(target, {part for part, component in target.app.workers.items() if component.canary})


def all_up(target: Target, table: Table, facts: Facts) -> tuple[Step, ...]:
    """Start what the workers of a table's releases lack on a host: of the live one, and of its canary."""
    up = come_up(target, table.live, facts)
    return (*up, *come_up(of_canaries(target), table.canary, facts)) if table.canary else up


def up(target: Target, facts: Sequence[Facts]) -> Plan:
    """Start what the live releases' workers lack, and the canaries'."""
    live = [(one, one.live.table, jobs.share(target, one.host, facts)) for one in facts if one.live]
    return together(PHASES, {one.host: {"workers": all_up(share, table, one)} for one, table, share in live})


def left(target: Target, facts: Facts) -> list[str]:
    """The workers on a host that no live release or canary has: to be handed over.

    None is where nothing readable is live.
    """
    if not facts.live:
        return []
    table = facts.live.table
    wanted = set(names(target, table.live.version))
    if table.canary:
        wanted |= names(of_canaries(target), table.canary.version).keys()
    return sorted(there(target, facts).keys() - wanted)


def there(target: Target, facts: Facts) -> dict[str, str]:
    """The containers of workers on a host, and the programs that watch one, each with its component's name.

    By their names: a worker's ends with a number behind a dot, and nothing else of the app's does.
    """
    own, found = f"{target.app.name}-", {}
    for name in (*(one.name for one in facts.workers), *facts.programs):
        version, _, part = name.removeprefix(own).partition("-")
        if name.startswith(own) and version[:1].isdigit() and "." in part:
            found[name] = part.rpartition(".")[0]
    return found


def hand_over(target: Target, facts: Sequence[Facts]) -> Plan:
    """Have the workers of releases that are not live finish what they do, and end."""
    return together(PHASES, {one.host: {"hand over": finish(target, one, facts)} for one in facts})


def finish(target: Target, facts: Facts, fleet: Sequence[Facts]) -> tuple[Step, ...]:
    """Ask the workers on a host that it isn't to have, beside this fleet, to finish what they do, and remove them."""
    # What a release that is gone was given as grace is not known any more: the longest of now will do.
    grace = max(map(attrgetter("grace"), target.app.components.values()))
    names = left(jobs.share(target, facts.host, fleet), facts)
    return container.end(names, grace, why="workers of what was live")
