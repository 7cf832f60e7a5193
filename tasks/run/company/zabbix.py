"""Zabbix by its API: hosts and apps that it watches, and a dashboard for each app."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPException
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from ...errors import Refused, Unreachable, first_line, one_line
from ...plan import announcement, dashboard, monitoring
from ...plan.monitoring import Watched

if TYPE_CHECKING:  # no other verb needs it
    from zabbix_utils import ZabbixAPI
    from zabbix_utils.api import APIObject

ADMIN = "Admin"
BELOW = f"{monitoring.GROUP}/"
"""What the group of an app begins with."""
EQUAL = 1
"""How Zabbix is asked for a tag of exactly this value."""


@contextmanager
def connected(
    url: str, password: str, *, user: str = ADMIN, seconds: float = 30, key: str = "notify.zabbix.password"
) -> Iterator[ZabbixAPI]:
    """A session of a user, `seconds` for each answer; raises Unreachable, which says whether it was the password.

    `key` is what the password is called among the secrets. The client takes whatever answers for Zabbix, and stumbles
    over what is missing, as we do: that is no traceback of ours.
    """
    from zabbix_utils import ZabbixAPI
    from zabbix_utils.exceptions import APIRequestError, ModuleBaseException

    if not password:
        raise Unreachable(f"Zabbix at {url} can't be asked, since nobody set {key}.\nSet it: inv secrets.edit")
    stumbles = (ModuleBaseException, OSError, ValueError, TypeError, LookupError, AttributeError, HTTPException)
    try:
        api = ZabbixAPI(url=url, timeout=seconds)
        try:
            api.login(user=user, password=password)
        except APIRequestError as error:
            raise Unreachable(
                f"Zabbix at {url} refuses user {user} with {key}: {one_line(str(error))[:200]}\n"
                "Mend that: inv secrets.edit"
            ) from None
        try:
            yield api
        finally:
            with suppress(*stumbles):  # all is done
                api.logout()
    except stumbles as error:
        raise Unreachable(f"Zabbix at {url}: {first_line(error)}\nIs it up? inv infra.status") from None


def watch(api: ZabbixAPI, hosts: Sequence[Watched], apps: Mapping[str, Sequence[str]], whose: str) -> list[str]:
    """Have these hosts of an environment, and a dashboard of each app over its hosts; tells what is new.

    Raises Refused where another environment has a host of such a name.
    """
    there = _there(api, [one.name for one in hosts], whose)
    getattr(api.configuration, "import")(format="json", rules=monitoring.RULES, source=monitoring.templates())
    templates = _ids(
        api.template.get(output=["templateid", "name"], filter={"host": [monitoring.OF_APPS, monitoring.OF_HOSTS]}),
        "templateid",
    )
    groups = {name: _group(api, name) for name in (monitoring.GROUP, *(f"{monitoring.GROUP}/{app}" for app in apps))}
    new = [one.name for one in hosts if one.name not in there]
    for one in hosts:
        wanted = {
            "host": one.name,
            "groups": [{"groupid": groups[one.group]}],
            "templates": [{"templateid": templates[one.template]}],
            "macros": one.macros,
            "tags": [{"tag": monitoring.GROUP, "value": whose}],
        }
        if one.name in there:
            api.host.update(hostid=there[one.name], **wanted)
            (old,) = api.hostinterface.get(output=["interfaceid"], hostids=[there[one.name]])
            api.hostinterface.update(interfaceid=old["interfaceid"], **_interface(one.address))
        else:
            api.host.create(**wanted, interfaces=[_interface(one.address)])
    _forget_itself(api)
    return new + [name for app, places in apps.items() if (name := _dashboard(api, app, places, whose))]


def forget(api: ZabbixAPI, keep: Collection[str], apps: Collection[str], whose: str) -> list[str]:
    """Remove what was made known of an environment but for these names of hosts, and apps; tells what is gone."""
    found = api.host.get(output=["hostid", "host"], tags=[_tag(whose)], selectGroups=["groupid", "name"])
    gone = sorted((one for one in found if one["host"] not in keep), key=itemgetter("host"))
    if not gone:
        return []
    groups = {group["groupid"]: group["name"] for one in gone for group in one["groups"]}
    left = {
        key: name for key, name in groups.items() if name.startswith(BELOW) and name.removeprefix(BELOW) not in apps
    }
    empty = _emptied(api, gone, left)
    pages = [page for name in sorted(left.values()) for page in _pages(api, name.removeprefix(BELOW), whose)]
    _remove(api.dashboard, "dashboardid", pages)
    names = [one["host"] for one in gone]
    windows = [announcement.window_of(name) for name in names]  # each has its host else
    _remove(api.maintenance, "maintenanceid", api.maintenance.get(output=["maintenanceid"], filter={"name": windows}))
    api.host.delete(*(one["hostid"] for one in gone))
    if empty:
        api.hostgroup.delete(*empty)
    return names + [f"dashboard {page['name']}" for page in pages]


def _tag(whose: str) -> dict[str, Any]:
    """How Zabbix is asked for an environment's hosts."""
    return {"tag": monitoring.GROUP, "value": whose, "operator": EQUAL}


