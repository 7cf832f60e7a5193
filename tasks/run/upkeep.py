"""What is done to services, whoever's they are: bring them up, back them up, restore them."""

from __future__ import annotations

import json as encode
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from ..commands import docker
from ..errors import DeplError, Refused
from ..model.layout import ServiceLayout
from ..plan import backups, service_status
from ..plan import services as plans
from ..plan.wishes import Estate
from . import screen, services, tail
from .report import Report
from .work import stamp

HEADS = ("SERVICE", "KIND", "HOST", "STATE", "HEALTH", ">MEMORY", ">DATA", "LAST BACKUP", "APPS")


def bring_up(
    verb: str, estate: Estate, in_order: Sequence[Estate], report: Report, dry: bool, fresh: frozenset[str]
) -> None:
    """Have services run as described: one part of the estate after the other. Those of `fresh` get new images."""
    services.must_answer(estate)
    images = services.images(estate, report, fresh=fresh, dry=dry)
    with services.on_services(verb, estate, report, dry) as work:
        if fresh:
            _back_up_first(work, estate, fresh)
        changed = [work.carry_out(partial(plans.up, part, images), verb) for part in in_order]
        if not dry:
            known = ", ".join(sorted(estate.environment.services))
            report.done(
                f"Services are up: {known} ({report.seconds:.1f} s)."
                if any(changed)
                else f"Nothing to do: {known} run as described, and answer."
            )


def back_up(verb: str, estate: Estate, only: str | None, report: Report, dry: bool) -> None:
    """Back up all services that are healthy, or that one; raises DeplError with the names of those that are not."""
    with services.on_services(verb, estate, report, dry) as work:
        name = stamp(estate.now)
        work.carry_out(backups.back_up(estate, name, only), f"back up {only or 'all services'}")
        if dry:
            return
        file = f"{name}{backups.ENDING}"
        made = [service for one in work.facts for service, found in one.services.items() if file in found.backups]
        for line in service_status.where(estate, file, made):
            report.line(line)
        if only is None and (sick := backups.sick(estate, work.facts)):
            raise DeplError(f"No backup of what is not healthy: {_said(sick)}.\nSee: inv {estate.verbs}.status")
        report.done(f"Backed up: {', '.join(sorted(made))} ({report.seconds:.1f} s).")


def _back_up_first(work: services.OnServices, estate: Estate, fresh: Iterable[str]) -> None:
    sick = {name: why for name, why in backups.sick(estate, work.facts).items() if name in fresh}
    if sick:
        raise Refused(f"{_said(sick)}: an upgrade would go without a backup of that.\nFirst: inv {estate.verbs}.up")
    for name in sorted(fresh):
        if estate.environment.services[name].data:
            work.carry_out(backups.back_up(estate, stamp(estate.now), name), f"back up {name} before an upgrade")


def _said(sick: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({why})" for name, why in sick.items())


def restore(verb: str, estate: Estate, names: Sequence[str], file: str | None, report: Report, dry: bool) -> None:
    """Make the data of services those of a backup, in this order, and keep what they have beside them."""
    services.must_answer(estate)
    images = services.images(estate, report, dry=dry)
    with services.on_services(verb, estate, report, dry) as work:
        chosen = backups.choose_together(estate, names, file, work.facts)
        if file is None and (newer := backups.passed_over(estate, chosen, work.facts)):
            left = ", ".join(f"{backup} of {name}" for name, backup in newer.items())
            report.note(f"Note: {chosen[names[0]]} is the newest that {' and '.join(names)} have; newer is {left}.")
        for name, backup in chosen.items():
            had_data = backups.had_data(estate, name, work.facts)
            work.carry_out(backups.restore(estate, name, backup, images), f"restore {name} from {backup}")
            if dry:
                continue
            if had_data:
                report.line(f"What it had before: {backups.kept(estate, name)}")
            report.done(f"{name} has the data of {backup}, and answers ({report.seconds:.1f} s).")


def show(estate: Estate, title: str, json: bool) -> None:
    """Print how services are, as a table or for machines; raises DeplError with the hosts that didn't answer."""
    facts, missing = services.look(estate)
    rows = service_status.rows(estate, facts)
    if json:
        print(encode.dumps({"services": [row.as_json() for row in rows], "missing": missing}, indent=2))
    else:
        screen.show(f"{title} ({estate.environment.name})", HEADS, [row.cells() for row in rows])
        for line in service_status.notes(estate, facts):
            print(line)
    if missing:
        raise DeplError("; ".join(f"{host} did not answer: {reason}" for host, reason in missing.items()))


def show_log(estate: Estate, service: str, follow: bool, lines: str) -> None:
    """Show what a service wrote."""
    count = tail.number_of_lines(lines)
    name = services.one_of(estate, service)
    host = estate.environment.host(estate.environment.services[name].host)
    tail.show(estate, {host: docker.logs(ServiceLayout(name).container, tail=count, follow=follow)})
