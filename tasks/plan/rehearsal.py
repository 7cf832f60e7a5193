"""What a rehearsal of a migration runs, and what its results mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..commands import Argv, docker, files, onhost
from ..errors import Refused
from ..model.app import Component, Migration
from ..model.environment import Host
from ..model.layout import APP_GROUP, SOCKETS_IN_CONTAINER, ServiceLayout
from ..model.version import Version
from . import container, variables
from .facts import Facts
from .wishes import Target

PART = "rehearsal"
CLONE_SECONDS = 3600
GAP = 1.0
"""Seconds without a sample of a lock after which it counts as let go."""
LOOKED = "looked"
SAMPLE = 0.1
"""Seconds between two looks at the locks that are held: templates/services/postgresql/locks."""


@dataclass(frozen=True)
class Stage:
    """Where a rehearsal takes place: the host of the database and one of the app, the two versions, their names."""

    target: Target
    migration: Migration
    service: str
    version: Version
    live: Version | None
    facts: Facts

    @property
    def host(self) -> Host:
        """The host of the database."""
        return self.target.environment.host(self.target.environment.services[self.service].host)

    @property
    def database(self) -> str:
        """The clone's name."""
        return f"{self.target.name}-{PART}"

    @property
    def sockets(self) -> str:
        return f"{self.target.layout.rehearsal}/run"

    @property
    def socket(self) -> str:
        return f"{self.sockets}/web.sock"

    @property
    def new(self) -> str:
        """The container that runs the migration."""
        return self.target.layout.container(self.version, PART)

    def old(self, live: Version) -> str:
        """The container in which the live version is tried."""
        return self.target.layout.container(live, f"{PART}-old")


def stage(target: Target, version: Version, facts: Sequence[Facts]) -> Stage:
    """Choose the places; raises Refused where there is nothing to rehearse, or no database to clone."""
    if not target.app.migrate:
        raise Refused(f"conf/apps/{target.name}.yml has no migration.\nSay its command in `migrate:` there.")
    bases = [name for name, need in target.app.services.items() if need.kind == "postgresql"]
    if len(bases) != 1:
        raise Refused(f"{target.name} has {len(bases)} databases of kind postgresql; a rehearsal clones exactly one.")
    first = facts[0]
    if not first.find(version):
        raise Refused(f"{version} is not installed on {first.host}.\nFirst: inv install --version {version}")
    live = first.live.table.live.version if first.live else None
    if variables.text(target, version, first.host, PART) == variables.text(target, version, first.host):
        raise Refused(
            f"None of {target.name}'s variables names its database, so a rehearsal would find the live one.\n"
            f"Give it `url` or `name` of {bases[0]}: services in conf/apps/{target.name}.yml"
        )
    return Stage(target, target.app.migrate, bases[0], version, live, first)


def clone(at: Stage) -> Argv:
    """Copy the database as it is now."""
    return _in_service(at, "clone", at.target.name, at.database)


def watch(at: Stage) -> Argv:
    """Write down the locks that are held in the clone, until it is discarded."""
    first, *rest = _in_service(at, "locks", at.database)
    return (first, rest[0], "--detach", *rest[2:])


def watched(at: Stage) -> Argv:
    return _in_service(at, "locks", at.database, "told")


def discard(at: Stage) -> Argv:
    return _in_service(at, "discard", at.database)


def prepare(at: Stage) -> tuple[tuple[Argv, bytes], ...]:
    """Clear away what a killed rehearsal left, and write what containers get: commands with their inputs."""
    layout = at.target.layout
    new = variables.text(at.target, at.version, at.facts.host, at.database)
    old = variables.text(at.target, at.live, at.facts.host, at.database) if at.live else ""
    return (
        (files.remove(layout.rehearsal), b""),
        (files.folder(layout.rehearsal), b""),
        (files.shared_folder(at.sockets, APP_GROUP), b""),
        (files.write(f"{layout.rehearsal}/new", "0600"), new.encode()),
        (files.write(f"{layout.rehearsal}/old", "0600"), old.encode()),
    )


def migrate(at: Stage) -> tuple[Argv, ...]:
    """Run the new version's migration on the clone, to its end."""
    create = _create(at, at.new, at.version, "new", at.migration.component)
    return (create, onhost.finish(at.new, at.migration.timeout))


def serve(at: Stage, live: Version) -> tuple[Argv, ...]:
    """Start the version that is live now on the migrated clone."""
    return (_create(at, at.old(live), live, "old", at.target.app.web), docker.start(at.old(live)))


def health(at: Stage, live: Version) -> Argv:
    """Wait until the version that is live now is healthy on the migrated clone."""
    wanted = at.target.app.health
    return onhost.wait(at.old(live), at.socket, wanted.path, wanted.timeout)


def smoke(at: Stage, path: str) -> Argv:
    """Ask the version that is live now for a page, on the migrated clone."""
    return onhost.page(at.socket, path)


def clear(at: Stage) -> tuple[Argv, ...]:
    """Remove containers and files."""
    there = [at.new, *([at.old(at.live)] if at.live else [])]
    return (*(docker.remove(name) for name in there), files.remove(at.target.layout.rehearsal))


def _create(at: Stage, name: str, version: Version, env: str, component: Component) -> Argv:
    env_file, mounts = f"{at.target.layout.rehearsal}/{env}", {at.sockets: SOCKETS_IN_CONTAINER}
    return container.create(at.target, at.facts, version, env_file, name, PART, component, mounts)


def _in_service(at: Stage, *argv: str) -> Argv:
    return docker.inside(ServiceLayout(at.service).container, *argv)


@dataclass(frozen=True)
class Lock:
    """A lock that kept readers or writers of a table away, and for how many seconds at least."""

    table: str
    mode: str
    seconds: float


def locks(text: str, bound: float) -> list[Lock]:
    """The locks held for longer than `bound` seconds, longest first: what was written down, a sample a line."""
    spans: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
    for line in text.splitlines():
        words = line.split("|")
        if len(words) != 4 or words[-1] == LOOKED:
            continue
        at, process, table, mode = words
        try:
            when = float(at)
        except ValueError:
            continue
        times = spans.setdefault((process, table, mode), [(when, when)])
        first, last = times[-1]
        if when - last > GAP:
            times.append((when, when))
        else:
            times[-1] = (first, when)
    found = (
        Lock(table, mode, last - first + SAMPLE) for (_, table, mode), times in spans.items() for first, last in times
    )
    return sorted((one for one in found if one.seconds > bound), key=lambda one: -one.seconds)


def was_watched(text: str) -> bool:
    """Whether anybody looked at the locks: each look leaves a line, whether there are locks or not."""
    return any(line.endswith(f"|{LOOKED}") for line in text.splitlines())


def shared(at: Stage) -> list[str]:
    """The services that a rehearsal has no copy of: it uses the real ones."""
    return [name for name in at.target.app.services if name != at.service]


def verdict(live: Version | None, failures: Iterable[str]) -> str:
    """One line: whether a rollback stays possible after the migration."""
    if live is None:
        return "Nothing is live yet, so there is nothing that a rollback could lead to."
    first = next(iter(failures), None)
    if first:
        return f"A rollback to {live} would NOT be possible: on the migrated database {first}."
    return f"A rollback to {live} stays possible: it passed its health and smoke checks on the migrated database."
