"""Work on the services of an environment: what they are, their images, one piece of work at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from ..errors import BadInput, Refused, first_line
from ..model.environment import names
from ..model.secrets import NONE
from ..model.version import Version
from ..plan import build as recipes
from ..plan import services as plans
from ..plan.service_facts import ServiceFacts
from ..plan.wishes import Estate
from . import apps, inventory, registry, secrets, settings
from .engine import Engine
from .question import of_services
from .report import Report
from .ssh import Fleet
from .work import Work, at_work, open_all

REPOSITORY = "services"


class OnServices(Work[ServiceFacts]):
    """Work on the hosts of services."""

    target: Estate

    def __init__(self, estate: Estate, fleet: Fleet, report: Report, verb: str, dry: bool) -> None:
        super().__init__(estate, fleet, report, of_services(estate), verb, dry)


def read(*, passwords: bool = False) -> Estate:
    """What services there are, and who needs them; raises BadConfig and Refused.

    With their `passwords` where a container is made: to decrypt them takes a key.
    """
    settings.load()
    environment = inventory.load(settings.environment())
    if not environment.services:
        raise Refused(
            f"conf/inventory/{environment.name} describes no services.\nSay which in depl_services: conf/inventory/"
            "production.example/group_vars/all.yml shows how."
        )
    needs = {app: apps.load(app).services for app in sorted(environment.apps) if app in apps.names()}
    known = secrets.load(environment.name) if passwords else NONE
    return Estate(environment, needs, settings.who(), time.time(), known)


def one_of(estate: Estate, service: str) -> str:
    """A service's name as it was typed; raises BadInput for one that the inventory doesn't know."""
    if service not in estate.environment.services:
        known = ", ".join(sorted(estate.environment.services))
        raise BadInput(f"{service[:60]!r} is no service of {estate.environment.name}: expected {known}.")
    return service


@contextmanager
def on_services(verb: str, estate: Estate, report: Report, dry: bool) -> Iterator[OnServices]:
    """Open a piece of work on all hosts of services; its lock is held until the end, but for a dry run."""
    report.title(f"{verb} {names(estate.hosts)} ({estate.environment.name}){', dry run' if dry else ''}")
    with Fleet(estate.hosts, estate.environment) as fleet:
        open_all(fleet, "All hosts of services must answer.")
        with at_work(OnServices(estate, fleet, report, verb, dry)) as work:
            yield work


def look(estate: Estate) -> tuple[list[ServiceFacts], dict[str, str]]:
    """Read all hosts of services without a lock; hosts that don't answer are the second half, with the reason."""
    found, missing = of_services(estate).survey(estate.hosts, estate.environment)
    return found, {host.name: first_line(error) for host, error in missing.items()}


def images(
    estate: Estate, report: Report, *, fresh: frozenset[str] = frozenset(), dry: bool = False
) -> Mapping[str, str]:
    """The image of each service: what the inventory names, else the newest built of its kind. Builds what is missing.

    Those of `fresh` are built anew, with the packages of today. A dry run builds nothing: it names what would be built.
    """
    built: dict[tuple[str, bool], str] = {}
    found: dict[str, str] = {}
    # What stays as it is comes first: the newest image there is then not the one that is built for the others.
    for name, service in sorted(estate.environment.services.items(), key=lambda one: one[0] in fresh):
        key = (service.kind, name in fresh)
        if not service.image and key not in built:
            built[key] = _image(estate, service.kind, report, fresh=name in fresh, dry=dry)
        found[name] = service.image or built[key]
    return found


def _image(estate: Estate, kind: str, report: Report, *, fresh: bool, dry: bool) -> str:
    """The newest image in the registry that is made of today's recipe; built and pushed where there is none."""
    recipe, where = plans.recipe(kind), estate.environment.registry
    digest = recipe.tag().partition(":")[2]
    repository = f"{REPOSITORY}/{kind}"
    there = registry.tags(where, repository)
    fitting = sorted(tag for tag in there if tag.endswith(f"-{digest}"))
    if fitting and not fresh:
        return f"{where}/{repository}:{fitting[-1]}"
    taken = [Version(tag.partition("-")[0]) for tag in there]
    tag = f"{Version.next(datetime.now(UTC), taken)}-{digest}"
    image = f"{where}/{repository}:{tag}"
    if dry:
        return image
    engine = Engine(f"service-{kind}")
    if not engine.has(recipes.DEBIAN):
        raise Refused(f"The image {recipes.DEBIAN} is not on this host.\nFetch or make it: inv bootstrap --only deploy")
    with report.phase(kind) as progress:
        engine.build(f"image of {kind}", recipe.dockerfile, recipe.files, image, progress.now, fresh=fresh)
        engine.push(f"{where}/{repository}", tag, progress.now)
        progress.tell(f"built, {engine.size(image) / 1e6:.0f} MB")
    return image
