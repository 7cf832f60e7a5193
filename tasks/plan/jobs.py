"""Jobs: components that run at certain times. Most run on one host for all, which is found here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ..model.app import WEB, Component
from ..model.environment import Host
from ..model.layout import JOB_RUNNER
from .facts import RUNNING, Facts
from .wishes import Target


def carriers(target: Target, facts: Sequence[Facts]) -> dict[str, Host]:
    """Which of these hosts runs each job that one host runs for all.

    It stays where it is at work, in whatever version, or where it was at last; or else it is the first host's.
    """
    alone = [part for part, component in target.app.jobs.items() if component.once]
    return {part: min(facts, key=lambda one: _rank(one, part)).host for part in alone if facts}


def _rank(facts: Facts, part: str) -> tuple[bool, bool, float]:
    there = [one for one in facts.workers if one.component == part]
    job = facts.jobs.get(part)
    return not any(one.state == RUNNING for one in there), not there, -job.claimed if job else 0


def share(target: Target, host: Host, facts: Sequence[Facts]) -> Target:
    """The app as one host has to run it: without the jobs that another of these hosts runs for all."""
    others = {part for part, carrier in carriers(target, facts).items() if carrier != host}
    return only(target, target.app.workers.keys() - others)


def only(target: Target, parts: Collection[str]) -> Target:
    """The app with none of its components but `web` and these."""
    kept = {name: one for name, one in target.app.components.items() if name == WEB or name in parts}
    return replace(target, app=replace(target.app, components=kept))


def process(part: str, component: Component) -> Component:
    """The component as its container runs it: a job's command is run by the image's own runner."""
    if not component.schedule:
        return component
    return replace(component, command=("python3", JOB_RUNNER, part, component.schedule, *component.command))
