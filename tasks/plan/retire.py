"""Which releases may go, and how a release is taken off a host."""

from __future__ import annotations

from collections.abc import Sequence

from ..commands import docker, files, supervisor
from ..model.layout import asleep, program
from ..model.release import Release
from ..model.version import Version
from .container import MARGIN
from .facts import Facts, Installed
from .steps import Step
from .wishes import Target


def spare(target: Target, facts: Facts) -> tuple[list[Installed], list[Installed]]:
    """What may be stopped, and what may be removed.

    A release that lost its traffic less than `drain` seconds ago is left alone: a request may still be
    in flight. A control arm is not kept when its canary has ended.
    """
    limits = target.environment
    busy = set(facts.serving)
    back = facts.live.previous if facts.live else None
    for later, table in zip(facts.tables[1:], facts.tables, strict=False):
        if later.written > facts.clock - limits.drain:
            busy |= set(table.table.releases)
    others = [one for one in facts.installed if one.release not in busy and one.release.version != back]
    controls = [one for one in others if one.control_of]
    others = sorted((one for one in others if not one.control_of), key=lambda one: one.installed_at, reverse=True)
    removed = others[limits.keep_installed :] + controls
    stopped = [one for one in others[limits.keep_running : limits.keep_installed] if one.running or one.program]
    return stopped, removed


def remove(
    target: Target,
    facts: Facts,
    version: Version,
    release: Release | None,
    containers: Sequence[str],
    why: str,
    image: bool = False,
) -> tuple[Step, ...]:
    """Take a version off a host, with its `image` or without, in an order that can be cut short and done again.

    The folder comes last: by it the next command sees that something is left to remove.
    """
    layout = target.layout
    name, seconds = layout.container(version), target.app.web.grace + MARGIN
    steps = [
        Step(f"{why}: preview", files.remove(layout.version(version))),
        Step(f"{why}: program", files.remove(program(name), asleep(name))),
        Step(f"{why}: program", supervisor.forget(name)),
    ]
    for container in dict.fromkeys([name, *containers]):
        steps.append(Step(f"{why}: stop {container}", docker.stop(container), forgiven=True, timeout=seconds))
        steps.append(Step(f"{why}: remove {container}", docker.remove(container), forgiven=True))
    if image:
        tag = layout.image(target.environment.registry, version)
        steps.append(Step(f"{why}: image", docker.remove_image(tag), forgiven=True))
    if release and facts.owns_its_slot(release):
        steps.append(Step(f"{why}: slot {release.slot}", files.remove(layout.slot(release.slot))))
    if release:
        steps.append(Step(f"{why}: folder", files.remove(layout.release(release))))
    return tuple(steps)


def remove_spare(target: Target, facts: Facts, found: Installed) -> tuple[Step, ...]:
    """Take a release off a host, with its image."""
    release = found.release
    return remove(target, facts, release.version, release, [], why=f"remove {release.version}", image=True)
