"""What the inventory says of the company's own services, held to what can be beside each other and beside apps."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..errors import BadConfig
from ..model.environment import Environment
from ..model.infra import BUGSINK, GROUP, SENTRY, SENTRY_PORT, ZABBIX, Infra, InfraService
from ..model.service import KINDS, PARTS, Service, is_wish
from . import check_services
from .apps import check_variables
from .check_services import ANYWHERE, PUBLISHED
from .read import DOMAIN, MEMORY, is_text, require

_TRACKERS = (BUGSINK, SENTRY)
_OF_HOSTS = {22: "sshd", 80: "nginx", 443: "nginx"}
"""What listens on each host of these services, on all of its addresses."""


def check(infra: Infra, environment: Environment, at: str) -> None:
    """Refuse services of the company that can't be, each or beside each other; raises BadConfig with the key's path."""
    require(infra.error_tracker in _TRACKERS, f"{at}.error_tracker", f"expected one of {', '.join(_TRACKERS)}")
    require(infra.domains, f"{at}.domains", "is empty")
    names, ports = _Names(), _Ports()
    names.of_apps(environment)
    names.take(infra.domains, "the page of all services", f"{at}.domains")
    for host in {infra.host, *(service.host for service in infra.services.values())}:
        ports.taken += [(host, ANYWHERE, port, of) for port, of in _OF_HOSTS.items()]
    for name, other in environment.services.items():
        ports.take(name, other, bool(other.port), f"depl_services.{name}")
    if infra.error_tracker == SENTRY:
        names.take((f"{SENTRY}.{infra.domains[0]}",), "Sentry", f"{at}.error_tracker")
        ports.taken.append((infra.host, "127.0.0.1", SENTRY_PORT, "Sentry"))
    for name, service in infra.services.items():
        where = f"{at}.services.{name}"
        _check(name, service, infra, environment, where)
        names.take(service.domains, name, f"{where}.domains")
        by_tcp = any(one.tcp and name in one.needs for one in infra.services.values())
        ports.take(name, service, by_tcp or bool(service.port and not service.socket_name), where)


def _check(name: str, service: InfraService, infra: Infra, environment: Environment, at: str) -> None:
    check_services.check(name, service, environment, at)
    ours = {host.name for host in environment.groups.get(GROUP, ())}
    require(service.host in ours, f"{at}.host", f"{service.host} is not in group {GROUP} of the inventory")
    both = name in environment.services
    require(not both, at, f"{name} is in depl_services too, and both would be one container")
    led = not service.domains or service.socket or service.port
    require(led, f"{at}.port", "say port or socket: nginx leads there")
    asked = {ZABBIX, BUGSINK} if infra.error_tracker == BUGSINK else {ZABBIX}
    named = service.domains or asked.isdisjoint((service.app, service.recipe))
    require(named, f"{at}.domains", "inv infra.apps asks it by a name: say one")
    require(MEMORY.fullmatch(service.max_body), f"{at}.max_body", "expected a size such as 20m")
    require(all(map(is_text, service.version)), f"{at}.version", "has characters that no command line can have")
    _check_needs(name, service, infra, at)


def _check_needs(name: str, service: InfraService, infra: Infra, at: str) -> None:
    for need, variables in service.needs.items():
        there, where = infra.services.get(need), f"{at}.needs.{need}"
        if not there or not there.known:
            raise BadConfig(where, f"depl_infra.services has no {need:.60} that is one of {', '.join(KINDS)}")
        require(there.host == service.host, where, f"{need} is on {there.host}, {name} on {service.host}")
        check_variables(variables, where)
        for variable, wish in variables.items():
            expected = f"expected one of {', '.join(PARTS)}, or a text with some in braces"
            require(is_wish(wish), f"{where}.{variable}", expected)
        if service.tcp and ipaddress.ip_address(there.listen).is_loopback:
            advice = f"give {need} a `listen` that containers reach, such as 172.17.0.1"
            raise BadConfig(where, f"{name} reaches it by TCP: {advice}")


@dataclass
class _Names:
    """Whose each host name is. Every name before one of `branches` is some branch's."""

    taken: dict[str, str] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def of_apps(self, environment: Environment) -> None:
        for app, placed in environment.apps.items():
            self.taken |= dict.fromkeys(placed.domains, f"the app {app}")
        for app, branched in (environment.branches.apps if environment.branches else {}).items():
            self.branches |= dict.fromkeys(branched.domains, f"the branches of {app}")

    def take(self, domains: tuple[str, ...], name: str, at: str) -> None:
        """Note whose host names are; raises BadConfig for what is none, or leads elsewhere already."""
        for domain in domains:
            require(DOMAIN.fullmatch(domain), at, f"{domain!r:.60} is no host name")
            others = [self.taken.setdefault(domain, name)]
            others += [of for one, of in self.branches.items() if f".{domain}".endswith(f".{one}")]
            for other in others:
                require(other == name, at, f"{domain} is {other}'s already")


@dataclass
class _Ports:
    """Who listens where: host, address, port, name."""

    taken: list[tuple[str, str, int, str]] = field(default_factory=list)

    def take(self, name: str, service: Service, reached: bool, at: str) -> None:
        """Note where a service listens, with its port where it is `reached` by that; raises BadConfig for two."""
        for key, address, port in _listens(service, reached):
            there = [who for host, where, number, who in self.taken
                     if (host, number) == (service.host, port) and _overlap(where, address)]  # fmt: skip
            other = next(iter(there), "")
            require(not other, f"{at}.{key}", f"{port} on {service.host} is {other}'s already")
            self.taken.append((service.host, address, port, name))


def _listens(service: Service, reached: bool) -> Iterator[tuple[str, str, int]]:
    if reached and service.outer_port:
        yield "port", service.listen, service.outer_port
    for text in service.publish:
        if found := PUBLISHED.fullmatch(text):
            yield "publish", found["address"] or ANYWHERE, int(found["outer"])


def _overlap(first: str, second: str) -> bool:
    return first == second or any(ipaddress.ip_address(one).is_unspecified for one in (first, second))
