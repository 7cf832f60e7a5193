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
    return new + [name for app, places in apps.items() if (name := _dashboard(api, app, places))]


def forget(api: ZabbixAPI, keep: Collection[str], apps: Collection[str], whose: str) -> list[str]:
    """Remove what was made known of an environment but for these names of hosts, and apps; tells what is gone."""
    ours = {"tag": monitoring.GROUP, "value": whose, "operator": EQUAL}
    found = api.host.get(output=["hostid", "host"], tags=[ours], selectGroups=["groupid", "name"])
    gone = sorted((one for one in found if one["host"] not in keep), key=itemgetter("host"))
    if not gone:
        return []
    left = _emptied(api, gone, apps)
    pages = [dashboard.name(name.removeprefix(BELOW)) for name in left]
    _remove(api.dashboard, "dashboardid", pages)
    names = [one["host"] for one in gone]
    _remove(api.maintenance, "maintenanceid", [announcement.window_of(name) for name in names])  # has its host else
    api.host.delete(*(one["hostid"] for one in gone))
    if left:
        api.hostgroup.delete(*left.values())
    return names + [f"dashboard {page}" for page in pages]


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


def _emptied(api: ZabbixAPI, gone: Sequence[Mapping[str, Any]], apps: Collection[str]) -> dict[str, str]:
    """The numbers of those apps' groups, by name, that have no host but these: another environment may have the app."""
    groups = {group["groupid"]: group["name"] for one in gone for group in one["groups"]}
    left = [one for one in groups if groups[one].startswith(BELOW) and groups[one].removeprefix(BELOW) not in apps]
    found = api.hostgroup.get(output=["groupid", "name"], groupids=left, selectHosts=["hostid"]) if left else []
    numbers = {one["hostid"] for one in gone}
    empty = [one for one in found if {host["hostid"] for host in one["hosts"]} <= numbers]
    return {one["name"]: one["groupid"] for one in sorted(empty, key=itemgetter("name"))}


def _remove(of: APIObject, key: str, names: Sequence[str]) -> None:
    """Remove those of a kind that have these names."""
    found = of.get(output=[key], filter={"name": list(names)}) if names else []
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


def _dashboard(api: ZabbixAPI, app: str, hosts: Sequence[str]) -> str:
    """Write a dashboard as it is meant; its name where it was not there."""
    places = [monitoring.app_on(app, host) for host in hosts]
    items = api.item.get(output=["itemid"], selectHosts=["host"], filter={"host": places, "key_": monitoring.DEPLOYS})
    items.sort(key=lambda one: places.index(one["hosts"][0]["host"]))
    wanted = dashboard.dashboard(app, hosts, [one["itemid"] for one in items])
    found = api.dashboard.get(output=["dashboardid", "name"], filter={"name": [wanted["name"]]})
    if found:
        api.dashboard.update(dashboardid=found[0]["dashboardid"], pages=wanted["pages"])
        return ""
    api.dashboard.create(**wanted)
    return f"dashboard {wanted['name']}"


def _ids(found: Iterable[Mapping[str, str]], key: str) -> dict[str, str]:
    return {one["name"]: one[key] for one in found}
