"""inv services.*: databases, queues and search on the hosts that the inventory names."""

from __future__ import annotations

from invoke import Collection, Context, task

from .run import services, upkeep
from .run.report import make
from .run.work import reporting

SERVICE = "one service, as the inventory calls it; default: all"


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
    report = make()
    with reporting(verb, report):
        estate = services.read(passwords=True)
        upkeep.bring_up(verb, estate, [estate], report, bool(c.config.run.dry), fresh)


@task(help={"json": "print JSON, for machines"})
def status(c: Context, json: bool = False) -> None:
    """Show each service: host, health, memory, data, backups."""
    upkeep.show(services.read(), "services", json)


@task(help={"service": SERVICE})
def backup(c: Context, service: str | None = None) -> None:
    """Write a backup of each service, on its host."""
    report = make()
    with reporting("services.backup", report):
        estate = services.read()
        only = None if service is None else services.one_of(estate, service)
        upkeep.back_up("services.backup", estate, only, report, bool(c.config.run.dry))


@task(help={"service": "which service, as the inventory calls it", "file": "which backup; default: the newest"})
def restore(c: Context, service: str, file: str | None = None) -> None:
    """Make a service's data that of a backup; keep what it has."""
    report = make()
    with reporting("services.restore", report):
        estate = services.read(passwords=True)
        names = [services.one_of(estate, service)]
        upkeep.restore("services.restore", estate, names, file, report, bool(c.config.run.dry))


@task(
    help={
        "service": "which service, as the inventory calls it",
        "follow": "go on until Ctrl-C",
        "lines": "how many lines; default: 50",
    }
)
def logs(c: Context, service: str, follow: bool = False, lines: str = "50") -> None:
    """Show what a service wrote."""
    upkeep.show_log(services.read(), service, follow, lines)


ns = Collection("services", up, upgrade, status, logs, backup, restore)
