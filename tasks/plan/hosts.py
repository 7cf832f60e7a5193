"""Which app hosts get traffic: write the next table on all balancers, then make it live on all of them."""

from __future__ import annotations

from collections.abc import Sequence

from ..commands import files
from ..errors import Refused
from ..model.environment import Host
from ..model.rotation import spread
from . import render, site
from .balancer import Balancer, Shares
from .promote import switch
from .steps import HostPlan, Plan, Step, together
from .wishes import Target

PHASES = ("prepare", "flip", "site")
KEPT_TABLES = 20
"""Tables that stay on a balancer, for whoever wants to see what was."""


def rotation(target: Target, balancers: Sequence[Balancer]) -> tuple[str, ...]:
    """The hosts of the inventory that get traffic; all of them where no table names one of them."""
    newest = _newest(balancers)
    names = tuple(host.name for host in target.hosts)
    return tuple(name for name in names if newest and name in newest.hosts) or names


def out(target: Target, balancers: Sequence[Balancer]) -> list[Host]:
    """The hosts of the inventory that no balancer sends visitors to."""
    busy = {name for one in balancers for name in rotation(target, [one])}
    return [host for host in target.hosts if balancers and host.name not in busy]


def behind(target: Target, balancers: Sequence[Balancer]) -> list[str]:
    """The balancers that don't do what the newest table says: an older one, moved hosts, a table edited by hand."""
    return [one.host.name for one in balancers if _is_behind(target, one, balancers)]


def _is_behind(target: Target, one: Balancer, balancers: Sequence[Balancer]) -> bool:
    try:
        wanted = keep(target, balancers)
    except Refused:  # somebody can't find an address any more
        return True
    return any(phase.steps[one.host] for phase in wanted.phases)


def keep(target: Target, balancers: Sequence[Balancer]) -> Plan:
    """Leave it at the hosts that get traffic: a balancer that is new, or behind, comes to that too; raises Refused."""
    return plan(target, balancers, rotation(target, balancers))


def plan(target: Target, balancers: Sequence[Balancer], hosts: Sequence[str]) -> Plan:
    """Give these hosts equal shares of the visitors on all balancers; raises Refused."""
    newest = _newest(balancers)
    buckets = spread(newest.buckets if newest else (), hosts)
    return together(PHASES, {one.host: _on_balancer(target, one, buckets) for one in balancers})


def drain(target: Target, host: Host, balancers: Sequence[Balancer]) -> Plan:
    """Take a host's share and give it to the others; raises Refused where nobody would be left to serve."""
    others = [name for name in rotation(target, balancers) if name != host.name]
    if not others:
        raise Refused(
            f"{host} is the only host of {target.app.name} that gets traffic, so it stays in.\n"
            "Bring another one in first: inv hosts.add HOST"
        )
    for one in balancers:
        if not any(one.answers.get(name) == 200 for name in others):
            raise Refused(
                f"Of {', '.join(others)} none answers {one.host} with a healthy page: without {host} nobody would "
                f"serve {target.app.name}.\nNothing was changed. See: inv status"
            )
    return plan(target, balancers, others)


def add(target: Target, host: Host, balancers: Sequence[Balancer]) -> Plan:
    """Give a host an equal share; raises Refused while a balancer gets no healthy page from it."""
    for one in balancers:
        answer = one.answers.get(host.name)
        if answer != 200:
            said = f"answers {answer} to" if answer else "does not answer"
            raise Refused(
                f"{host} {said} {one.host} (GET {target.app.health.path}, port 80), so it gets no traffic.\n"
                f"Mend that, then again: inv hosts.add {host}"
            )
    names = {*rotation(target, balancers), host.name}
    return plan(target, balancers, [one.name for one in target.hosts if one.name in names])


def _newest(balancers: Sequence[Balancer]) -> Shares | None:
    return max((one.shares for one in balancers if one.shares), key=lambda shares: shares.at, default=None)


def _on_balancer(target: Target, balancer: Balancer, buckets: tuple[str, ...]) -> HostPlan:
    layout = target.layout
    unknown = sorted(set(buckets) - set(balancer.addresses))
    if unknown:
        raise Refused(
            f"{balancer.host} can't find the address of {', '.join(unknown)}.\n"
            "Set ansible_host in the inventory, or mend its DNS."
        )
    wanted = Shares(buckets, {name: balancer.addresses[name] for name in sorted(set(buckets))}, target.now)
    site.must_be_bootstrapped(target, balancer.host, balancer.certificates, "balancer")
    load = site.steps(layout, balancer.site, render.balancer(target.app, target.placement, target.environment))
    if balancer.shares == wanted and balancer.intact:
        return {"site": load}
    description = {**wanted.description, "at": target.now, "by": target.who}
    number = max(balancer.tables, default=0) + 1
    change = switch(layout, number, balancer.number, description, f"send visitors to {', '.join(wanted.hosts)}")
    old = [layout.table(one) for one in balancer.tables[:-KEPT_TABLES] if one != balancer.number]
    return {
        "prepare": (
            *((Step("remove old tables", files.remove(*old), forgiven=True),) if old else ()),
            Step("make the app's folder", files.folder(f"{layout.home}/routes")),
            *change["prepare"],
        ),
        "flip": change["flip"],
        "site": load,
    }
