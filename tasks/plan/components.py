"""What `inv status` says of all components but `web`: workers, and jobs that run at certain times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import BadInput
from ..model.app import WEB, Component
from ..model.job import Job
from . import cron, jobs, workers
from .facts import RUNNING, Facts
from .overview import span
from .wishes import Target


def lines(target: Target, facts: Sequence[Facts]) -> list[str]:
    """A line for each worker, each job on each of its hosts, and each host with what it should not run."""
    live = [one for one in facts if one.live]
    found = []
    for part, component in target.app.workers.items():
        if component.schedule:
            found += [_job(target, part, component, one, live) for one in live if _has_it(target, part, one, live)]
        elif live:
            found.append(_worker(target, part, component, live))
    return found + [line for one in live for line in _left(target, one, live)]


def _worker(target: Target, part: str, component: Component, live: Sequence[Facts]) -> str:
    """How many of a worker's containers run where, and what is wrong with the others."""
    lacking = {one.host: _missing(target, part, one) for one in live}
    said = ", ".join(f"{component.number - len(names)} on {host}" for host, names in lacking.items())
    wrong = [f"{name} on {one.host} {_why_missing(one, name)}" for one in live for name in lacking[one.host]]
    return f"{part} of {component.number}: {said}{_again(wrong, live[-1])}"


def _has_it(target: Target, part: str, facts: Facts, live: Sequence[Facts]) -> bool:
    return part in jobs.share(target, facts.host, live).app.jobs


def _job(target: Target, part: str, component: Component, facts: Facts, live: Sequence[Facts]) -> str:
    """Where a job runs, how its last run went, and when the next one comes."""
    job = facts.jobs.get(part)
    wrong = [f"{name} {_why_missing(facts, name)}" for name in _missing(target, part, facts)]
    following = cron.next_time(component.schedule or "", facts.clock)
    said = [_last(job, facts.clock)]
    if job and job.skipped:
        said.append(f"{job.skipped} skipped so far")
    if following and not wrong:
        said.append(f"next in {span(following - facts.clock)}")
    log = f"  its log: inv logs --component {part}" if job and job.failed and not wrong else ""
    return f"{part} ({component.schedule}) on {facts.host}: {'; '.join(said)}{_again(wrong, facts)}{log}"


def _last(job: Job | None, now: float) -> str:
    if not job or job.begun is None:
        return "has not run yet"
    if job.under_way:
        return f"runs since {span(now - job.begun)}"
    if job.ended is None:
        return f"LAST RUN CUT SHORT, begun {span(now - job.begun)} ago"
    how = f"exit code {job.exit} after {job.seconds or 0:.1f} s, {span(now - job.ended)} ago"
    return f"LAST RUN FAILED: {how}" if job.failed else f"last run {how}"


def _missing(target: Target, part: str, facts: Facts) -> list[str]:
    version = facts.live.table.live.version if facts.live else None
    return workers.missing(jobs.only(target, {part}), version, facts) if version else []


def _again(wrong: Sequence[str], facts: Facts) -> str:
    if not wrong or not facts.live:
        return "."
    return f": {'; '.join(wrong)}.  start again: inv promote --version {facts.live.table.live.version}"


def _why_missing(facts: Facts, name: str) -> str:
    found = next((one for one in facts.workers if one.name == name), None)
    if not found:
        return "is not there"
    if found.state == RUNNING:
        return "is not watched by supervisord"
    return "ran out of memory" if found.out_of_memory else f"exited {found.exit}"


def _left(target: Target, facts: Facts, live: Sequence[Facts]) -> list[str]:
    """What runs on a host and should not: of what is not live, or another host's job."""
    old = workers.left(target, facts)
    found = [f"{facts.host}: {', '.join(old)} runs though it is not live.  end it: inv prune"] if old else []
    others, of = jobs.carriers(target, live), workers.there(target, facts)
    for name in workers.left(jobs.share(target, facts.host, live), facts):
        if name not in old:
            found.append(f"{facts.host}: {name} runs though {others[of[name]]} runs it.  end it: inv prune")
    return found


def rows(facts: Sequence[Facts]) -> list[dict[str, Any]]:
    """All containers of components but `web`, for machines. `memory` in bytes."""
    return [
        {"host": one.host.name, "name": found.name, "component": found.component, "version": str(found.version),
         "state": found.state, "exit": found.exit, "memory": found.memory}
        for one in facts for found in one.workers
    ]  # fmt: skip


def job_rows(target: Target, facts: Sequence[Facts]) -> list[dict[str, Any]]:
    """The jobs on the hosts that run them, for machines. Times in seconds since 1970."""
    live = [one for one in facts if one.live]
    return [
        {"host": one.host.name, "component": part, "schedule": component.schedule, "once": component.once,
         "running": not _missing(target, part, one),
         "next": cron.next_time(component.schedule or "", one.clock),
         "last": job.record | {"under_way": job.under_way} if (job := one.jobs.get(part)) else None}
        for part, component in target.app.jobs.items() for one in live if _has_it(target, part, one, live)
    ]  # fmt: skip


def container(target: Target, word: str) -> str:
    """The end of a container's name: web, or worker.2; of a worker without a number it is the first."""
    part, _, number = word.partition(".")
    if part == WEB and not number:
        return WEB
    if part in target.app.workers and (number or "1") in map(str, range(1, target.app.workers[part].number + 1)):
        return f"{part}.{number or 1}"
    known = ", ".join([WEB, *target.app.workers])
    raise BadInput(f"{word[:60]!r} is no component of {target.app.name}: expected {known}, or such as worker.2.")
