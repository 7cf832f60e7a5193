"""Which app, in which environment: what the command line says, made a Target of by the configuration."""

from __future__ import annotations

import time
from dataclasses import replace

from ..errors import BadConfig, BadInput
from ..model.environment import Environment, Host
from ..plan import needs
from ..plan.wishes import Target
from . import apps, inventory, secrets, settings


def choose(app: str | None) -> Target:
    """Read what the app and the environment are; raises BadInput and BadConfig before anything is touched."""
    settings.load()
    environment: Environment = inventory.load(settings.environment())
    described = apps.load(apps.choose(app, environment))
    if described.name not in environment.apps:
        raise BadConfig(
            f"conf/inventory/{environment.name}: depl_apps", f"has no {described.name}, so it runs nowhere there"
        )
    needs.must_be_there(described, environment)
    return Target(described, environment, settings.who(), time.time())


def present(target: Target) -> Target:
    """The app with the time of now, for what is to be written down as happening now."""
    return replace(target, now=time.time())


def with_secrets(target: Target) -> Target:
    """Decrypt what the processes of an app get; raises BadConfig and Refused, before anything is touched."""
    return replace(target, secrets=secrets.load(target.environment.name))


def choose_on(name: str, app: str | None) -> list[tuple[Target, Host]]:
    """The apps that live on a host, or the named one, each with that host; raises BadInput."""
    settings.load()
    environment = inventory.load(settings.environment())
    targets = [choose(one) for one in sorted(environment.apps)] if app is None else [choose(app)]
    found = [(target, host) for target in targets for host in target.hosts if host.name == name]
    if not found:
        known = sorted({host.name for target in targets for host in target.hosts})
        raise BadInput(
            f"{name[:60]!r} is no host of {app or 'any app'} in {environment.name}: expected {' or '.join(known)}."
        )
    return found
