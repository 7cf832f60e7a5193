"""A container of a release with the supervisord program that watches it: made and started, ended and removed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..commands import Argv, docker, files, onhost, supervisor
from ..model.app import Component
from ..model.release import Release
from . import render
from .steps import Step
from .wishes import Target

MARGIN = 30
"""Seconds that docker gets beside a container's own grace time."""


def start(
    target: Target, release: Release, name: str, part: str, component: Component, mounts: Mapping[str, str], undo: Argv
) -> tuple[Step, ...]:
    """Create and start one, which `undo` removes. Needs the release's folder with its variables."""
    layout, version = target.layout, release.version
    create = docker.create(
        name,
        layout.image(target.environment.registry, version),
        component,
        labels={"depl.app": target.app.name, "depl.version": str(version), "depl.component": part},
        env_file=f"{layout.release(release)}/env",
        mounts=mounts,
    )
    program = render.program(name, target.environment.user).encode()
    file = layout.program(name)
    return (
        Step(f"create {name}", create, undo=undo, timeout=120),
        Step(f"write the program of {name}", files.write(file), program, undo=supervisor.forget(name)),
        Step(f"start {name}", onhost.start(name), undo=files.remove(file), evidence=docker.last_words(name)),
    )


def end(target: Target, names: Collection[str], grace: int, why: str) -> tuple[Step, ...]:
    """Ask containers to finish, all at once, and remove them; fine where they are gone already, or half-way."""
    if not names:
        return ()
    seconds = grace + MARGIN
    return (
        Step(f"{why}: programs", files.remove(*map(target.layout.program, names))),
        *(Step(f"{why}: program", supervisor.forget(name)) for name in names),
        Step(f"{why}: finish", docker.stop(*names), forgiven=True, timeout=seconds),
        Step(f"{why}: remove", docker.remove(*names), forgiven=True),
    )
