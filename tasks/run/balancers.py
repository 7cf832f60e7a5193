"""Work on the balancers of an app: which of its hosts get traffic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from ..commands import onhost
from ..errors import Locked, Refused, StepFailed, Unreachable
from ..model.environment import Host
from ..plan import hosts as plans
from ..plan.balancer import Balancer
from ..plan.wishes import Target
from .question import of_balancers
from .report import Report
from .ssh import Command, Fleet, answers_of
from .work import OnHosts, Work, at_work, open_all

MARGIN_SECONDS = 5


class OnBalancers(Work[Balancer]):
    """Work on an app's balancers, where there are any."""

    target: Target

    def __init__(self, target: Target, fleet: Fleet, report: Report, verb: str, dry: bool) -> None:
        super().__init__(target, fleet, report, of_balancers(target), verb, dry)

    def lock(self) -> None:
        if self._fleet.remotes:
            super().lock()

    def settle(self, host: Host) -> int:
        """Wait for the end of the requests under way to a host; returns how many are left after `depl_drain` s."""
        seconds = self.target.environment.drain
        asked = {
            one.host: [Command(onhost.settle(one.addresses[host.name], seconds), timeout=seconds + MARGIN_SECONDS)]
            for one in self.facts
            if host.name in one.addresses
        }
        left = 0
        with self.report.phase("settle") as progress:
            for balancer, results in answers_of(self._fleet.ask(asked)).items():
                if not results[-1].ok:
                    raise StepFailed(f"{balancer}: can't tell what is under way to {host}: {results[-1].said}")
                left += int(results[-1].out)
            progress.tell(f"{left or 'no'} requests to {host} under way")
        return left


@contextmanager
def on_balancers(verb: str, target: Target, report: Report, dry: bool) -> Iterator[OnBalancers]:
    """Open a piece of work on the balancers of an app, if any; raises Unreachable unless all of them answer."""
    with Fleet(target.environment.balancers, target.environment) as fleet:
        open_all(fleet, "To go on without {host}, comment it out in the inventory.")
        with at_work(OnBalancers(target, fleet, report, verb, dry)) as work:
            yield work


def introduce(work: OnHosts) -> None:
    """Have the balancers know an app: its site, and a first table with all its hosts.

    A balancer that is down, or not ready, keeps nobody from installing.
    """
    try:
        with on_balancers("install", work.target, work.report, work.dry) as balancers:
            planner = partial(plans.keep, work.target)
            if planner(balancers.facts):
                balancers.carry_out(planner, "spread visitors as before")
    except (Locked, Refused, Unreachable) as error:
        work.report.note(f"Note: {error}")
