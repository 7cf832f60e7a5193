"""What the inventory says of branches, held to what can be: each refusal names its key."""

from __future__ import annotations

import re

from ..model.environment import Branches, Environment
from .apps import check_variables
from .read import DOMAIN, NAME, is_text, require

_INSIDE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*", re.ASCII)


def check(branches: Branches, environment: Environment, at: str) -> None:
    """Refuse branches that can't be; raises BadConfig with the path of its key."""
    there = {host.name for hosts in environment.groups.values() for host in hosts}
    require(branches.host in there, f"{at}.host", f"there is no host {branches.host!r:.60} in a group of the inventory")
    require(0 < branches.limit <= 1000, f"{at}.limit", "expected 1 to 1000 branches")
    require(0 <= branches.sleep_after <= 30 * 86400, f"{at}.sleep_after", "expected 0 to 2592000 seconds")
    require(all(map(is_text, branches.skip)), f"{at}.skip", "has characters that no branch's name can have")
    domains: dict[str, str] = {}
    for app, placement in branches.apps.items():
        where = f"{at}.apps.{app}"
        require(NAME.fullmatch(app), where, "an app's name has 1 to 30 of a-z, 0-9 and '-', a letter first")
        require(placement.domains, f"{where}.domains", "is empty")
        for domain in placement.domains:
            require(DOMAIN.fullmatch(domain), f"{where}.domains", f"{domain!r:.60} is no host name")
            other = domains.setdefault(domain, app)
            require(other == app, f"{where}.domains", f"{domain} is {other}'s already")
        require(is_text(placement.repository, "\r\n") and not placement.repository.startswith("-"),
                f"{where}.repository", "expected an address that git knows")  # fmt: skip
        require(not placement.scrub or _INSIDE.fullmatch(placement.scrub), f"{where}.scrub",
                "expected a file's path inside the project")  # fmt: skip
        check_variables(placement.environment, f"{where}.environment")
        for need, name in placement.services.items():
            service = environment.services.get(name)
            key = f"{where}.services.{need}"
            require(service, key, f"depl_services has no {name!r:.60}")
            require(service and service.host == branches.host, key, f"{name} is not on {branches.host}")
            require(service and service.socket_name, key, f"{name} has no socket, and branches reach it by that alone")
