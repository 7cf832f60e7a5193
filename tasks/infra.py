"""inv infra.*: the company's own services, such as monitoring and the error tracker."""

from __future__ import annotations

from invoke import Collection, Context, task

from .plan import infra as plans
from .run import services, upkeep
from .run.company import infra, introduce
from .run.report import make
from .run.work import reporting

SERVICE = "one service, with the databases that it needs; default: all"


@task(help={"fresh": "back up, and build images with today's packages"})
def up(c: Context, fresh: bool = False) -> None:
    """Bring the company's services to what the inventory says."""
    report = make()
    with reporting("infra.up", report):
        estate = infra.read(passwords=True)
        anew = frozenset(estate.environment.services if fresh else ())
        upkeep.bring_up("infra.up", estate, plans.in_order(estate), report, bool(c.config.run.dry), anew)


@task(help={"json": "print JSON, for machines"})
def status(c: Context, json: bool = False) -> None:
    """Show each of them: host, health, memory, data, backups."""
    upkeep.show(infra.read(), "the company's own services", json)


@task(help={"service": SERVICE})
def backup(c: Context, service: str | None = None) -> None:
    """Write a backup of each of them, on its host."""
    report = make()
    with reporting("infra.backup", report):
        estate = infra.read()
        name = None if service is None else services.one_of(estate, service)
        upkeep.back_up("infra.backup", plans.to_back_up(estate, name), None, report, bool(c.config.run.dry))


@task(
    help={
        "service": "which service; its databases go with it",
        "file": "which backup; default: the newest that it and its databases have",
        "alone": "without its databases",
    }
)
def restore(c: Context, service: str, file: str | None = None, alone: bool = False) -> None:
    """Make a service's data those of a backup; keep what it has."""
    report = make()
    with reporting("infra.restore", report):
        estate = infra.read(passwords=True)
        parts = plans.with_data(estate, services.one_of(estate, service), alone=alone)
        names = plans.names_in_order(parts)
        upkeep.restore("infra.restore", parts, names, file, report, bool(c.config.run.dry))


@task(
    help={
        "service": "which service, as the inventory calls it",
        "follow": "go on until Ctrl-C",
        "lines": "how many lines; default: 50",
    }
)
def logs(c: Context, service: str, follow: bool = False, lines: str = "50") -> None:
    """Show what one of them wrote."""
    upkeep.show_log(infra.read(), service, follow, lines)


@task(help={"json": "print JSON, for machines"})
def apps(c: Context, json: bool = False) -> None:
    """Make all apps known to monitoring and the error tracker."""
    report = make(aside=json)
    with reporting("infra.apps", report):
        introduce.apps(infra.read(passwords=True), report, bool(c.config.run.dry), json)


ns = Collection("infra", up, status, logs, backup, restore, apps)
