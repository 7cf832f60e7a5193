"""What hosts are asked about themselves, and what is made of their answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..commands import onhost
from ..errors import DeplError, StepFailed
from ..model.environment import Environment, Host
from ..model.layout import ROOT
from ..plan import balancer, branch_facts, needs, service_facts, services
from ..plan import facts as facts_of
from ..plan.balancer import Balancer
from ..plan.branch_facts import Staging
from ..plan.facts import Facts
from ..plan.service_facts import ServiceFacts
from ..plan.wishes import Estate, Target
from .ssh import Command, Fleet, Result, answers_of

FACTS_SECONDS = 20

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Question(Generic[Answer]):
    """A command that prints what is on a host, and how that is read."""

    command: Command
    read: Callable[[Host, Mapping[str, Any]], Answer]

    def answer(self, host: Host, results: list[Result]) -> Answer:
        """The answer that ends a host's results; raises StepFailed."""
        if not results[-1].ok:
            raise StepFailed(f"{host}: its state can't be read: {results[-1].said}\nIs it bootstrapped? inv bootstrap")
        return self.read(host, facts_of.decode(host, results[-1].out))

    def ask(self, fleet: Fleet) -> tuple[Answer, ...]:
        """Ask all hosts; raises what is wrong with the first that doesn't tell."""
        answers = answers_of(fleet.ask({host: [self.command] for host in fleet.remotes}))
        return tuple(self.answer(host, results) for host, results in answers.items())

    def survey(self, hosts: Iterable[Host], environment: Environment) -> tuple[list[Answer], dict[Host, DeplError]]:
        """Ask hosts for a moment, without a lock; those that don't tell are the second half, with the reason."""
        found: list[Answer] = []
        missing: dict[Host, DeplError] = {}
        with Fleet(hosts, environment) as fleet:
            opened = fleet.open()
            answers = fleet.ask({host: [self.command] for host, error in opened.items() if not error})
            for host in opened:
                try:
                    found.append(self.answer(host, _or_raise(opened[host] or answers[host])))
                except DeplError as error:
                    missing[host] = error
        return found, missing


def of_app_hosts(target: Target, *, memory: bool = False) -> Question[Facts]:
    """What is on an app host. How much memory containers use costs an inquiry for each."""
    argv = onhost.facts(target.layout, target.app.health.path, memory=memory, names=needs.remote(target))
    command = Command(argv, timeout=FACTS_SECONDS)
    return Question(command, lambda host, answer: facts_of.parse(host, target.layout, answer))


def of_balancers(target: Target) -> Question[Balancer]:
    """What a balancer does with an app, and what it gets from the app's hosts."""
    hosts = {host.name: host.address for host in target.hosts}
    argv = onhost.balance(target.layout, hosts, target.placement.domains[0], target.app.health.path)
    return Question(Command(argv, timeout=FACTS_SECONDS), balancer.parse)


def of_services(estate: Estate) -> Question[ServiceFacts]:
    """What is on a host of an environment's services; each that runs is asked how it is."""
    asked = services.questions(estate)
    return Question(
        Command(onhost.services(estate.layout.home, asked), timeout=20 + 20 * len(asked)),
        lambda host, answer: service_facts.parse(host, answer, asked),
    )


def of_branches() -> Question[Staging]:
    """What is of branches on the staging host."""
    return Question(Command(onhost.branches(ROOT), timeout=FACTS_SECONDS), branch_facts.parse)


def _or_raise(answer: list[Result] | Exception) -> list[Result]:
    if isinstance(answer, Exception):
        raise answer
    return answer