def _there(api: ZabbixAPI, names: Sequence[str], whose: str) -> dict[str, str]:
    """The numbers of those hosts that are there, by name; raises Refused where one is another environment's."""
    found = api.host.get(output=["hostid", "host"], filter={"host": names}, selectTags=["tag", "value"])
    for one in found:
        other = {tag["value"] for tag in one["tags"] if tag["tag"] == monitoring.GROUP} - {whose}
        if other:
            raise Refused(
                f"Zabbix has {one['host']} of the inventory {min(other)}: "
                "give one of the two another name, or delete that one in Zabbix."
            )
    return {one["host"]: one["hostid"] for one in found}


def _emptied(api: ZabbixAPI, gone: Sequence[Mapping[str, Any]], groups: Collection[str]) -> list[str]:
    """Those of these groups that have no host but these: another environment may have the app."""
    found = api.hostgroup.get(output=["groupid"], groupids=list(groups), selectHosts=["hostid"]) if groups else []
    numbers = {one["hostid"] for one in gone}
    return [one["groupid"] for one in found if {host["hostid"] for host in one["hosts"]} <= numbers]


def _pages(api: ZabbixAPI, app: str, whose: str) -> list[Mapping[str, Any]]:
    """An environment's dashboards of an app: its own, and one of an earlier depl that shows hosts of the environment.

    An earlier depl named none, and so one was there for all: it is theirs whose hosts it shows.
    """
    own, former = dashboard.name(app, whose), dashboard.former(app)
    found: list[Mapping[str, Any]] = api.dashboard.get(
        output=["dashboardid", "name"], filter={"name": [own, former]}, selectPages="extend"
    )
    of_all = [one for one in found if one["name"] == former]
    ours = {one["host"] for one in api.host.get(output=["host"], tags=[_tag(whose)])} if of_all else set()
    return [one for one in found if one["name"] == own] + [
        one for one in of_all if ours & dashboard.shown(one["pages"])
    ]


def _remove(of: APIObject, key: str, found: Sequence[Mapping[str, Any]]) -> None:
    """Remove these of a kind."""
    if found:
        of.delete(*(one[key] for one in found))


def _forget_itself(api: ZabbixAPI) -> None:
    """Stop asking for an agent in Zabbix's own container, where a new installation looks for one: there is none."""
    for one in api.host.get(output=["hostid"], filter={"host": ["Zabbix server"], "status": 0}):
        api.host.update(hostid=one["hostid"], status=1)


def _interface(address: str) -> dict[str, Any]:
    return {"type": 1, "main": 1, "useip": 1, "ip": address, "dns": "", "port": str(monitoring.AGENT_PORT)}


def _group(api: ZabbixAPI, name: str) -> str:
    found = api.hostgroup.get(output=["groupid", "name"], filter={"name": [name]}) or [
        {"groupid": api.hostgroup.create(name=name)["groupids"][0]}
    ]
    return str(found[0]["groupid"])


def _dashboard(api: ZabbixAPI, app: str, hosts: Sequence[str], whose: str) -> str:
    """Write a dashboard as it is meant, over one of an earlier depl too; its name where that was not there."""
    places = [monitoring.app_on(app, host) for host in hosts]
    items = api.item.get(
        output=["itemid"], selectHosts=["hostid", "host"], filter={"host": places, "key_": monitoring.DEPLOYS}
    )
    items.sort(key=lambda one: places.index(one["hosts"][0]["host"]))
    numbers = [one["hosts"][0]["hostid"] for one in items]
    wanted = dashboard.dashboard(app, whose, hosts, numbers, [one["itemid"] for one in items])
    found = _pages(api, app, whose)
    if found:
        api.dashboard.update(dashboardid=found[0]["dashboardid"], name=wanted["name"], pages=wanted["pages"])
        _remove(api.dashboard, "dashboardid", found[1:])
    else:
        api.dashboard.create(**wanted)
    known = found and found[0]["name"] == wanted["name"]
    return "" if known else f"dashboard {wanted['name']}"


def _ids(found: Iterable[Mapping[str, str]], key: str) -> dict[str, str]:
    return {one["name"]: one[key] for one in found}
