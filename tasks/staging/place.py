"""Where an app's branches are: its repository, the staging host, what is there, and a claim on a part of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ..commands import files
from ..errors import BadInput, StepFailed
from ..model.environment import Branches, BranchPlacement, Environment, Host
from ..model.layout import BRANCHES, Layout
from ..plan import branches as plans
from ..plan import install, spaces
from ..plan.branch_facts import Staging, Standing
from ..plan.steps import Plan, together
from ..plan.wishes import Target
from ..run import apps, inventory, pace, settings
from ..run.alone import alone
from ..run.choose import choose, with_secrets
from ..run.question import of_app_hosts, of_branches
from ..run.report import Report
from ..run.ssh import Command, Fleet, answers_of
from ..run.work import AnyWork, OnHosts, Work, at_work, open_all
from . import decide, mirror
from .mirror import Mirror

LOCK_WAIT = 120
"""Seconds that somebody else's work on a branch is waited for at least: it may be waking up."""
ADVICE = "Branches run on {host}, and nowhere else."


@dataclass(frozen=True)
class Place:
    """An app as it is in production, where its branches run, and where they come from."""

    target: Target
    branches: Branches
    placement: BranchPlacement
    mirror: Mirror

    @property
    def app(self) -> str:
        return self.target.app.name

    @property
    def host(self) -> Host:
        return plans.host(self.target.environment, self.branches)

    def of(self, standing: Standing) -> Target:
        """The app that a branch is, with the time of now."""
        return plans.of(replace(self.target, now=pace.moment()), standing.branch, standing.number)


@dataclass(frozen=True)
class AllBranches:
    """What is done with all branches of a staging host is done under one lock."""

    environment: Environment
    who: str
    now: float
    name: str = BRANCHES

    @property
    def layout(self) -> Layout:
        return Layout(BRANCHES)


def find(app: str | None, *, secrets: bool = False) -> Place:
    """An app's branches: the named one's, else the default app's; raises BadInput, BadConfig and Refused."""
    target = with_branches(app)
    if secrets:
        target = with_secrets(target)
    branches, placement = plans.must_be_placed(target.app, target.environment)
    return Place(target, branches, placement, mirror.of(target, placement.repository))


def with_branches(app: str | None) -> Target:
    """The named app, else the default one or the only one that has branches; raises BadInput and BadConfig."""
    target = choose(app or _default())
    plans.must_be_apart(target.app.name, target.environment, apps.needs(target.environment))
    return target


def _default() -> str | None:
    """The default app where it has branches, else the only app that has."""
    environment = inventory.load(settings.chosen())
    there = sorted(environment.branches.apps) if environment.branches else []
    if environment.default_app in there or not there:
        return environment.default_app or None
    if len(there) > 1:
        raise BadInput(f"Which app? These have branches: {', '.join(there)}.\nSay one of them: --app NAME")
    return there[0]


def look(place: Place) -> Staging:
    """What is on the staging host; raises Unreachable."""
    found, missing = of_branches().survey([place.host], place.target.environment)
    for error in missing.values():
        raise error
    return found[0]


def lock_of(place: Place, name: str) -> Path:
    """The lock file here of what is done with a branch, whatever its label is."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return Path(place.target.environment.cache) / f"branch-{place.app}-{digest}.lock"


@contextmanager
def one_at_a_time(place: Place, name: str, report: Report) -> Iterator[None]:
    """Let one command at a time do something with a branch, on this machine."""

    def waiting(who: str) -> None:
        report.note(f"Waiting for another command about {name}: {who}")

    with alone(lock_of(place, name), place.target.who, waiting):
        yield


def claim(place: Place, name: str, report: Report) -> Standing:
    """A branch as it is up, or with a label, a number and a folder that nobody else gets; raises Refused."""
    environment = _patient(place.target.environment)
    wish = AllBranches(environment, place.target.who, pace.moment())
    with Fleet([place.host], environment) as fleet:
        open_all(fleet, ADVICE)
        with at_work(Work(wish, fleet, report, of_branches(), "branch.up", dry=False)) as work:
            (staging,) = work.facts
            there = staging.find(place.app, name)
            standing = there or _new(place, name, staging)
            _write_site(place.of(standing), fleet, work)
            if not there:
                layout = place.of(standing).layout
                _must(work, place.host, Command(files.folder(layout.home)))
                _must(work, place.host, Command(files.write(layout.branch), standing.about()))
            return standing


def _new(place: Place, name: str, staging: Staging) -> Standing:
    branch, number = decide.claim(place.app, name, staging, place.branches.limit)
    return Standing(branch, number, None, None, None, place.target.who, None, False, 0, 0, None)


def _write_site(target: Target, fleet: Fleet, work: Work[Staging]) -> None:
    """Write the nginx site that all branches of an app share, under the lock of all; an install finds it as wanted.

    Of two that write it at once, under locks of their own, one would take the other's away.
    """

    def planner(_: Sequence[Staging]) -> Plan:
        (facts,) = of_app_hosts(target).ask(fleet)
        return together(("site",), {facts.host: {"site": install.site_alone(target, facts)}})

    work.carry_out(planner, "site")


@contextmanager
def on_branch(verb: str, target: Target, report: Report) -> Iterator[OnHosts]:
    """Work on one branch's app, under its lock, on the staging host."""
    patient = replace(target, environment=_patient(target.environment))
    with Fleet(target.hosts, target.environment) as fleet:
        open_all(fleet, ADVICE)
        with at_work(OnHosts(patient, fleet, report, verb, dry=False)) as work:
            yield work


def _patient(environment: Environment) -> Environment:
    return replace(environment, lock_wait=max(LOCK_WAIT, environment.lock_wait))


def write_down(work: OnHosts, standing: Standing) -> None:
    """Keep in the branch's folder what the branch is, and what of it is up."""
    (host,) = work.target.hosts
    _must(work, host, Command(files.write(work.target.layout.branch), standing.about()))


def _must(work: AnyWork, host: Host, command: Command) -> str:
    """What a command prints; raises StepFailed."""
    result = work.ask({host: command})[host]
    if not result.ok:
        raise StepFailed(f"{host}: {' '.join(command.argv[:6])[:100]}: {result.said}")
    return result.out


def databases(work: OnHosts) -> dict[str, dict[str, int]]:
    """By service all databases that a branch has, each with its bytes; raises StepFailed where one doesn't tell."""
    (host,) = work.target.hosts
    asked = spaces.question(work.target)
    return {service: spaces.databases(_must(work, host, Command(argv))) for service, argv in asked.items()}


def sizes(place: Place) -> dict[str, int]:
    """The bytes of all databases of an app's branches, by their names; none where a service doesn't tell."""
    if not (asked := [Command(argv) for argv in spaces.question_of_all(place.target.app, place.placement)]):
        return {}
    with Fleet([place.host], place.target.environment) as fleet:
        open_all(fleet, ADVICE)
        results = answers_of(fleet.ask({place.host: asked}))[place.host]
    return spaces.databases("".join(one.out for one in results if one.ok))
