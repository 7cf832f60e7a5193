"""Look at hosts without a lock: what is where, and who gets visitors."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

from ..errors import first_line
from ..model.environment import Host
from ..plan import hosts
from ..plan.balancer import Balancer
from ..plan.facts import Facts
from ..plan.wishes import Target
from .question import of_app_hosts, of_balancers


def end_with_the_reader() -> None:
    """Let `inv status | head` just end: who only looks has nothing to put back."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def look(target: Target, *, memory: bool = False) -> tuple[list[Facts], dict[str, str]]:
    """Read all hosts without a lock; hosts that don't answer are the second half, with the reason."""
    found, missing = of_app_hosts(target, memory=memory).survey(target.hosts, target.environment)
    return found, {host.name: first_line(error) for host, error in missing.items()}


def look_around(target: Target, *, memory: bool = False) -> tuple[list[Facts], list[Balancer], dict[str, str]]:
    """Read all hosts of an app and its balancers, side by side; who doesn't answer comes last, with the reason."""
    with ThreadPoolExecutor(1) as pool:
        others = pool.submit(of_balancers(target).survey, target.environment.balancers, target.environment)
        facts, missing = look(target, memory=memory)
        balancers, silent = others.result()
    return facts, balancers, missing | {host.name: first_line(error) for host, error in silent.items()}


def out_of_rotation(target: Target) -> list[Host]:
    """The app's hosts that no balancer sends visitors to; none where no balancer answers."""
    found, _ = of_balancers(target).survey(target.environment.balancers, target.environment)
    return hosts.out(target, found)
