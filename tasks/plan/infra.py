"""The company's own services as an estate like any other: what each needs of its like, and which start first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ..errors import Refused
from ..model.environment import Environment, Host
from ..model.infra import Infra, InfraService
from ..model.layout import ServiceLayout
from ..model.secrets import Secrets
from ..model.service import Need, Service, fill, way
from . import services
from .wishes import Estate


@dataclass(frozen=True)
class InfraEstate(Estate):
    """Services that need each other, and that people open. `infra` has all of them, whichever of them this is about.

    Those that are `beside` are looked at, and nothing is done to them.
    """

    infra: Infra = field(default_factory=lambda: Infra("", (), {}))
    beside: frozenset[str] = frozenset()

    @property
    def verbs(self) -> str:
        return "infra"

    def only(self, names: Iterable[str]) -> InfraEstate:
        """The same about some of the services."""
        chosen = {name: self.environment.services[name] for name in names}
        return replace(self, environment=replace(self.environment, services=chosen))

    def on(self, host: Host) -> Mapping[str, Service]:
        return {name: one for name, one in super().on(host).items() if name not in self.beside}

    def restored_with(self, service: str) -> list[frozenset[str]]:
        groups = (
            frozenset(part for part in (name, *one.needs) if self.infra.services[part].data)
            for name, one in self.infra.services.items()
        )
        return [group for group in groups if service in group]

    def of(self, made_of: str) -> str:
        """The service that is made of an app or a recipe; "" where there is none."""
        return next((name for name, one in self.infra.services.items() if made_of in (one.app, one.recipe)), "")

    def url(self, service: str) -> str:
        """Where people open a service, and its API is asked."""
        domain = self.infra.services[service].domains[0]
        return f"{'https' if self.environment.certificate_of(domain) else 'http'}://{domain}"

    def is_remote(self, service: str) -> bool:
        """Whether it is reached by a port: by nginx, where it has no socket, or by others that can't use one."""
        there = self.infra.services[service]
        by_others = any(self.infra.services[one].tcp for one in self.apps_of(service))
        return by_others or bool(there.port and not there.socket_name)

    def ways(self, service: str) -> dict[str, str]:
        own, found = self.infra.services[service], dict[str, str]()
        for name, variables in own.needs.items():
            there = self.infra.services[name]
            folder = None if own.tcp else ServiceLayout(name).in_container
            parts = way(there, service, services.secret(self, name), folder, there.listen)
            found |= {variable: fill(wish, parts) for variable, wish in variables.items()}
        return found

    def sockets(self, service: str) -> dict[str, str]:
        own = self.infra.services[service]
        layouts = [] if own.tcp else [ServiceLayout(name) for name in own.needs]
        return {one.sockets: one.in_container for one in layouts}


def estate(environment: Environment, infra: Infra, who: str, now: float, secrets: Secrets) -> InfraEstate:
    """The company's services of an environment, for the same plans as those of apps."""
    needs = {
        name: {need: Need(infra.services[need].kind, variables) for need, variables in service.needs.items()}
        for name, service in infra.services.items()
    }
    everything: dict[str, InfraService] = infra.services
    return InfraEstate(replace(environment, services=dict(everything)), needs, who, now, secrets, infra)


def in_order(of: InfraEstate) -> tuple[InfraEstate, ...]:
    """The services in the order in which they come up: first the databases, which then let the others in."""
    first = [name for name, service in of.environment.services.items() if service.known]
    then = [name for name in of.environment.services if name not in first]
    return tuple(of.only(names) for names in (first, then) if names)


def names_in_order(of: InfraEstate) -> list[str]:
    """Their names, what others need first."""
    return [name for part in in_order(of) for name in part.environment.services]


def with_data(of: InfraEstate, name: str | None, *, alone: bool = False) -> InfraEstate:
    """What a backup is made of: of a service its own data and its databases; of all where none is named.

    Of one `alone` it is its own data.
    """
    chosen = of.environment.services if name is None else [name, *(() if alone else of.infra.services[name].needs)]
    kept = sorted({one for one in chosen if of.environment.services[one].data})
    if not kept and alone:
        raise Refused(f"{name} has no data of its own.\nWith its databases: the same without --alone")
    if not kept:
        raise Refused(f"{name} has no data, and needs no database.\nSee: inv infra.status")
    return of.only(kept)


def to_back_up(of: InfraEstate, name: str | None) -> InfraEstate:
    """What a backup is made of; beside it what is restored with that, whose backups tell which old ones must stay."""
    chosen = set(with_data(of, name).environment.services)
    groups = [group for one in chosen for group in of.restored_with(one)]
    every = chosen.union(*groups)
    return replace(of.only(sorted(every)), beside=frozenset(every - chosen))
