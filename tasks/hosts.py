"""inv hosts.drain, hosts.add: which app hosts the balancers send visitors to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial

import invoke
from invoke import Context, task

from .errors import DeplError, Refused, StepFailed
from .model.environment import Host
from .model.notice import ADD, DRAIN, Notice
from .plan import catch_up, take_over
from .plan import hosts as plans
from .plan.jobs import carriers
from .plan.wishes import Target
from .run.balancers import on_balancers
from .run.choose import choose_on, with_secrets
from .run.look import look
from .run.report import Report, make
from .run.work import OnHosts, on_hosts, reporting
from .tell import in_the_end, of_host

HOST = "an app host, as the inventory calls it"
APP = "only this app; default: all that live on HOST"


@task(help={"host": HOST, "app": APP})
def drain(c: Context, host: str, app: str | None = None) -> None:
    """Take HOST out of traffic; wait for its last request."""
    _for_each_app("drain", "of", take_out, c, host, app)


@task(help={"host": HOST, "app": APP})
def add(c: Context, host: str, app: str | None = None) -> None:
    """Bring HOST to what is live, then give it traffic."""
    _for_each_app("add", "to", take_in, c, host, app)


def _for_each_app(
    verb: str,
    word: str,
    do: Callable[[Target, Host, Report, bool, list[Notice]], None],
    c: Context,
    name: str,
    app: str | None,
) -> None:
    report = make()
    with reporting(f"hosts.{verb}", report):
        found = _installed(choose_on(name, app))
        with in_the_end(found[0][0].environment, report) as done:
            for target, host in found:
                report.about(target.name, [one.name for one in target.hosts])
                report.title(f"{verb} {host} {word} {target.app.name} ({target.environment.name})")
                do(target, host, report, bool(c.config.run.dry), done)


def _installed(found: list[tuple[Target, Host]]) -> list[tuple[Target, Host]]:
    """Of several apps, those that are installed: one that is only described has no traffic to lose or get."""
    if len(found) == 1:
        return found
    return [(target, host) for target, host in found if any(one.installed for one in look(target)[0])] or found


def take_out(target: Target, host: Host, report: Report, dry: bool, done: list[Notice]) -> None:
    """Give a host's share of an app to the others, and its jobs, and wait until it has no request to answer.

    What was done is put among the `done`.
    """
    name, environment = target.app.name, target.environment
    jobs = any(job.once for job in target.app.jobs.values())
    if not environment.balancers and not jobs:
        raise Refused(
            f"{environment.name} has no balancers, so it is not depl that sends visitors to {host}.\n"
            f"Take it out of what does, or see “A host leaves” in docs/operations.md."
        )
    with (
        on_hosts("hosts.drain", target, report, dry, partial(_all, report)) if jobs else nullcontext() as work,
        on_balancers("hosts.drain", target, report, dry) as balancers,
    ):
        if environment.balancers:
            balancers.carry_out(partial(plans.drain, target, host), f"drain {host}")
        if work:
            _give_away_jobs(work, host, plans.rotation(target, balancers.facts))
        if dry:
            return
        left = balancers.settle(host) if environment.balancers else 0
    done.append(of_host(target, DRAIN, host, work.facts if work else ()))
    if left:
        raise DeplError(
            f"{host} gets no new requests of {name}, but {left} are under way after {environment.drain} s: "
            f"WebSockets, or very slow ones.\nThey end with nginx on {host}. To wait again: inv hosts.drain {host}"
        )
    if environment.balancers:
        report.done(f"{host} gets no traffic of {name}.", f"back: inv hosts.add {host}")
    else:
        report.done(
            f"{host} runs no job of {name} for all. {environment.name} has no balancers: send no visitor there."
        )


def _give_away_jobs(work: OnHosts, host: Host, busy: Collection[str]) -> None:
    """Have another host run what this one runs for all; fine where it is dead."""
    take = partial(take_over.take, work.target, host, busy)
    take(work.facts)  # refuses, where nobody could, before anything is ended
    work.carry_out(partial(take_over.leave, work.target, host), f"end jobs on {host}")
    try:
        begun = work.carry_out(take, f"begin the jobs of {host} elsewhere")
    except StepFailed as error:
        error.message = f"{error}\nNo host runs its jobs now. Mend that, then again: inv hosts.drain {host}"
        raise
    if begun:
        there = carriers(work.target, [one for one in work.facts if one.host != host])
        work.report.line("; ".join(f"{part} runs on {carrier} now" for part, carrier in there.items()) + ".")


def take_in(target: Target, host: Host, report: Report, dry: bool, done: list[Notice]) -> None:
    """Bring a host to what is live on the others, then give it its share of an app's traffic.

    What was done is put among the `done`.
    """
    target = with_secrets(target)
    with (
        on_hosts("hosts.add", target, report, dry, partial(_all_but, host, report)) as work,
        on_balancers("hosts.add", target, report, dry) as balancers,
    ):
        busy = plans.rotation(target, balancers.facts)
        with _says_what_then(host, busy):
            changed = _bring_up(work, host, busy)
            if dry and changed:
                report.line(f"Then {host} would get its share of the traffic.")
                return
            balancers.read()
            changed |= balancers.carry_out(partial(plans.add, target, host), f"add {host}")
    if dry:
        return
    done.append(of_host(target, ADD, host, work.facts))
    if not changed:
        report.line("Nothing to do.")
    if target.environment.balancers:
        report.done(f"{host} has what is live, and its share of {target.app.name}'s traffic.")
    else:
        report.done(f"{host} has what is live. {target.environment.name} has no balancers: send it visitors by yours.")


def _bring_up(work: OnHosts, host: Host, busy: Collection[str]) -> bool:
    """Install what the others have live and give the host their table; False where that is so already."""
    like = catch_up.example(host, busy, work.facts)
    if not like:
        work.report.note(f"Note: no other host with traffic answers, so {host} keeps what is live there.")
        return False
    planners = {
        f"add {host}: install {version}": partial(catch_up.release, work.target, host, version, busy)
        for version in catch_up.versions(host, like, work.facts)
    }
    changed = False
    for what, planner in planners.items():
        if planner(work.facts):
            work.carry_out(planner, what)
            changed = True
    same = partial(catch_up.table, work.target, host, like)
    if not (work.dry and changed) and same(work.facts):
        work.carry_out(same, f"add {host}: live as elsewhere")
        changed = True
    if not work.dry:
        changed |= work.carry_out(partial(catch_up.hand_over, work.target, host), f"add {host}: hand over")
    return changed


def _all(report: Report, lost: Sequence[Host]) -> list[Host]:
    for one in lost:
        report.note(f"Note: {one} can't be reached. What its jobs missed meanwhile is not made up for.")
    return list(lost)


def _all_but(host: Host, report: Report, lost: Sequence[Host]) -> list[Host]:
    others = [one for one in lost if one != host]
    for one in others:
        report.note(f"Note: {one} can't be reached; what is live is taken from the other hosts.")
    return others


@contextmanager
def _says_what_then(host: Host, busy: Collection[str]) -> Iterator[None]:
    """Say in a failure's message what became of the traffic, and what to type."""
    try:
        yield
    except StepFailed as error:
        if host.name not in busy:
            error.message = f"{error}\n{host} gets no traffic. Mend that, then again: inv hosts.add {host}"
        raise


ns = invoke.Collection("hosts", drain, add)
