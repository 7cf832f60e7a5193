"""What the processes of a release get as environment variables, and which of those they need."""

from __future__ import annotations

from ..errors import Refused
from ..model.app import WEB
from ..model.environment import Host
from ..model.layout import ARMS_IN_CONTAINER, SOCKETS_IN_CONTAINER
from ..model.version import Version
from . import needs
from .wishes import Target


def merged(target: Target, version: Version, host: Host, database: str = "") -> dict[str, str]:
    """All variables of the app on a host: its description's, the inventory's, secrets, the way to services, depl's own.

    The later win. The way may lead to another `database` than the app's own. What sentry-sdk reads comes first: an app
    may call its releases otherwise.
    """
    where = target.environment.name
    tracked = {
        "SENTRY_ENVIRONMENT": f"{where}-branches" if target.branch else where,
        "SENTRY_RELEASE": str(version),
    }
    own = {
        "DEPL_APP": target.app.name,
        "DEPL_ARM_FILE": f"{ARMS_IN_CONTAINER}/{version}",
        "DEPL_ENVIRONMENT": where,
        "DEPL_SOCKET": f"{SOCKETS_IN_CONTAINER}/{WEB}.sock",
        "DEPL_VERSION": str(version),
    }
    way = needs.variables(target, version, host, database)
    secrets = target.secrets.apps.get(target.app.name, {})
    return {**tracked, **target.app.environment, **target.placement.environment, **secrets, **way, **own}


def text(target: Target, version: Version, host: Host, database: str = "") -> str:
    """The same as docker's --env-file has it."""
    return "".join(f"{key}={value}\n" for key, value in sorted(merged(target, version, host, database).items()))


def must_be_set(target: Target, version: Version, host: Host) -> None:
    """Refuse to start what needs variables that nobody set."""
    there = merged(target, version, host)
    secrets, plain = f"apps.{target.name}", f"depl_apps.{target.name}"
    if target.branch:
        secrets, plain = f"branches.{target.branch.app}", f"depl_branches.apps.{target.branch.app}"
    for part, component in target.app.components.items():
        missing = [one for one in component.needs if one not in there]
        if missing:
            raise Refused(
                f"{part} of {target.name} needs {', '.join(missing)}, which nobody set. Nothing was started.\n"
                f"A secret: inv secrets.edit, as {secrets}.{missing[0]}\n"
                f"A plain value: {plain}.environment in conf/inventory/{target.environment.name}"
            )
