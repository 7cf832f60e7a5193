"""A container of a release with the supervisord program that watches it: made and started, ended and removed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..commands import Argv, docker, files, onhost, supervisor
from ..model.app import Component
from ..model.layout import ARMS_IN_CONTAINER, asleep, program
from ..model.release import Release
from ..model.version import Version
from . import needs, render
from .facts import Facts
from .steps import Step
from .wishes import Target

MARGIN = 30
"""Seconds that docker gets beside a container's own grace time."""


def start(
    target: Target,
    facts: Facts,
    release: Release,
    name: str,
    part: str,
    component: Component,
    mounts: Mapping[str, str],
    undo: Argv,
    image_of: Version | None = None,
) -> tuple[Step, ...]:
    """Create and start one of a release, which `undo` removes. Needs its folder with variables, and that of arms."""
    layout = target.layout
    env_file, inside = f"{layout.release(release)}/env", {**mounts, layout.arms: ARMS_IN_CONTAINER}
    made = create(target, facts, release.version, env_file, name, part, component, inside, image_of)
    return launch(name, made, target.environment.user, undo, light=target.branch is not None)


def create(
    target: Target,
    facts: Facts,
    version: Version,
    env_file: str,
    name: str,
    part: str,
    component: Component,
    mounts: Mapping[str, str],
    image_of: Version | None = None,
) -> Argv:
    """Create a container of a version's image, or another one's, with the app's limits and its services' sockets."""
    return docker.create(
        name,
        target.layout.image(target.environment.registry, image_of or version),
        component,
        labels={"depl.app": target.app.name, "depl.version": str(version), "depl.component": part},
        env_file=env_file,
        mounts={**mounts, **needs.mounts(target, facts.host)},
        hosts=needs.addresses(target, facts),
    )


def launch(name: str, made: Argv, user: str, undo: Argv, *, light: bool = False) -> tuple[Step, ...]:
    """Create a container, which `undo` removes, and have supervisord start it under its name, by a `light` program."""
    file, text = program(name), render.program(name, user, light).encode()
    return (
        Step(f"create {name}", made, undo=undo, timeout=120),
        Step(f"write the program of {name}", files.write(file), text, undo=supervisor.forget(name)),
        Step(f"start {name}", onhost.start(name), undo=files.remove(file), evidence=docker.last_words(name)),
    )


def end(names: Collection[str], grace: int, why: str) -> tuple[Step, ...]:
    """Ask containers to finish, all at once, and remove them; fine where they are gone already, or half-way."""
    if not names:
        return ()
    seconds = grace + MARGIN
    return (
        Step(f"{why}: programs", files.remove(*map(program, names), *map(asleep, names))),
        *(Step(f"{why}: program", supervisor.forget(name)) for name in names),
        Step(f"{why}: finish", docker.stop(*names), forgiven=True, timeout=seconds),
        Step(f"{why}: remove", docker.remove(*names), forgiven=True),
    )
