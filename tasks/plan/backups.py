"""Back services up to files on their hosts, and make their data anew of such a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from ..commands import docker, files, onhost
from ..errors import BadInput, Refused
from ..model.layout import NEW_DATA, ServiceLayout
from . import services
from .service_facts import ServiceFacts
from .steps import Plan, Step, together
from .wishes import Estate

SECONDS = 6 * 3600
"""How long a backup or a restore may take."""
ENDING = ".gz"
RESTORE_PHASES = ("image", "fill", "stop", "swap", "start", "health", "apps", "tidy")


def back_up(estate: Estate, stamp: str, only: str | None) -> Callable[[Sequence[ServiceFacts]], Plan]:
    """A planner: each service that is healthy, or `only` that one, has a backup of this moment; old ones go.

    Never those of the newest moment that services which are restored together have.
    """
    file = f"{stamp}{ENDING}"

    def plan(facts: Sequence[ServiceFacts]) -> Plan:
        due = {
            name
            for one in facts
            for name in estate.on(one.host)
            if only in (None, name) and file not in one.services[name].backups
            if only or one.services[name].healthy
        }
        # Old ones go only once all of these are made.
        then = {
            name: [*_there(estate, name, facts), *([file] if name in due else [])]
            for name in estate.environment.services
        }
        return together(("backup", "tidy"), {one.host: _back_up(estate, file, due, then, one) for one in facts})

    return plan


def _back_up(
    estate: Estate, file: str, due: Collection[str], then: Mapping[str, Collection[str]], facts: ServiceFacts
) -> dict[str, tuple[Step, ...]]:
    saved, tidied = [], []
    for name, service in estate.on(facts.host).items():
        if name not in due:
            continue
        found, at = facts.services[name], ServiceLayout(name)
        if not found.healthy:
            raise Refused(
                f"{name} on {facts.host} is not healthy ({found.trouble}), so it can't be backed up.\n"
                f"Bring it up: inv {estate.verbs}.up   (or bring former data back: inv {estate.verbs}.restore)"
            )
        services.must_have_room(estate, name, facts, found.bytes or 0)
        save = onhost.save(f"{at.backups}/{file}", SECONDS, docker.inside(at.container, *service.backup))
        saved.append(Step(f"back up {name}", save, timeout=SECONDS + 60, tells=True))
        kept = {_newest_of_all(then[one] for one in group) for group in estate.restored_with(name)}
        old = [one for one in sorted(found.backups)[: -(service.keep_backups - 1) or None] if one not in kept]
        if old:
            tidied.append(Step(f"remove old backups of {name}", files.remove(*(f"{at.backups}/{one}" for one in old))))
    return {"backup": tuple(saved), "tidy": tuple(tidied)}


def _newest_of_all(backups: Iterable[Collection[str]]) -> str:
    """The newest moment of which each service has a backup; "" where there is none."""
    return max(set.intersection(*map(set, backups)), default="")


def sick(estate: Estate, facts: Sequence[ServiceFacts]) -> dict[str, str]:
    """The services that can't be backed up, each with the reason."""
    return {
        name: one.services[name].trouble
        for one in facts
        for name in estate.on(one.host)
        if not one.services[name].healthy
    }


def choose(estate: Estate, name: str, file: str | None, facts: Sequence[ServiceFacts]) -> str:
    """The named backup of a service, or its newest; raises BadInput and Refused."""
    there = _there(estate, name, facts)
    if not there:
        host = estate.environment.services[name].host
        raise Refused(f"{name} has no backup on {host}.\nMake one: inv {estate.verbs}.backup")
    if file is not None and file not in there:
        raise BadInput(f"{file[:60]!r} is no backup of {name}; there are: {', '.join(there[-5:])}.")
    return file or there[-1]


def _there(estate: Estate, name: str, facts: Sequence[ServiceFacts]) -> list[str]:
    host = estate.environment.services[name].host
    return sorted(backup for one in facts if one.host.name == host for backup in one.services[name].backups)


