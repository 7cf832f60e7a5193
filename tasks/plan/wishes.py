"""What plans need to know beside the facts of a host."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.app import App
from ..model.environment import Environment, Host, Placement
from ..model.layout import Layout
from ..model.secrets import NONE, Secrets
from ..model.version import Version


@dataclass(frozen=True)
class Target:
    """An app in an environment: what it is, where it runs, and who asks (user@machine), at what time.

    `secrets` are there only for work that writes what processes get as their environment.
    """

    app: App
    environment: Environment
    who: str
    now: float
    secrets: Secrets = NONE

    @property
    def placement(self) -> Placement:
        return self.environment.apps[self.app.name]

    @property
    def hosts(self) -> tuple[Host, ...]:
        return self.environment.groups[self.placement.hosts]

    @property
    def layout(self) -> Layout:
        return Layout(self.app.name)

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
