"""How a release reaches the services that its app needs: variables, sockets, addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from ..errors import BadConfig, Refused
from ..model.app import App
from ..model.environment import Environment, Host
from ..model.layout import ServiceLayout
from ..model.service import Service, fill, way
from .facts import Facts
from .wishes import Target


def must_be_there(app: App, environment: Environment) -> None:
    """Refuse an app that needs what the environment has not, or has of another kind; raises BadConfig."""
    for name, need in app.services.items():
        there = environment.services.get(name)
        at = f"conf/inventory/{environment.name}: depl_services"
        if not there:
            raise BadConfig(at, f"has no {name}, which conf/apps/{app.name}.yml needs ({need.kind})")
        if there.kind != need.kind:
            raise BadConfig(f"{at}.{name}.kind", f"is {there.kind}, but conf/apps/{app.name}.yml needs {need.kind}")


def variables(target: Target, host: Host, database: str = "") -> dict[str, str]:
    """What tells the app on a host the way to its services; to another `database` than its own, for a rehearsal."""
    found: dict[str, str] = {}
    for name, need in target.app.services.items():
        service = target.environment.services[name]
        secret = target.secrets.services.get(name, {}).get("password", "")
        if not secret and service.known:
            raise Refused(f"The service {name} has no password.\nSet services.{name}.password: inv secrets.edit")
        folder = ServiceLayout(name).in_container if _shares(service, host) else None
        other = database if service.kind == "postgresql" else ""
        parts = way(service, target.app.name, secret, folder, target.environment.host(service.host).address, other)
        wanted = need.variables or {f"{name.upper().replace('-', '_')}_URL": "url"}
        found |= {variable: fill(wish, parts) for variable, wish in wanted.items()}
    return found


def mounts(target: Target, host: Host) -> dict[str, str]:
    """The sockets of services on this host, by the folders that they lie in: where containers find them."""
    layouts = [ServiceLayout(name) for name, service in _of(target).items() if _shares(service, host)]
    return {one.sockets: one.in_container for one in layouts}


def addresses(target: Target, facts: Facts) -> dict[str, str]:
    """What a release's containers can't look up by themselves: hosts of services elsewhere, as this host knows them."""
    found = {}
    for name in sorted(_remote(target, facts.host)):
        if not (address := facts.addresses.get(name)):
            raise Refused(f"{facts.host} can't look up {name}, where a service of {target.app.name} runs.\n"
                          "Give the host an ansible_host in the inventory that all hosts know.")  # fmt: skip
        found[name] = address
    return found


def remote(target: Target) -> list[str]:
    """The names, not addresses, of the hosts of services that any host of the app reaches by TCP."""
    return sorted({name for host in target.hosts for name in _remote(target, host)})


def _remote(target: Target, host: Host) -> set[str]:
    there = {target.environment.host(one.host).address for one in _of(target).values() if not _shares(one, host)}
    return {one for one in there if not _is_address(one)}


def _of(target: Target) -> Mapping[str, Service]:
    return {name: target.environment.services[name] for name in target.app.services}


def _shares(service: Service, host: Host) -> bool:
    """Whether the way is a socket's: the service is on the same host, and has one."""
    return service.host == host.name and bool(service.socket_name)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
