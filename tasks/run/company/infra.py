"""The company's own services, read from the inventory."""

from __future__ import annotations

import time

from ...errors import Refused
from ...model.secrets import NONE
from ...plan import infra as plans
from ...plan.infra import InfraEstate
from .. import inventory, secrets, settings


def read(*, passwords: bool = False) -> InfraEstate:
    """What services the company has for itself; with their `passwords` where a container is made.

    Raises BadConfig and Refused.
    """
    settings.load()
    environment = inventory.load(settings.environment())
    if not environment.infra or not environment.infra.services:
        raise Refused(
            f"conf/inventory/{environment.name} describes no services of the company's own.\nSay which in depl_infra: "
            "conf/inventory/production.example/group_vars/all.yml shows how."
        )
    known = secrets.load(environment.name) if passwords else NONE
    return plans.estate(environment, environment.infra, settings.who(), time.time(), known)
