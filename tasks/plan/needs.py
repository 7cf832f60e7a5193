"""How a release reaches the services that its app needs: variables, sockets, addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..errors import BadConfig, Refused
from ..model.app import App
from ..model.environment import Environment, Host, is_address
from ..model.layout import ServiceLayout
from ..model.service import Service, fill, way
from ..model.version import Version
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


def variables(target: Target, version: Version, host: Host, database: str = "") -> dict[str, str]:
    """What tells a version on a host the way to its services; to another `database` than its own, for a rehearsal."""
    space = replace(target.space(version), database=database) if database else target.space(version)
    found: dict[str, str] = {}
    for name, need in target.app.services.items():
        service = target.environment.services[name]
        folder = ServiceLayout(name).in_container if _shares(service, host) else None
        address = target.environment.host(service.host).address
        parts = way(service, target.app.name, secret(target, name), folder, address, space)
        wanted = need.variables or {f"{name.upper().replace('-', '_')}_URL": "url"}
        found |= {variable: fill(wish, parts) for variable, wish in wanted.items()}
    return found


def secret(target: Target, name: str) -> str:
    """The password of a service, which those of its users are made of; raises Refused where a known kind has none."""
    found = target.secrets.services.get(name, {}).get("password", "")
    if not found and target.environment.services[name].known:
        raise Refused(f"The service {name} has no password.\nSet services.{name}.password: inv secrets.edit")
    return found


def mounts(target: Target, host: Host) -> dict[str, str]:
    """The sockets of services on this host, by the folders that they lie in: where containers find them."""
    layouts = [ServiceLayout(name) for name, service in _of(target).items() if _shares(service, host)]
    return {one.sockets: one.in_container for one in layouts}


def addresses(target: Target, facts: Facts) -> dict[str, str]:
    """What a release's containers can't look up by themselves, as this host knows it.

    Hosts of services elsewhere, without which it is Refused; and those of the inventory's own names that can be had.
    """
    found = {}
    for name in sorted(_remote(target, facts.host)):
        if not (address := facts.addresses.get(name)):
            raise Refused(f"{facts.host} can't look up {name}, where a service of {target.app.name} runs.\n"
                          "Give the host an ansible_host in the inventory that all hosts know.")  # fmt: skip
        found[name] = address
    return found | _named(target, facts)


def unknown(target: Target, facts: Facts) -> list[str]:
    """The inventory's own names whose place this host can't look up: containers are made without them.

    Such as the error tracker's. What is for reports is no reason to refuse a rollback.
    """
    return sorted(set(_places(target)) - set(_named(target, facts)))


def _named(target: Target, facts: Facts) -> dict[str, str]:
    found = {
        name: place if is_address(place) else facts.addresses.get(place) for name, place in _places(target).items()
    }
    return {name: address for name, address in found.items() if address}


def remote(target: Target) -> list[str]:
    """The names, not addresses, of hosts that containers of the app are told of: those of services that they reach by
    TCP, and those of the inventory's names.
    """
    named = {place for place in _places(target).values() if not is_address(place)}
    return sorted(named.union(*(_remote(target, host) for host in target.hosts)))


def _places(target: Target) -> dict[str, str]:
    """Where the names of the inventory lead: what hosts look up, or an address."""
    environment = target.environment
    return {
        name: place if is_address(place) else environment.host(place).address
        for name, place in sorted(environment.names.items())
    }


def _remote(target: Target, host: Host) -> set[str]:
    there = {target.environment.host(one.host).address for one in _of(target).values() if not _shares(one, host)}
    return {one for one in there if not is_address(one)}


def _of(target: Target) -> Mapping[str, Service]:
    return {name: target.environment.services[name] for name in target.app.services}


def _shares(service: Service, host: Host) -> bool:
    """Whether the way is a socket's: the service is on the same host, and has one."""
    return service.host == host.name and bool(service.socket_name)
