"""Bring an app's database to a version, once: in a one-off container of its image, on one host, before any traffic."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ..commands import docker, files, onhost
from ..errors import Refused
from ..model.app import Migration
from ..model.environment import Host
from ..model.release import Release
from ..model.version import Version
from . import container
from .facts import RUNNING, Facts
from .steps import HostPlan, Plan, Step, together
from .wishes import Target

PART = "migrate"
PHASES = ("migrate", "note")


def plan(target: Target, version: Version, facts: Sequence[Facts]) -> Plan:
    """Run an installed version's migration, unless it was run before; raises Refused."""
    if not target.app.migrate:
        raise Refused(f"conf/apps/{target.app.name}.yml has no migration.\nSay its command in `migrate:` there.")
    return together(PHASES, on_hosts(target, version, facts))


def on_hosts(target: Target, version: Version, facts: Sequence[Facts]) -> Mapping[Host, HostPlan]:
    """Each host's part: the first one runs it, all of them note that it was run."""
    migration = target.app.migrate
    if not migration:
        return {}
    _must_be_alone(target, version, facts)
    lacking = [one for one in facts if version not in one.migrated]
    if len(lacking) < len(facts):
        return {one.host: {"note": (_note(target, version, facts),)} for one in lacking}
    plans: dict[Host, HostPlan] = {one.host: {"note": (_note(target, version, facts),)} for one in facts}
    first = facts[0]
    return {
        **plans,
        first.host: {**plans[first.host], "migrate": _run(target, migration, _installed(first, version), first)},
    }


def _must_be_alone(target: Target, version: Version, facts: Sequence[Facts]) -> None:
    """Refuse to run beside the migration of another version, or of this one on another host, that was left running."""
    own = target.layout.container(version, PART)
    for place, one in enumerate(facts):
        for found in one.workers:
            if found.component == PART and found.state == RUNNING and (place or found.name != own):
                raise Refused(
                    f"The migration to {found.version} is still running on {one.host} ({found.name}).\n"
                    "Try again when it has ended."
                )


def same_image(target: Target, version: Version, image_of: Version, facts: Sequence[Facts]) -> Plan:
    """Note that a version needs no migration, since it is the image of another one whose migration was run."""
    if not target.app.migrate or not any(image_of in one.migrated for one in facts):
        return Plan()
    lacking = [one.host for one in facts if version not in one.migrated]
    return together(PHASES, {host: {"note": (_note(target, version, facts),)} for host in lacking})


def must_have_run(target: Target, version: Version, facts: Sequence[Facts]) -> None:
    """Refuse to send anybody to a version whose database is not there yet."""
    if target.app.migrate and not any(version in one.migrated for one in facts):
        raise Refused(f"The migration to {version} was not run. Nothing was changed.\n"
                      f"First: inv migrate --version {version}")  # fmt: skip


def _installed(facts: Facts, version: Version) -> Release:
    found = facts.find(version)
    if not found or not found.complete:
        raise Refused(f"{version} is not installed on {facts.host}.\nFirst: inv install --version {version}")
    return found.release


def _run(target: Target, migration: Migration, release: Release, facts: Facts) -> tuple[Step, ...]:
    name = target.layout.container(release.version, PART)
    left = next((one for one in facts.workers if one.name == name), None)
    steps: list[Step] = []
    # What an earlier command left when it was killed: one that runs is waited for, one that failed is run again.
    if left and left.state != RUNNING and left.exit:
        steps.append(Step(f"remove the former {name}", docker.remove(name)))
        left = None
    if left:
        steps.append(Step(f"take over {name}", ("true",), undo=docker.remove(name)))
    else:
        env_file = f"{target.layout.release(release)}/env"
        made = container.create(target, facts, release.version, env_file, name, PART, migration.component, {})
        steps.append(Step(f"create {name}", made, undo=docker.remove(name)))
    run = onhost.finish(name, migration.timeout)
    return (
        *steps,
        Step(f"migrate to {release.version}", run, evidence=docker.last_words(name), timeout=migration.timeout + 60,
             tells=True),
        Step(f"remove {name}", docker.remove(name), forgiven=True),
    )  # fmt: skip


def _note(target: Target, version: Version, facts: Sequence[Facts]) -> Step:
    at = next((one.migrated[version] for one in facts if version in one.migrated), target.now)
    entry = {"version": str(version), "at": at, "by": target.who, "host": facts[0].host.name}
    line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
    return Step(f"note the migration to {version}", files.append(target.layout.migrations), line)
