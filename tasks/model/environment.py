"""Where apps run: what conf/inventory/<environment>/ says, as values."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field

from .infra import Infra
from .notice import Notify
from .service import Service

BALANCERS = "balancers"
"""The inventory's name of that group."""


@dataclass(frozen=True, order=True)
class Host:
    """An SSH target. `name` is what people and the inventory call it."""

    name: str
    address: str
    port: int = 22

    def __str__(self) -> str:
        return self.name


def is_address(text: str) -> bool:
    """Whether a text is an IP address, without an interface's name behind it."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


NAMED = 6


def names(hosts: Iterable[Host]) -> str:
    """Hosts as people are told them: by name, and where they are many by their number too."""
    all_names = [host.name for host in hosts]
    if len(all_names) <= NAMED:
        return ", ".join(all_names)
    return f"{', '.join(all_names[: NAMED - 2])} … {all_names[-1]} ({len(all_names)} hosts)"


@dataclass(frozen=True)
class Placement:
    """Where one app runs: its host names in URLs, its group of hosts, its plain variables."""

    domains: tuple[str, ...]
    hosts: str = "appservers"
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Certificate:
    """Where a certificate (with its chain) and its key lie: PEM files on the deploy host."""

    certificate: str
    key: str


@dataclass(frozen=True)
class PreviewAllow:
    """Who may see previews: these networks, and these users with their passwords; nobody by default."""

    networks: tuple[str, ...] = ()
    users: dict[str, str] = field(default_factory=dict, repr=False)

    def __bool__(self) -> bool:
        return bool(self.networks or self.users)


@dataclass(frozen=True)
class ClickHouse:
    """A server that has the log lines of all hosts in a table, and who asks it; `url` is of its HTTP interface."""

    url: str
    table: str = "requests"
    user: str = "default"
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class BranchPlacement:
    """Where an app's branches run, and with what: `services` says which of depl_services stands for which of its own.

    A branch's URL is its label before each of `domains`. `repository` is git's address of it; default: the remote
    `origin` of the app's source, or that itself. `scrub` is a file of the project with SQL, run on each new template.
    """

    domains: tuple[str, ...]
    repository: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    services: dict[str, str] = field(default_factory=dict)
    scrub: str = ""


@dataclass(frozen=True)
class Branches:
    """The staging host, and what may be there: an app for every branch, up to `limit` of them.

    `skip` has patterns of branches that get none, such as dependabot/*. One without a visitor for `sleep_after`
    seconds is put to sleep; 0 for never.
    """

    host: str
    apps: dict[str, BranchPlacement] = field(default_factory=dict)
    skip: tuple[str, ...] = ()
    limit: int = 100
    sleep_after: int = 1800


@dataclass(frozen=True)
class Environment:
    """One inventory: servers, domains, limits."""

    name: str
    registry: str
    groups: dict[str, tuple[Host, ...]]
    apps: dict[str, Placement]
    user: str = "depl"
    known_hosts: str = "/etc/depl/known_hosts"
    cache: str = "/var/lib/depl"
    slots: int = 8
    keep_running: int = 2
    keep_installed: int = 4
    keep_built: int = 50
    drain: int = 60
    lock_wait: int = 0
    tls: dict[str, Certificate] = field(default_factory=dict)
    hsts: int = 31536000
    trusted_proxies: tuple[str, ...] = ()
    preview_allow: PreviewAllow = field(default_factory=PreviewAllow)
    services: dict[str, Service] = field(default_factory=dict)
    default_app: str = ""
    clickhouse: ClickHouse | None = None
    branches: Branches | None = None
    notify: Notify | None = None
    infra: Infra | None = None
    names: dict[str, str] = field(default_factory=dict)

    def certificate_of(self, domain: str) -> str:
        """The name in `tls` that covers a host name: itself, or a wildcard for its last label; "" for none."""
        wildcard = f"*.{domain.partition('.')[2]}"
        return next((name for name in (domain, wildcard) if name in self.tls), "")

    def certificate_of_previews(self, domain: str) -> str:
        """The name in `tls` that covers the previews of a host name; "" for none."""
        wildcard = f"*.{domain}"
        return wildcard if wildcard in self.tls else ""

    def host(self, name: str) -> Host:
        """A host of any group, by its name; the inventory's gate has seen to it that there is one."""
        return next(host for hosts in self.groups.values() for host in hosts if host.name == name)

    @property
    def balancers(self) -> tuple[Host, ...]:
        """The hosts that spread visitors over app hosts; none where something else does."""
        return self.groups.get(BALANCERS, ())


"""Fields: `slots` places per app and host (2 to 10); `keep_running` and `keep_installed` releases beside
live and canary; `keep_built` versions of an app in the registry, beside those that hosts need; `drain`
seconds that a release stays after it lost its traffic; `lock_wait` seconds to wait for somebody
else's work on the same app; `tls` certificates by the name that they
are for (a host name, or *.host.name); `hsts` seconds that browsers shall insist on TLS, 0 for not at
all; `trusted_proxies` networks whose X-Forwarded-For and X-Forwarded-Proto are believed; `default_app`
the app that is meant where nobody says which; `clickhouse` counts instead of the hosts where there is one;
`branches` says where every pushed branch is an app of its own; `notify` who is told of what deploys do;
`infra` which services the company has for itself; `names` what apps' containers find under names that no DNS
knows: a host of the inventory, or an address."""
