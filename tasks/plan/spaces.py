"""A branch's spaces in services: allotted, filled with a copy of a database, and all of it taken back.

Services are reached by their sockets alone, so they are on the branch's own host.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..commands import Argv, docker
from ..errors import Refused
from ..model.app import App
from ..model.branch import BETWEEN
from ..model.environment import BranchPlacement
from ..model.layout import ServiceLayout
from ..model.service import password_of
from ..model.version import Version
from . import needs
from .steps import Step
from .wishes import Target

TEMPLATE = "template."
"""Before an app's name in its template's: no branch's folder begins like that, and no app is called so."""
SECONDS = 120
COPY_SECONDS = 3600
_DATABASE = "postgresql"


def template(app: str) -> str:
    """The database, and the role of the same name, that databases of an app's branches are copies of."""
    return f"{TEMPLATE}{app}"


def database_service(app: App, branches: BranchPlacement) -> str:
    """The one service that an app's branches have their databases in; raises Refused where it is not one."""
    found = sorted({branches.services[name] for name, need in app.services.items() if need.kind == _DATABASE})
    if len(found) != 1:
        raise Refused(
            f"{app.name} has {len(found)} databases of kind {_DATABASE}; a template is for exactly one.\n"
            f"Say what it needs: services in conf/apps/{app.name}.yml"
        )
    return found[0]


def load(app: str, service: str) -> Argv:
    """Begin a template with what comes by standard input; the former one stays until fill() has ended."""
    return _inside(service, "template", "load", app)


def drop(app: str, service: str) -> Argv:
    """Remove what was loaded, and is not the template yet."""
    return _inside(service, "template", "drop", app)


def fill(app: str, service: str, scrub: str, sql: bytes) -> dict[str, tuple[Step, ...]]:
    """The steps, by phase, that make what was loaded the template: scrubbed by the SQL of the file `scrub`, if any."""
    undo = drop(app, service)
    return {
        "scrub": (
            Step(f"run {scrub}", _inside(service, "template", "scrub", app), sql, undo, timeout=COPY_SECONDS),
        ) if scrub else (),
        "use": (
            Step(f"use it as {template(app)}", _inside(service, "template", "use", app), undo=undo,
                 timeout=COPY_SECONDS, tells=True),
        ),
    }  # fmt: skip


def allot(target: Target) -> tuple[Step, ...]:
    """Give a branch a user and a space in each of its services, where it lacks them."""
    return tuple(
        Step(
            f"give {target.name} its space in {name}",
            _inside(name, "allot", target.name, str(target.number)),
            f"{password_of(needs.secret(target, name), target.name)}\n".encode(),
            timeout=SECONDS,
        )
        for name in _of(target)
    )


def copy(target: Target, version: Version, sources: Mapping[str, str]) -> tuple[Step, ...]:
    """Make the database of a version: in each service a copy of its source, else of the template, or empty.

    `sources` are the databases to copy, by service.
    """
    made = target.space(version).database
    return tuple(
        Step(
            f"make database {made}",
            _inside(name, "copy", sources.get(name, ""), made, target.name, template(target.layout.branches_of)),
            undo=_inside(name, "discard", made),
            timeout=COPY_SECONDS,
            tells=True,
        )
        for name in _of(target, _DATABASE)
    )


def discard(target: Target, databases: Sequence[str]) -> tuple[Step, ...]:
    """Remove databases of a branch's builds, whoever uses them."""
    return tuple(
        Step(f"remove database {one}", _inside(name, "discard", one), timeout=SECONDS)
        for name in _of(target, _DATABASE)
        for one in databases
    )


def reclaim(target: Target, allotted: Iterable[str] = ()) -> tuple[Step, ...]:
    """Remove all that a branch has in services: databases, keys, tables, users. Fine where there is nothing.

    Beside those of now, in services that were `allotted` to it before; not in one that the inventory has no more.
    """
    return tuple(
        Step(
            f"remove what {target.name} has in {name}",
            _inside(name, "reclaim", target.name, str(target.number)),
            timeout=SECONDS,
        )
        for name in dict.fromkeys((*_of(target), *_of_before(target, allotted)))
    )


def question(target: Target) -> dict[str, Argv]:
    """What asks for a branch's databases, for each service of them: databases() reads the answers."""
    return {name: _inside(name, "databases", target.name) for name in _of(target, _DATABASE)}


def question_of_all(app: App, branches: BranchPlacement) -> tuple[Argv, ...]:
    """The same for all branches of an app at once."""
    services = sorted({branches.services[name] for name, need in app.services.items() if need.kind == _DATABASE})
    return tuple(_inside(name, "databases", f"{app.name}{BETWEEN}") for name in services)


def databases(text: str) -> dict[str, int]:
    """Databases of a branch, each with its bytes: the answer to question(). What is no such line is left out."""
    lines = (line.rpartition("|") for line in text.splitlines())
    return {name: int(size) for name, _, size in lines if name and size.isascii() and size.isdigit()}


def _of(target: Target, kind: str = "") -> list[str]:
    """The services of a branch that have spaces, or those of one kind."""
    there = ((name, target.environment.services[name]) for name in target.app.services)
    return [name for name, one in there if one.known and kind in ("", one.kind)]


def _of_before(target: Target, allotted: Iterable[str]) -> list[str]:
    """Of services that were allotted, those that are still on the branch's host."""
    there = ((name, target.environment.services.get(name)) for name in allotted)
    hosts = {host.name for host in target.hosts}
    return [name for name, one in there if one and one.known and one.host in hosts]


def _inside(service: str, *argv: str) -> Argv:
    return docker.inside(ServiceLayout(service).container, *argv)
