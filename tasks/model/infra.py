"""The company's own services, beside those that apps need: an error tracker, monitoring, a build server."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .service import DATA_IN_SERVICE, OTHER, Service

BUGSINK, SENTRY = "bugsink", "sentry"
ZABBIX = "zabbix"
SENTRY_PORT = 9000
"""Where its installer's nginx listens, on the loopback of its host."""
GROUP = "infraservers"
"""The hosts that the playbook `services` makes ready for them."""


@dataclass(frozen=True)
class InfraService(Service):
    """A service that people open under host names of its own (`domains`), or a database that such a one needs.

    `needs` are the databases among its like, each with the variables that tell it the way there: as an app's services
    do; by a socket, or with `tcp` by the address that the database listens on. `version` is a program that prints which
    one of it runs. `max_body` is the largest upload that nginx lets through. Where nothing else is said it listens on
    its host alone, and is on the host that all are on.
    """

    kind: str = OTHER
    host: str = ""
    listen: str = "127.0.0.1"
    data: str = ""
    domains: tuple[str, ...] = ()
    needs: dict[str, dict[str, str]] = field(default_factory=dict)
    tcp: bool = False
    version: tuple[str, ...] = ()
    max_body: str = "20m"

    def at(self, host: str) -> InfraService:
        """The same where it says no host of its own; the project's own images know where their data are."""
        return replace(self, host=self.host or host, data=self.data or (DATA_IN_SERVICE if self.known else ""))


@dataclass(frozen=True)
class Infra:
    """The services, the host that they are on, and the host names of the page that shows how they are.

    `error_tracker` says which one errors go to: a Bugsink of `services`, or the self-hosted Sentry, which has its own
    installer. `agents` says whether deploy and app hosts get Zabbix's agent, by the playbook `services`.
    """

    host: str
    domains: tuple[str, ...]
    services: dict[str, InfraService]
    error_tracker: str = BUGSINK
    agents: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "services", {name: one.at(self.host) for name, one in self.services.items()})
