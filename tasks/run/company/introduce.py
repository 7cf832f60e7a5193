"""Make an environment's apps known to the company's services: watched by Zabbix, with projects of their errors."""

from __future__ import annotations

import json as encode
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ...errors import Unreachable, one_line
from ...model.environment import Environment, Host
from ...model.infra import BUGSINK, SENTRY, ZABBIX
from ...plan import monitoring
from ...plan.infra import InfraEstate
from ...plan.monitoring import OF_APPS, OF_HOSTS, Watched
from .. import inventory, settings, web
from ..report import Report
from . import bugsink, sentry, zabbix
from .trackers import CLOSED, NAME

SECONDS = 60
"""How long an error tracker may take for all that it is asked."""
UP = "Is it up? inv infra.status"


def apps(estate: InfraEstate, report: Report, dry: bool, json: bool) -> None:
    """Have hosts, dashboards and projects of all apps; prints where errors go, by app. Raises Unreachable."""
    environment = inventory.load(settings.environment())
    places = {app: [host.name for host in hosts] for app, hosts in _placed(environment).items()}
    if dry:
        report.line(f"Would make known: {', '.join(sorted(places))}.")
        return
    found: dict[str, dict[str, str]] = {app: {} for app in places}
    new, gone = list[str](), list[str]()
    if name := estate.of(ZABBIX):
        password = estate.secrets.services.get(name, {}).get("password", "")
        with zabbix.connected(estate.url(name), password, key=f"services.{name}.password") as api:
            new += zabbix.watch(api, watched(environment, report), places, environment.name)
            gone += zabbix.forget(api, names(environment), places, environment.name)
    addresses, made = projects(estate, environment, sorted(places), report)
    new += [f"project {app}" for app in made]
    for app, address in addresses.items():
        found[app]["dsn"] = address
    if json:
        print(encode.dumps(found, indent=2))
    else:
        for app, about in sorted(found.items()):
            report.line(f"{app}: {about.get('dsn', 'no error tracker')}")
    did = [f"{word}: {', '.join(which)}." for word, which in (("New", new), ("Gone", gone)) if which]
    report.done(" ".join(did) or "Nothing to do: all apps are known.")


def projects(
    estate: InfraEstate, environment: Environment, apps: Sequence[str], report: Report
) -> tuple[dict[str, str], list[str]]:
    """Have a project for each app in the error tracker: their DSNs by app, and the projects that were made.

    An app has the project that depl_notify.tracker.projects says, as notices and witnesses have it.
    """
    there = environment.notify.tracker if environment.notify else None
    named = there.projects if there and there.kind == estate.infra.error_tracker else {}
    if estate.infra.error_tracker == BUGSINK:
        if not (name := estate.of(BUGSINK)):
            return {}, []
        token = estate.secrets.services.get(name, {}).get("API_TOKEN", "")
        with hint(f"services.{name}.API_TOKEN"):
            return bugsink.projects(bugsink.connect(estate.url(name), token, SECONDS), apps, named)
    token = estate.secrets.notify.get("tracker", {}).get("token", "")
    if not there or there.kind != SENTRY or not token:
        report.note("Note: projects in Sentry are made by its API, with depl_notify.tracker and notify.tracker.token.")
        return {}, []
    with hint("notify.tracker.token"):
        slugs = {app: named.get(app, app) for app in apps}
        return sentry.projects(sentry.connect(there.url, token, SECONDS), there.organization, slugs)


@contextmanager
def hint(token: str) -> Iterator[None]:
    """Say beside what an error tracker fails with which secret opens it, or where to look."""
    try:
        yield
    except Unreachable as error:
        closed = isinstance(error, web.Refusal) and error.status in CLOSED
        todo = f"Its token is {token}: inv secrets.edit" if closed else UP
        raise Unreachable(str(error) if "\n" in str(error) else f"{error}\n{todo}") from None
    except (LookupError, TypeError, ValueError, AttributeError) as error:  # of an answer's form
        raise Unreachable(f"{NAME} answers what is not understood: {one_line(repr(error))[:200]}\n{UP}") from None


def watched(environment: Environment, report: Report) -> list[Watched]:
    """What Zabbix watches: the deploy and app hosts, and each app on each of its hosts; says who can't be looked up."""
    placed = _placed(environment)
    hosts = _machines(environment)
    # As numbers: Zabbix's container asks another DNS than hosts do.
    addresses = {host: address_of(host) for host in sorted(hosts)}
    for host in (host for host, address in addresses.items() if not address):
        report.note(f"Note: {host} can't be looked up here, and is not watched. Give it an ansible_host, and again.")
    found = [Watched(host.name, address, OF_HOSTS) for host, address in addresses.items()]
    found += [
        Watched(monitoring.app_on(app, host.name), addresses[host], OF_APPS, app)
        for app, hosts_of_it in placed.items()
        for host in hosts_of_it
    ]
    return [one for one in found if one.address]


def names(environment: Environment) -> set[str]:
    """What Zabbix calls all that it is to watch, whether it can be looked up just now or not."""
    placed = _placed(environment)
    places = {monitoring.app_on(app, host.name) for app, hosts in placed.items() for host in hosts}
    return places | {host.name for host in _machines(environment)}


def _placed(environment: Environment) -> dict[str, tuple[Host, ...]]:
    return {app: environment.groups[where.hosts] for app, where in sorted(environment.apps.items())}


def _machines(environment: Environment) -> set[Host]:
    """The hosts that depl works on."""
    every = (environment.groups.get("deployservers", ()), *_placed(environment).values())
    return {host for hosts in every for host in hosts}


def address_of(host: Host) -> str:
    """A host's address as a number, as this machine knows it; "" where it doesn't."""
    try:
        return str(socket.getaddrinfo(host.address, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError:
        return ""