def choose_together(
    estate: Estate, names: Sequence[str], file: str | None, facts: Sequence[ServiceFacts]
) -> dict[str, str]:
    """The named backup of services that belong together, or the newest that all have: data of two moments don't fit.

    Raises BadInput and Refused.
    """
    newest = {name: choose(estate, name, file, facts) for name in names}
    common = _newest_of_all(_there(estate, name, facts) for name in names)
    if not common:
        of = " and ".join(f"{name} (newest: {backup})" for name, backup in newest.items())
        each = ", ".join(f"inv {estate.verbs}.restore {name} --alone" for name in names)
        raise Refused(f"No backup is of one moment of {of}.\nTo mix them, in this order: {each}")
    return dict.fromkeys(names, file or common)


def passed_over(estate: Estate, chosen: Mapping[str, str], facts: Sequence[ServiceFacts]) -> dict[str, str]:
    """The newest backups of services that have newer ones than those chosen."""
    newest = {name: _there(estate, name, facts)[-1] for name in chosen}
    return {name: backup for name, backup in newest.items() if backup > chosen[name]}


def had_data(estate: Estate, name: str, facts: Sequence[ServiceFacts]) -> bool:
    """Whether there are data on a service's host that a restore would keep."""
    host = estate.environment.services[name].host
    return any(one.services[name].has_data for one in facts if one.host.name == host)


def restore(
    estate: Estate, name: str, backup: str, images: Mapping[str, str]
) -> Callable[[Sequence[ServiceFacts]], Plan]:
    """A planner: a service's data is that of a backup; what it had is kept beside it."""
    host = estate.environment.host(estate.environment.services[name].host)

    def plan(facts: Sequence[ServiceFacts]) -> Plan:
        (there,) = (one for one in facts if one.host == host)
        if there.services[name].restored_at == estate.now and there.services[name].healthy:
            return Plan()
        return together(RESTORE_PHASES, {host: _restore(estate, name, backup, images[name], there)})

    return plan


def kept(estate: Estate, name: str) -> str:
    """Where a restore of this moment leaves the data that a service had."""
    return f"{ServiceLayout(name).home}/before-{estate.now:.0f}"


def _restore(estate: Estate, name: str, backup: str, image: str, facts: ServiceFacts) -> dict[str, tuple[Step, ...]]:
    """Fill new data while the service goes on with what it has, and only then let it begin anew with them."""
    found, at, service = facts.services[name], ServiceLayout(name), estate.environment.services[name]
    before = kept(estate, name)
    services.must_have_room(estate, name, facts, found.bytes or 0)
    empty = docker.run_as_root(image, at.home, "rm", "--recursive", "--force", f"/mnt/{NEW_DATA}")
    fill = docker.run_once(services.run(estate, name, image, {}, service.restore, at.new_data))
    note = json.dumps({"from": backup, "at": estate.now}).encode()
    aside = Step(f"keep the data of {name}", files.rename(at.data, before), undo=files.rename(before, at.data))
    return {
        "image": (services.fetch(image),),
        "fill": (
            Step(f"clear what an earlier restore of {name} left", empty),
            Step(f"make way for {name}", ("true",), undo=empty),
            *services.make_data(estate, name, image, NEW_DATA),
            services.write_variables(estate, name),
            Step(f"restore {name}", onhost.feed(f"{at.backups}/{backup}", SECONDS, fill), timeout=SECONDS + 60),
        ),
        "stop": services.take_away(estate, name, found),
        "swap": (
            services.forget_apps(name),
            *((aside,) if found.has_data else ()),
            Step(f"use the new data of {name}", files.rename(at.new_data, at.data),
                 undo=files.rename(at.data, at.new_data)),
        ),
        "start": services.start(estate, name, image),
        "health": (services.wait(estate, name),),
        "apps": services.admit(estate, name, replace(found, apps={})),
        "tidy": (
            *services.tidy(name, found, image),
            Step(f"note what {name} was restored from", files.write(at.restored), note),
        ),
    }  # fmt: skip
