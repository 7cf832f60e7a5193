"""What Zabbix is told when depl changed something: values of an app on its hosts, and windows without alarms."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ..model.notice import ABOUT_HOSTS, Notice
from .monitoring import GROUP, OVER, SHARE, TOLD, app_on

SHORTEST = 300
"""Seconds that a period of Zabbix has at least; a window ends when it is to end, whatever its period."""
BEFORE = f"{GROUP}: "


@dataclass(frozen=True)
class Value:
    """A value of an item of a host in Zabbix, at a time in seconds since 1970."""

    host: str
    key: str
    text: str
    at: float


def shares(notice: Notice) -> list[Value]:
    """How many users have the version, in per cent, on each of the hosts; of hosts that leave and come none."""
    if notice.verb in ABOUT_HOSTS:
        return []
    return [Value(place, SHARE, f"{notice.percent:g}", notice.at) for place in places(notice)]


def sentences(notice: Notice) -> list[Value]:
    """What was done, and a second later that it is over: an event of Zabbix that begins and ends."""
    return [
        value
        for place in places(notice)
        for value in (Value(place, TOLD, notice.text, notice.at), Value(place, TOLD, OVER, notice.at + 1))
    ]


def places(notice: Notice) -> list[str]:
    """What Zabbix calls the app on its hosts."""
    return [app_on(notice.app, host) for host in notice.hosts]


def window_of(name: str) -> str:
    """What the window without alarms of a host in Zabbix is called."""
    return f"{BEFORE}{name}"


def window(notice: Notice, name: str, number: str, seconds: int) -> dict[str, Any]:
    """A host in Zabbix, by its name and number, without alarms for so many seconds; its data are collected on."""
    since = int(notice.at)
    return {
        "name": window_of(name),
        "description": notice.text,
        "maintenance_type": 0,
        "active_since": since,
        "active_till": since + seconds,
        "hosts": [{"hostid": number}],
        "timeperiods": [{"timeperiod_type": 0, "start_date": since, "period": max(seconds, SHORTEST)}],
    }


def drained(app: str, host: str, answering: Collection[str], windows: Mapping[str, float], now: float) -> list[str]:
    """What gets a window when an app left a host: the app there, and the host, once no app answers there without one.

    `answering` are the names in Zabbix of apps that answer; `windows` are the ends of windows, by their names.
    """
    own = app_on(app, host)
    others = {one for one in answering if one.endswith(app_on("", host)) and one != own}
    serving = {one for one in others if windows.get(window_of(one), 0) <= now}
    return [own] if serving else [own, host]
