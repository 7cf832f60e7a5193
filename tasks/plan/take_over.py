"""Have another host run the jobs that one host runs for all: finished here, begun there, no time run twice."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from ..commands import files
from ..errors import Refused
from ..model.environment import Host
from ..model.job import Job
from . import container, jobs, workers
from .facts import Facts
from .steps import HostPlan, Plan, Step, together
from .wishes import Target

PHASES = ("finish", "begin")


def leave(target: Target, host: Host, facts: Sequence[Facts]) -> Plan:
    """Let the host's jobs finish, and end them. Nothing where the host is dead."""
    return together(PHASES, {one.host: {"finish": _finish(target, one)} for one in facts if one.host == host})


def _finish(target: Target, facts: Facts) -> tuple[Step, ...]:
    alone = {part: component for part, component in target.app.jobs.items() if component.once}
    found = workers.there(target, facts)
    names = sorted(name for name, part in found.items() if part in alone)
    grace = max((alone[found[name]].grace for name in names), default=0)
    return container.end(names, grace, why="jobs that another host takes over")


def take(target: Target, leaver: Host, busy: Collection[str], facts: Sequence[Facts]) -> Plan:
    """Begin the jobs that none of the hosts with traffic (`busy`) runs on one of them; raises Refused without one.

    It is told what the leaver ran. Where the leaver is dead nobody knows, and what it missed is not made up for.
    """
    others = [one for one in facts if one.host != leaver and one.host.name in busy and one.live]
    if not others:
        raise Refused(
            f"No other host that gets traffic of {target.app.name} can be reached, so its jobs stay on {leaver}.\n"
            "Nothing was changed. See: inv status"
        )
    left = next((one.jobs for one in facts if one.host == leaver), None)
    carriers = jobs.carriers(target, others)
    plans: dict[Host, HostPlan] = {}
    for one in others:
        parts = [part for part, carrier in carriers.items() if carrier == one.host]
        steps = [step for part in parts for step in _begin(target, part, _known(part, left, one), one)]
        plans[one.host] = {"begin": tuple(steps)}
    return together(PHASES, plans)


def _known(part: str, left: Mapping[str, Job] | None, facts: Facts) -> Job:
    """The newest that leaver and taker know of a job."""
    own = facts.jobs.get(part)
    if left is None:
        return replace(own, claimed=facts.clock) if own else Job(facts.clock)
    return max(filter(None, (own, left.get(part))), key=lambda job: job.claimed, default=Job(facts.clock))


def _begin(target: Target, part: str, job: Job, facts: Facts) -> tuple[Step, ...]:
    its_own = jobs.only(target, {part})
    if not facts.live or not workers.missing(its_own, facts.live.table.live.version, facts):
        return ()
    file = target.layout.job(part)
    folder, *steps = workers.come_up(its_own, facts.live.table.live, facts)
    told = Step(f"tell {facts.host} when {part} ran", files.write(file), json.dumps(job.record).encode())
    return (folder, told, *steps)
