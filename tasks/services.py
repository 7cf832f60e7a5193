"""inv services.*: databases, queues and search on the hosts that the inventory names."""

from __future__ import annotations

import json as encode
from collections.abc import Mapping
from functools import partial

from invoke import Collection, Context, task

from .commands import docker
from .errors import DeplError, Refused
from .model.layout import ServiceLayout
from .plan import backups, service_status
from .plan import services as plans
from .run import screen, services, tail
from .run.report import make
from .run.work import reporting, stamp

SERVICE = "one service, as the inventory calls it; default: all"
HEADS = ("SERVICE", "KIND", "HOST", "STATE", "HEALTH", ">MEMORY", ">DATA", "LAST BACKUP", "APPS")


@task
def up(c: Context) -> None:
    """Bring services to what the inventory says, with data kept."""
    _bring_up(c, "services.up", frozenset())


@task(help={"service": SERVICE})
def upgrade(c: Context, service: str | None = None) -> None:
    """Back up, and move on to images with today's packages."""
    estate = services.read()
    fresh = frozenset(estate.environment.services) if service is None else {services.one_of(estate, service)}
    _bring_up(c, "services.upgrade", frozenset(fresh))


def _bring_up(c: Context, verb: str, fresh: frozenset[str]) -> None:
    report, dry = make(), bool(c.config.run.dry)
    with reporting(verb, report):
        estate = services.read(passwords=True)
        images = services.images(estate, report, fresh=fresh, dry=dry)
        with services.on_services(verb, estate, report, dry) as work:
            if fresh:
                _back_up_first(work, fresh)
            changed = work.carry_out(partial(plans.up, estate, images), verb)
            if not dry:
                known = ", ".join(sorted(estate.environment.services))
                report.line(
                    f"Services are up: {known} ({report.seconds:.1f} s)."
                    if changed
                    else f"Nothing to do: {known} run as described, and answer."
                )


@task(help={"json": "print JSON, for machines"})
def status(c: Context, json: bool = False) -> None:
    """Show each service: host, health, memory, data, backups."""
    estate = services.read()
    facts, missing = services.look(estate)
    rows = service_status.rows(estate, facts)
    if json:
        print(encode.dumps({"services": [row.as_json() for row in rows], "missing": missing}, indent=2))
    else:
        title = f"services ({estate.environment.name})"
        screen.show(title, HEADS, [row.cells() for row in rows])
        for line in service_status.notes(estate, facts):
            print(line)
    if missing:
        raise DeplError("; ".join(f"{host} did not answer: {reason}" for host, reason in missing.items()))


@task(help={"service": SERVICE})
def backup(c: Context, service: str | None = None) -> None:
    """Write a backup of each service, on its host."""
    report, dry = make(), bool(c.config.run.dry)
    with reporting("services.backup", report):
        estate = services.read()
        only = None if service is None else services.one_of(estate, service)
        with services.on_services("services.backup", estate, report, dry) as work:
            name = stamp(estate.now)
            work.carry_out(backups.back_up(estate, name, only), f"back up {only or 'all services'}")
            if dry:
                return
            file = f"{name}{backups.ENDING}"
            made = [service for one in work.facts for service, found in one.services.items() if file in found.backups]
            for line in service_status.where(estate, file, made):
                report.line(line)
            if only is None and (sick := backups.sick(estate, work.facts)):
                raise DeplError(f"No backup of what is not healthy: {_said(sick)}.\nSee: inv services.status")


def _back_up_first(work: services.OnServices, fresh: frozenset[str]) -> None:
    estate = work.target
    sick = {name: why for name, why in backups.sick(estate, work.facts).items() if name in fresh}
    if sick:
        raise Refused(f"{_said(sick)}: an upgrade would go without a backup of that.\nFirst: inv services.up")
    for name in sorted(fresh):
        work.carry_out(backups.back_up(estate, stamp(estate.now), name), f"back up {name} before an upgrade")


def _said(sick: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({why})" for name, why in sick.items())


@task(help={"service": "which service, as the inventory calls it", "file": "which backup; default: the newest"})
def restore(c: Context, service: str, file: str | None = None) -> None:
    """Make a service's data that of a backup; keep what it has."""
    report, dry = make(), bool(c.config.run.dry)
    with reporting("services.restore", report):
        estate = services.read(passwords=True)
        name = services.one_of(estate, service)
        images = services.images(estate, report, dry=dry)
        with services.on_services("services.restore", estate, report, dry) as work:
            chosen = backups.choose(estate, name, file, work.facts)
            had_data = backups.had_data(estate, name, work.facts)
            work.carry_out(backups.restore(estate, name, chosen, images), f"restore {name} from {chosen}")
            if dry:
                return
            if had_data:
                report.line(f"What it had before: {backups.kept(estate, name)}")
            report.line(f"{name} has the data of {chosen}, and answers ({report.seconds:.1f} s).")


@task(
    help={
        "service": "which service, as the inventory calls it",
        "follow": "go on until Ctrl-C",
        "lines": "how many lines; default: 50",
    }
)
def logs(c: Context, service: str, follow: bool = False, lines: str = "50") -> None:
    """Show what a service wrote."""
    count = tail.number_of_lines(lines)
    estate = services.read()
    name = services.one_of(estate, service)
    host = estate.environment.host(estate.environment.services[name].host)
    tail.show(estate, {host: docker.logs(ServiceLayout(name).container, tail=count, follow=follow)})


ns = Collection("services", up, upgrade, status, logs, backup, restore)
