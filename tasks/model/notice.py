"""A Notice is what a verb did, told to those who were not there; and who is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .change import Changes

DEPLOYS = ("promote", "rollback")
"""The verbs after which all users have another version."""
DRAIN, ADD = "hosts.drain", "hosts.add"
ABOUT_HOSTS = (DRAIN, ADD)
"""The verbs that are about hosts, whatever versions are on them."""


@dataclass(frozen=True)
class Notice:
    """What a verb did: `id` is its own, `at` in seconds since 1970, `percent` the share of users with the version.

    `former` is what was live before, "" where nothing was. Of a verb of ABOUT_HOSTS `hosts` are those that it was
    about, `version` is what is live where the verb knew it, else "", `former` is "" and `percent` 0.
    """

    id: str
    at: float
    verb: str
    app: str
    environment: str
    version: str
    former: str
    percent: float
    url: str
    who: str
    hosts: tuple[str, ...]
    changes: Changes = field(default_factory=Changes)

    @property
    def text(self) -> str:
        """The same as a sentence for people."""
        if self.verb in ABOUT_HOSTS:
            gets = "gets no traffic" if self.verb == DRAIN else "gets its traffic again"
            return f"{', '.join(self.hosts)} {gets} of {self.app} in {self.environment} (by {self.who})"
        did = {"promote": "is live", "rollback": "is live again", "install": "is installed"}.get(self.verb, "")
        share = f"has {self.percent:g} % of the users" if self.percent else "has no users any more"
        after = f", after {self.former}" if self.former and self.verb in DEPLOYS else ""
        more = f": {self.changes.summary}" if self.changes != Changes() else ""
        return f"{self.app} {self.version} {did or share} in {self.environment}{after}{more} (by {self.who})"


@dataclass(frozen=True)
class Address:
    """Where a receiver is: the address of its server."""

    url: str


@dataclass(frozen=True)
class Tracker:
    """An error tracker that speaks Sentry's protocol. `projects` has its own name of each app's project.

    With `bugsink` it is a number there; with `sentry` a slug, of the `organization`. An app that is not among them has
    the project of its own name.
    """

    url: str
    kind: Literal["sentry", "bugsink"] = "sentry"
    organization: str = ""
    projects: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Jira:
    """Where issues are. `user` is for Jira's cloud, whose tokens go with an address; `transition` a name, or none."""

    url: str
    user: str = ""
    transition: str = ""


@dataclass(frozen=True)
class Zabbix:
    """Monitoring: the address of Zabbix's pages, of its `server` for values as host:port, and who we are there.

    Without `server` it is port 10051 of the pages' host. `maintenance` is how many seconds a drained host raises no
    alarm at most, unless it comes back before.
    """

    url: str
    server: str = ""
    user: str = "Admin"
    maintenance: int = 14400


@dataclass(frozen=True)
class Notify:
    """Who is told what a deploy did; what they need to let us in is among the secrets, below notify.

    `deadline` is how many seconds a verb waits for all of them together.
    """

    webhook: Address | None = None
    chat: Address | None = None
    tracker: Tracker | None = None
    jira: Jira | None = None
    zabbix: Zabbix | None = None
    deadline: int = 3
