"""Old versions leave the registry: of an app once its hosts are pruned, of a branch once another build is live."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..errors import BadConfig, DeplError, Refused
from ..model.environment import names
from ..plan import built
from ..plan.facts import Facts
from ..plan.wishes import Target
from . import inventory, registry, settings
from .work import OnHosts

SHOWN = 10


def remove(work: OnHosts, facts: Sequence[Facts]) -> int:
    """Take what is old out of the registry, and say so; how many names went. A dry run only says what would go.

    A registry whose configuration forbids it is told of, and is no failure: it is so every time, and the hosts are
    pruned. One that can't be reached is.
    """
    try:
        return _remove(work, facts)
    except Refused as error:
        work.report.note(f"Note: old versions stay there. {error}")
        return 0
    except DeplError as error:
        if not work.dry:
            error.message = f"The hosts are pruned, the registry is not: {error}"
        raise


def remove_former(work: OnHosts) -> None:
    """Take a branch's former builds out of the registry, under the branch's lock; what fails is told, and no more.

    Its next `branch.up` does the rest.
    """
    target = work.target
    try:
        there = registry.tags(target.environment.registry, target.app.name)
        old = built.old_of_branch(there, work.facts, target.now)
        if old and (shared := _shared(target)):
            work.report.note(shared)
        else:
            _take_out(work, old)
    except DeplError as error:
        work.report.note(f"Note: former builds stay in the registry. {error}")


def _remove(work: OnHosts, facts: Sequence[Facts]) -> int:
    target = work.target
    where, repository = target.environment.registry, target.app.name
    old = built.old(
        registry.tags(where, repository), target.environment.keep_built, built.needed(target, facts), target.now
    )
    if not old:
        return 0
    answered = {one.host for one in facts}
    if unknown := [host for host in target.hosts if host not in answered]:
        work.report.note(f"Note: {names(unknown)} may need any version: none is removed from the registry.")
        return 0
    if shared := _shared(target):
        work.report.note(shared)
        return 0
    return _take_out(work, old)


def _take_out(work: OnHosts, old: Collection[str]) -> int:
    target = work.target
    where, repository = target.environment.registry, target.app.name
    leaving = built.leaving(registry.digests(where, repository), old) if old else {}
    gone = sorted(tag for tags in leaving.values() for tag in tags)
    if work.dry or not gone:
        if gone:
            work.report.line(f"Would remove from the registry: {_brief(gone)}")
        return 0
    with registry.undisturbed(target.environment, work.report), work.report.phase("registry") as progress:
        for number, digest in enumerate(leaving, 1):
            progress.now(f"{number} of {len(leaving)}")
            registry.remove(where, repository, digest)
        progress.tell("their layers leave its disk in the night")
    work.report.note(f"Out of the registry: {_brief(gone)}.")
    return len(gone)


def _shared(target: Target) -> str:
    """What to say where another inventory has the app in this registry, or may have; "" where none does.

    Its hosts are not asked here, nor ours there: each would take from the registry what the other's may need.
    """
    environment, app = target.environment, target.branch.app if target.branch else target.app.name
    for name in settings.environments():
        if name == environment.name:
            continue
        try:
            other = inventory.load(name)
        except BadConfig as error:
            return f"Note: {error}\nIt may have {app} in {environment.registry} too: none is removed from the registry."
        if other.registry == environment.registry and app in other.apps:
            where = f"conf/inventory/{name} has {app} in {environment.registry} too"
            return f"Note: {where}: none is removed from the registry.\nGive each a registry of its own: depl_registry"
    return ""


def _brief(tags: Sequence[str]) -> str:
    more = f" and {len(tags) - SHOWN} more" if len(tags) > SHOWN else ""
    return f"{', '.join(tags[:SHOWN])}{more}"
