"""Monitoring: each deploy as a value and an event of the app on its hosts, and no alarm of a host that was drained.

Zabbix's protocol of senders, and its API, by its own client: zabbix.com/documentation/6.0/en/manual/api.
"""

from __future__ import annotations

import socket
import time
import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...errors import Unreachable, one_line
from ...model.notice import ABOUT_HOSTS, DRAIN, Notice, Zabbix
from ...plan import announcement
from ...plan.announcement import Value
from ...plan.monitoring import ANSWERS, app_on
from ..company.zabbix import connected
from .refusals import PassedOver, must_have

if TYPE_CHECKING:  # no other verb needs it
    from zabbix_utils import ZabbixAPI

PORT = 10051


def zabbix(at: Zabbix, secret: Mapping[str, str], notice: Notice, seconds: float) -> None:
    """Tell each of the app's hosts in Zabbix what was done; raises Unreachable and Refused.

    Hosts that Zabbix doesn't know are passed over: all others were told when it raises PassedOver with their names.
    """
    end, unknown = time.monotonic() + seconds, list[str]()
    if notice.verb in ABOUT_HOSTS:
        with connected(at.url, must_have(secret, "zabbix", "password"), user=at.user, seconds=seconds) as api:
            if notice.verb == DRAIN:
                unknown += _quiet(api, at, notice)
            else:
                _alert(api, notice)
    places, shares = announcement.places(notice), announcement.shares(notice)
    # What may come twice without harm finds out for whom there is to be an event, which comes once.
    known = _knowing(at, shares, end) if shares else places
    told = known if _send(at, [one for one in announcement.sentences(notice) if one.host in known], end) else []
    unknown += [place for place in places if place not in told]
    if unknown:
        names = ", ".join(dict.fromkeys(unknown))
        raise PassedOver(f"doesn't know {names}, so it was told nothing there: inv infra.apps makes it known")


def _knowing(at: Zabbix, values: Sequence[Value], end: float) -> list[str]:
    """Send values; which of their hosts Zabbix knows, that counts them and names none."""
    hosts = list(dict.fromkeys(one.host for one in values))
    if _send(at, values, end):
        return hosts
    return [host for host in hosts if _send(at, [one for one in values if one.host == host], end)]


def _send(at: Zabbix, values: Sequence[Value], end: float) -> bool:
    """Whether Zabbix takes all of the values; raises Unreachable."""
    if not values:
        return True
    from zabbix_utils import ItemValue, Sender
    from zabbix_utils.exceptions import ModuleBaseException

    host, _, port = at.server.partition(":")
    host, number = host or urlsplit(at.url).hostname or "", int(port or PORT)
    items = [ItemValue(one.host, one.key, one.text, int(one.at), int(one.at % 1 * 1e9)) for one in values]
    seconds = max(0.1, end - time.monotonic())
    opened: list[socket.socket] = []  # which the client leaves open where it fails

    def keep(connection: socket.socket, _: object) -> socket.socket:
        opened.append(connection)
        return connection

    try:
        answer = Sender(host, number, timeout=seconds, chunk_size=len(items), socket_wrapper=keep).send(items)
    except (ModuleBaseException, OSError, ValueError, zlib.error) as error:
        raise Unreachable(f"Zabbix's server at {host}:{number} takes no values: {one_line(str(error))[:200]}") from None
    finally:
        for connection in opened:
            connection.close()
    return bool(answer.processed == len(items))


def _quiet(api: ZabbixAPI, at: Zabbix, notice: Notice) -> list[str]:
    """Have a window without alarms for the app on each host, and for a host that no app is left on to serve.

    Returns what has none, since Zabbix doesn't know it.
    """
    now, unknown = time.time(), list[str]()
    if notice.at + at.maintenance <= now:
        return unknown
    found = api.maintenance.get(output=["maintenanceid", "name", "active_till"], search={"name": announcement.BEFORE})
    windows = {one["name"]: one for one in found}
    ends = {name: float(one["active_till"]) for name, one in windows.items()}
    answers = api.item.get(output=["lastvalue"], selectHosts=["host"], filter={"key_": ANSWERS})
    answering = {one["hosts"][0]["host"] for one in answers if one["lastvalue"] == "1"}
    for host in notice.hosts:
        names = announcement.drained(notice.app, host, answering, ends, now)
        known = {one["host"]: one["hostid"] for one in api.host.get(output=["hostid", "host"], filter={"host": names})}
        if names[0] not in known:
            unknown.append(names[0])
            continue
        for name, number in known.items():
            wanted = announcement.window(notice, name, number, at.maintenance)
            if old := windows.get(wanted["name"]):
                api.maintenance.update(maintenanceid=old["maintenanceid"], **wanted)
            else:
                api.maintenance.create(**wanted)
    return unknown


def _alert(api: ZabbixAPI, notice: Notice) -> None:
    """End the windows of the app on each host, and of the host."""
    names = [announcement.window_of(name) for host in notice.hosts for name in (app_on(notice.app, host), host)]
    found = api.maintenance.get(output=["maintenanceid"], filter={"name": names})
    if found:
        api.maintenance.delete(*(one["maintenanceid"] for one in found))
