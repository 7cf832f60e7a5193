"""What plans need to know beside the facts of a host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ..model.app import App
from ..model.branch import Branch
from ..model.environment import Environment, Host, Placement
from ..model.layout import SERVICES, Layout
from ..model.secrets import NONE, Secrets
from ..model.service import OWN, Need, Service, Space
from ..model.version import Version


class Wish(Protocol):
    """What any work on hosts needs to know: whose folder holds the lock and the audit file, who asks, when."""

    @property
    def name(self) -> str: ...
    @property
    def layout(self) -> Layout: ...
    @property
    def environment(self) -> Environment: ...
    @property
    def who(self) -> str: ...
    @property
    def now(self) -> float: ...


@dataclass(frozen=True)
class Target:
    """An app in an environment: what it is, where it runs, and who asks (user@machine), at what time.

    `secrets` are there only for work that writes what processes get as their environment. Of a branch's app `number`
    is its own where a service counts its spaces.
    """

    app: App
    environment: Environment
    who: str
    now: float
    secrets: Secrets = NONE
    branch: Branch | None = None
    number: int = 0

    @property
    def name(self) -> str:
        return self.app.name

    @property
    def placement(self) -> Placement:
        return self.environment.apps[self.app.name]

    @property
    def hosts(self) -> tuple[Host, ...]:
        return self.environment.groups[self.placement.hosts]

    @property
    def layout(self) -> Layout:
        return Layout(self.app.name, self.branch.app if self.branch else "")

    def space(self, version: Version) -> Space:
        """The part of its services that a version of the app uses."""
        if not self.branch:
            return OWN
        return Space(self.branch.database(version), self.number, self.branch.folder)

    @property
    def url(self) -> str:
        """Where users find the app."""
        domain = self.placement.domains[0]
        return f"{'https' if self.environment.certificate_of(domain) else 'http'}://{domain}"

    def preview(self, version: Version) -> str:
        """A version's own URL. With TLS its name has dashes, since a wildcard certificate covers one label only."""
        domain = self.placement.domains[0]
        if self.environment.certificate_of_previews(domain):
            return f"https://{str(version).replace('.', '-')}.{domain}"
        return f"http://{version}.{domain}"


@dataclass(frozen=True)
class Estate:
    """The services of an environment, and which of them its apps need (by app, then by service)."""

    environment: Environment
    needs: Mapping[str, Mapping[str, Need]]
    who: str
    now: float
    secrets: Secrets = field(default_factory=Secrets, repr=False)

    @property
    def name(self) -> str:
        return SERVICES

    @property
    def verbs(self) -> str:
        """What the tasks for these services are called: inv services.up and so on."""
        return SERVICES

    @property
    def layout(self) -> Layout:
        return Layout(SERVICES)

    @property
    def hosts(self) -> tuple[Host, ...]:
        """The hosts of all services."""
        return tuple(sorted({self.environment.host(one.host) for one in self.environment.services.values()}))

    def on(self, host: Host) -> Mapping[str, Service]:
        """The services of one host."""
        return {name: one for name, one in sorted(self.environment.services.items()) if one.host == host.name}

    def apps_of(self, service: str) -> list[str]:
        """The apps that need a service."""
        return sorted(app for app, needs in self.needs.items() if service in needs)

    def restored_with(self, service: str) -> list[frozenset[str]]:  # noqa: ARG002 - each of apps' is restored alone
        """The sets of services that it belongs to whose backups have to be of one moment."""
        return []

    def ways(self, service: str) -> dict[str, str]:  # noqa: ARG002 - an app's services need none
        """What tells a service the way to others that it needs: its variables."""
        return {}

    def sockets(self, service: str) -> dict[str, str]:  # noqa: ARG002
        """The folders with sockets of services that a service needs: where its container finds them."""
        return {}

    def is_remote(self, service: str) -> bool:
        """Whether an app that needs it reaches it by TCP: from another host, or where it has no socket."""
        there = self.environment.services[service]
        own = there.host if there.socket_name else None
        groups = (self.environment.groups[self.environment.apps[app].hosts] for app in self.apps_of(service))
        return any(host.name != own for hosts in groups for host in hosts)
