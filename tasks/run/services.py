"""Work on the services of an environment: what they are, their images, one piece of work at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ..errors import BadInput, Refused, first_line
from ..model.environment import names
from ..model.secrets import NONE
from ..model.service import AGENTS, Service
from ..model.version import Version
from ..plan import build as recipes
from ..plan import services as plans
from ..plan.service_facts import ServiceFacts
from ..plan.wishes import Estate, Target
from . import apps, files, inventory, registry, secrets, settings, source
from . import images as of_apps
from .engine import Engine, in_words
from .question import of_services
from .report import Report
from .ssh import Fleet
from .work import Work, at_work, open_all

REPOSITORY = "services"
_ALL = "All hosts of services must answer."


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
    needs = apps.needs(environment)
    known = secrets.load(environment.name) if passwords else NONE
    return Estate(environment, needs, settings.who(), time.time(), known)


def one_of(estate: Estate, service: str) -> str:
    """A service's name as it was typed; raises BadInput for one that the inventory doesn't know."""
    if service not in estate.environment.services:
        known = ", ".join(sorted(estate.environment.services))
        raise BadInput(f"{service[:60]!r} is no service of {estate.environment.name}: expected {known}.")
    return service


def must_answer(estate: Estate) -> None:
    """Raise Unreachable for a host that can't be reached, ahead of minutes in which images are built for it."""
    with Fleet(estate.hosts, estate.environment) as fleet:
        open_all(fleet, _ALL)


@contextmanager
def on_services(verb: str, estate: Estate, report: Report, dry: bool) -> Iterator[OnServices]:
    """Open a piece of work on all hosts of services; its lock is held until the end, but for a dry run."""
    report.title(f"{verb} {names(estate.hosts)} ({estate.environment.name}){', dry run' if dry else ''}")
    with Fleet(estate.hosts, estate.environment) as fleet:
        open_all(fleet, _ALL)
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
    made: dict[tuple[object, ...], str] = {}
    found: dict[str, str] = {}
    # What stays as it is comes first: the newest image there is then not the one that is built for the others.
    for name, service in sorted(estate.environment.services.items(), key=lambda one: one[0] in fresh):
        key = (service.app, service.made_of, service.base, service.user, name in fresh)
        if not service.image and key not in made:
            image = _image_of_app if service.app else _image_of_recipe
            made[key] = image(estate, service, report, fresh=name in fresh, dry=dry)
        found[name] = service.image or made[key]
    return found


def _image_of_app(estate: Estate, service: Service, report: Report, *, fresh: bool, dry: bool) -> str:
    """The newest image of an app in the registry that is made of today's description; built where there is none."""
    app = service.app
    target = Target(apps.load(app), estate.environment, estate.who, estate.now)
    digest = recipes.digest(repr(target.app))
    where = f"{estate.environment.registry}/{app}"
    fitting = [tag for tag in registry.tags(estate.environment.registry, app) if tag.endswith(f"-{digest}")]
    if fitting and not fresh:
        return f"{where}:{fitting[-1]}"
    if dry:
        return f"{where}:{Version.next(datetime.now(UTC), registry.taken(target))}-{digest}"
    version = of_apps.build(target, source.find(target.app, None, dirty=False), report).image.version
    # With the description's digest, and so without being a version that could be installed as an app's.
    registry.name_again(target, version, f"{version}-{digest}", report)
    return f"{where}:{version}-{digest}"


@in_words("build of images")
def _image_of_recipe(estate: Estate, service: Service, report: Report, *, fresh: bool, dry: bool) -> str:
    """The newest image in the registry that is made of today's recipe; built and pushed where there is none."""
    kind, where = service.made_of, estate.environment.registry
    own = files.of_project(recipes.REQUIREMENTS, "depl's own requirements") if service.recipe in AGENTS else b""
    recipe = plans.recipe(service, own)
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
    of_apps.must_have_debian(engine)
    with report.phase(kind) as progress:
        wheels = of_apps.wheels_of_depl(engine, Path(estate.environment.cache), own, progress) if own else {}
        beside = {**recipe.files, **wheels}
        engine.build(f"image of {kind}", recipe.dockerfile, beside, image, progress.now, fresh=fresh)
        progress.tell(f"built, {engine.size(image) / 1e6:.0f} MB")
    with registry.undisturbed(estate.environment, report), report.phase("push") as progress:
        engine.push(f"{where}/{repository}", tag, progress.now)
    return image
