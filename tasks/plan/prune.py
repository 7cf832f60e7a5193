"""Remove what is neither live, nor canary, nor kept: workers, previews, containers, folders, images, old tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..commands import docker, files, supervisor
from ..model.layout import program
from ..model.release import Release
from . import retire, workers
from .container import MARGIN
from .facts import Facts, Installed
from .steps import HostPlan, Plan, Step, together
from .wishes import Target

PHASES = ("hand over", "stop", "remove")
KEPT_TABLES = 20
"""Routing tables that stay on disk, so that a rollback knows what was live before what."""


def plan(target: Target, facts: Sequence[Facts]) -> Plan:
    """Keep live, canary, the way back, and of the others the newest: so many running, so many installed."""
    return together(PHASES, {one.host: _on_host(target, one, facts) for one in facts})


def as_of(target: Target, begun: Sequence[Facts]) -> Callable[[Sequence[Facts]], Plan]:
    """A planner that keeps to the time of these facts: what may go since is not missing, but the next prune's."""
    return lambda facts: plan(target, at_that_time(begun, facts))


def at_that_time(begun: Sequence[Facts], facts: Sequence[Facts]) -> list[Facts]:
    """Facts as they would have been found when others of the same hosts were."""
    clocks = {one.host: one.clock for one in begun}
    return [replace(one, clock=clocks[one.host]) for one in facts]


def _on_host(target: Target, facts: Facts, fleet: Sequence[Facts]) -> HostPlan:
    stopped, removed = retire.spare(target, facts)
    layout = target.layout
    stop = [step for one in stopped for step in _stop(target, one)]
    remove: list[Step] = []
    for one in removed:
        remove += retire.remove_spare(target, facts, one)
    for stray in facts.strays:
        remove.append(Step(f"remove stray container {stray.name}", docker.remove(stray.name), forgiven=True))
    if astray := _astray(target, facts):
        remove.append(Step("remove links to releases that are gone", files.remove(*astray)))
    old = [number for number in facts.numbers[:-KEPT_TABLES] if number != facts.linked]
    if old:
        remove.append(Step("remove old routing tables", files.remove(*(layout.table(number) for number in old))))
    return {"hand over": workers.finish(target, facts, fleet), "stop": tuple(stop), "remove": tuple(remove)}


def _astray(target: Target, facts: Facts) -> list[str]:
    """Links that depl wrote to a release whose folder somebody removed."""
    layout, there = target.layout, {None, *(one.release for one in facts.installed)}
    slots = [layout.slot(number) for number, leads in facts.slots.items() if _release(leads) not in there]
    gone = {one for one in map(_release, facts.previews.values()) if one not in there}
    return slots + [layout.version(one.version) for one in gone if one and str(one.version) in facts.previews]


def _release(leads: str) -> Release | None:
    return Release.from_folder(leads.removeprefix("../releases/"))


def _stop(target: Target, found: Installed) -> tuple[Step, ...]:
    layout, version = target.layout, found.release.version
    name = layout.container(version)
    why = f"stop {version}"
    return (
        Step(f"{why}: program", files.remove(program(name))),
        Step(f"{why}: program", supervisor.forget(name)),
        Step(f"{why}: container", docker.stop(name), timeout=target.app.web.grace + MARGIN),
        Step(f"{why}: sockets", files.remove(layout.sockets(found.release))),
    )
