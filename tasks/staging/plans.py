"""What is done on the staging host for one branch, as plans: in place, live, and what is left taken away. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..commands import docker, files, onhost
from ..errors import Refused
from ..model.branch import Branch
from ..model.layout import Layout
from ..model.version import Version
from ..plan import container, install, migrate, promote, retire, spaces
from ..plan.branch_facts import Staging
from ..plan.facts import Facts
from ..plan.promote import ready
from ..plan.steps import Phase, Plan, Step, together
from ..plan.wishes import Target
from .decide import MAKE_ROOM

MEMORY = 128 * 2**20
"""Bytes that must be free in a staging host's memory before another branch comes up."""


def must_have_room(staging: Staging) -> None:
    """Refuse to begin on a host whose disk or memory is nearly full."""
    for what, free, needed in (("disk", staging.disk_free, install.ROOM), ("memory", staging.memory_free, MEMORY)):
        if free < needed:
            raise Refused(
                f"{staging.host} has {free // 2**20} MB of {what} left, {needed // 2**20} MB are needed for a branch.\n"
                f"{MAKE_ROOM}"
            )


def put_in_place(target: Target, version: Version, sources: Mapping[str, str], facts: Sequence[Facts]) -> Plan:
    """Give a build its database, a copy of its service's source or of the template, and start it without traffic."""
    (one,) = facts
    installing = install.plan(target, version, facts)
    found = one.find(version)
    if found and found.healthy:
        return installing
    made = (*spaces.allot(target), *spaces.copy(target, version, sources))
    return Plan((Phase("database", {one.host: made}), *installing.phases) if made else installing.phases)


def let_in(target: Target) -> Plan:
    """Give a branch its users and spaces in services once more: one that was restored may have forgotten them."""
    (host,) = target.hosts
    return together(("services",), {host: {"services": spaces.allot(target)}})


def move(target: Target, version: Version, facts: Sequence[Facts]) -> Plan:
    """Migrate a build's database, see that it is well with that, and send visitors to it."""
    (one,) = facts
    phases = promote.plan(target, version, facts).phases
    if not phases:
        return Plan()
    done = sum(phase.name in migrate.PHASES for phase in phases)
    return Plan((*phases[:done], Phase("smoke", {one.host: _smoke(target, version, one)}), *phases[done:]))


def _smoke(target: Target, version: Version, facts: Facts) -> tuple[Step, ...]:
    """Its health page once more, since a migration may break what was well before it, and the app's smoke pages."""
    release = ready(facts, version)
    socket, words = target.layout.socket(release), docker.last_words(target.layout.container(version))
    pages = (Step(f"smoke check of {page}", onhost.page(socket, page), evidence=words) for page in target.app.smoke)
    return (install.wait(target, release), *pages)


def put_back(target: Target, former: int | None, facts: Sequence[Facts]) -> Plan:
    """Make a former routing table live again, by its number, whether what it leads to is well or not."""
    (one,) = facts
    if former is None or one.linked == former:
        return Plan()
    live = target.layout.live
    back = f"{live}.back"
    steps = (
        Step("keep the way back", files.link(f"routes/{former}", back)),
        Step("send visitors back", onhost.flip(target.layout, back)),
    )
    return Plan((Phase("put back", {one.host: steps}),))


def tidy(target: Target, databases: Sequence[str], facts: Sequence[Facts]) -> Plan:
    """Take away what is not live: former builds, and what a command left that failed or was killed."""
    (one,) = facts
    serving = {release.version for release in one.serving}
    steps: list[Step] = [*container.end(_containers(target, one, serving), _grace(target), "end what is not live")]
    for found in one.installed:
        if found.release.version not in serving:
            steps += retire.remove_spare(target, one, found)
    steps += spaces.discard(target, databases)
    return Plan((Phase("tidy", {one.host: tuple(steps)}),) if steps else ())


def needless(branch: Branch, databases: Iterable[str], facts: Facts) -> list[str]:
    """The databases of a branch that no live release uses."""
    used = {branch.database(release.version) for release in facts.serving}
    return sorted(set(databases) - used)


def _containers(target: Target, facts: Facts, but: set[Version]) -> list[str]:
    """All containers and programs of the app, but for those of some versions."""
    names = {one.name for one in facts.containers} | set(facts.programs)
    of = {name: name.removeprefix(f"{target.app.name}-").partition("-")[0] for name in names}
    return sorted(name for name in names if of[name] not in set(map(str, but)))


def _grace(target: Target) -> int:
    return max(one.grace for one in target.app.components.values())


def remove(target: Target, facts: Sequence[Facts]) -> Plan:
    """Take a branch's app off its host, but for its folder: traffic first, so that no visitor meets a ruin."""
    (one,) = facts
    layout, names = target.layout, _containers(target, one, set())
    steps: list[Step] = []
    if one.linked is not None:
        steps.append(Step("take traffic away", files.remove(layout.live)))
    steps += container.end(names, _grace(target), "end it")
    for found in one.installed:
        steps.append(Step(f"remove {found.release}", files.remove(layout.release(found.release))))
    return Plan((Phase("end", {one.host: tuple(steps)}),) if steps else ())


def reclaim(target: Target, services: Iterable[str]) -> Plan:
    """What a branch that runs no more has beside its folder, seen or not: images, and what it has in `services`."""
    (host,) = target.hosts
    repository = f"{target.environment.registry}/{target.app.name}"
    images = Step("remove its images", docker.remove_images(repository))
    return together(("images", "services"), {host: {"images": (images,), "services": spaces.reclaim(target, services)}})


def forget(target: Target) -> Plan:
    """The folder of a branch that is gone from all else, and last in it the description: by it a command sees it."""
    (host,) = target.hosts
    layout = target.layout
    folder = Step("remove its folder", files.remove(*_parts(layout)))
    last = Step("remove its folder", files.remove(layout.home))
    return together(("folder",), {host: {"folder": (folder, last)}})


def _parts(layout: Layout) -> list[str]:
    return [
        f"{layout.home}/{one}" for one in ("releases", "slots", "versions", "routes", "nothing", "jobs", "statistics")
    ]
