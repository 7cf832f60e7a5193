"""What Zabbix is told of hosts and apps, as its API takes it: a template each, and hosts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GROUP = "depl"
OF_APPS, OF_HOSTS = "depl app", "depl host"
AGENT_PORT = 10050
MASTER = "depl.figures[{$APP}]"
VERSIONS = "depl.versions[{$APP}]"
TEXT, FLOAT, WHOLE = "TEXT", "FLOAT", "UNSIGNED"
TOLD, SHARE, DEPLOYS = "depl.told", "depl.share", "depl.deploys"
"""Keys of what depl sends when it changed something: a sentence, the version's share; and the sentences alone."""
ANSWERS = "depl.answers[{$APP}]"
OF_LAST = "Users with the version of the last deploy"
OVER = "-"
"""What is sent to TOLD after a sentence, so that its event is over at once."""


@dataclass(frozen=True)
class Item:
    """A figure of an app: its key and name, where it is in what templates/host/figures.py wrote, its type and unit."""

    key: str
    name: str
    path: str
    kind: str
    units: str = ""


ITEMS = (
    Item("depl.answers", "Live release answers", "$.live.answers", WHOLE),
    Item("depl.version", "Live version", "$.live.version", "CHAR"),
    Item("depl.seconds", "Live release takes", "$.live.seconds", FLOAT, "s"),
    Item("depl.requests", "Requests in five minutes", "$.requests", WHOLE),
    Item("depl.canary", "Canary's share", "$.canary_share", FLOAT, "%"),
    Item("depl.running", "Containers that run", "$.containers.running", WHOLE),
    Item("depl.restarted", "Containers restarted", "$.containers.restarted", WHOLE),
    Item("depl.clock", "Figures are of", "$.clock", WHOLE, "unixtime"),
)
OF_VERSIONS = (
    Item("depl.errors", "Errors of {#VERSION}", "errors", FLOAT, "%"),
    Item("depl.p95", "95th percentile of {#VERSION}", "p95", FLOAT, "s"),
)


def uuid(name: str) -> str:
    """The same identifier for the same thing, of the form that Zabbix asks for (version 4)."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:32]
    return f"{digest[:12]}4{digest[13:16]}8{digest[17:]}"


def templates() -> str:
    """Both templates, as configuration.import takes them in JSON."""
    group = {"uuid": uuid("group"), "name": f"Templates/{GROUP}"}
    found = {"version": "6.0", "groups": [group], "templates": [_of_apps(group["name"]), _of_hosts(group["name"])]}
    return json.dumps({"zabbix_export": found})


def _template(name: str, group: str, about: str, **more: object) -> dict[str, Any]:
    return {
        "uuid": uuid(name),
        "template": name,
        "name": name,
        "description": about,
        "groups": [{"name": group}],
        **more,
    }


def _of_apps(group: str) -> dict[str, Any]:
    master = {
        "uuid": uuid(MASTER), "name": "Figures", "key": MASTER, "delay": "1m", "history": "1h", "trends": "0",
        "value_type": TEXT,
        "triggers": [_trigger(f"nodata(/{OF_APPS}/{MASTER},5m)=1", "{$APP}: no figures for five minutes", "WARNING")],
    }  # fmt: skip
    items = [_dependent(one, f"{one.key}[{{$APP}}]", one.path, _triggers_of(one)) for one in ITEMS]
    return _template(
        OF_APPS, group, "An app on a host, as templates/host/figures.py sees it.",
        macros=[{"macro": "{$APP}", "value": "", "description": "the app's name"},
                {"macro": "{$ERRORS}", "value": "5", "description": "per cent of a version's requests that may fail"}],
        items=[master, *items, *_told()], discovery_rules=[_versions()],
    )  # fmt: skip


def _told() -> list[dict[str, Any]]:
    """What depl sends: each sentence makes an event of its name, and is kept without what ends that event."""
    event = _trigger(f'last(/{OF_APPS}/{TOLD})<>"{OVER}"', "{$APP} was changed", "INFO")
    alone = {"type": "NOT_MATCHES_REGEX", "parameters": [f"^{OVER}$"], "error_handler": "DISCARD_VALUE"}
    return [
        {"uuid": uuid(TOLD), "name": "Told by depl", "type": "TRAP", "key": TOLD, "delay": "0", "history": "7d",
         "trends": "0", "value_type": TEXT, "triggers": [event | {"event_name": "{ITEM.VALUE}"}]},
        {"uuid": uuid(DEPLOYS), "name": "Deploys", "type": "DEPENDENT", "key": DEPLOYS, "delay": "0", "history": "365d",
         "trends": "0", "value_type": TEXT, "master_item": {"key": TOLD}, "preprocessing": [alone]},
        {"uuid": uuid(SHARE), "name": OF_LAST, "type": "TRAP", "key": SHARE,
         "delay": "0", "value_type": FLOAT, "units": "%"},
    ]  # fmt: skip


def _dependent(
    one: Item, key: str, path: str, triggers: Sequence[Mapping[str, Any]], kind: str = "triggers"
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "uuid": uuid(key), "name": one.name, "type": "DEPENDENT", "key": key, "delay": "0", "value_type": one.kind,
        "master_item": {"key": MASTER},
        "preprocessing": [{"type": "JSONPATH", "parameters": [path], "error_handler": "DISCARD_VALUE"}],
    }  # fmt: skip
    if one.kind in (TEXT, "CHAR"):
        found["trends"] = "0"
    if one.units:
        found["units"] = one.units
    if triggers:
        found[kind] = list(triggers)
    return found


def _triggers_of(one: Item) -> list[dict[str, Any]]:
    key = f"/{OF_APPS}/{one.key}[{{$APP}}]"
    known = {
        "depl.answers": (f"max({key},3m)=0", "{$APP}: the live release does not answer", "HIGH"),
        "depl.restarted": (f"last({key})>0", "{$APP}: a container started again", "WARNING"),
        "depl.clock": (f"fuzzytime({key},5m)=0", "{$APP}: its figures are old", "WARNING"),
    }
    return [_trigger(*known[one.key])] if one.key in known else []


def _trigger(expression: str, name: str, priority: str) -> dict[str, Any]:
    return {"uuid": uuid(name), "expression": expression, "name": name, "priority": priority}


def _versions() -> dict[str, Any]:
    """A rule that finds the versions that served lately: each has an item of its own for errors and for times."""
    items = []
    for one in OF_VERSIONS:
        key = f"{one.key}[{{$APP}},{{#VERSION}}]"
        path = f"$.versions[?(@.version=='{{#VERSION}}')].{one.path}.first()"
        errors = _trigger(f"min(/{OF_APPS}/{key},3m)>{{$ERRORS}}", "{$APP}: {#VERSION} answers with errors", "AVERAGE")
        items.append(
            _dependent(one, key, path, [errors] if one.key == "depl.errors" else [], kind="trigger_prototypes")
        )
    return {
        "uuid": uuid(VERSIONS), "name": "Versions", "type": "DEPENDENT", "key": VERSIONS, "delay": "0",
        "lifetime": "7d",
        "master_item": {"key": MASTER}, "item_prototypes": items,
        "lld_macro_paths": [{"lld_macro": "{#VERSION}", "path": "$.version"}],
        "preprocessing": [{"type": "JSONPATH", "parameters": ["$.versions"]}],
    }  # fmt: skip


FIGURES_OF_HOSTS = (
    (Item("agent.ping", "Agent answers", "", WHOLE), "nodata({},5m)=1", "{HOST.NAME}: its agent is silent", "AVERAGE"),
    (Item("vfs.fs.size[/,pused]", "Disk in use", "", FLOAT, "%"),
     "last({})>90", "{HOST.NAME}: its disk is nearly full", "HIGH"),
    (Item("vm.memory.size[pavailable]", "Memory available", "", FLOAT, "%"),
     "max({},5m)<5", "{HOST.NAME}: little memory is left", "WARNING"),
)  # fmt: skip
"""What the agent itself tells of a host, each with what is a problem."""


def _of_hosts(group: str) -> dict[str, Any]:
    items = [
        {"uuid": uuid(one.key), "name": one.name, "key": one.key, "delay": "1m", "value_type": one.kind,
         "units": one.units, "triggers": [_trigger(when.format(f"/{OF_HOSTS}/{one.key}"), name, priority)]}
        for one, when, name, priority in FIGURES_OF_HOSTS
    ]  # fmt: skip
    return _template(OF_HOSTS, group, "A host that depl works on.", items=items)


RULES = {
    kind: {"createMissing": True, "updateExisting": True}
    for kind in ("templates", "items", "triggers", "discoveryRules")
} | {"groups": {"createMissing": True}}
"""What an import does with what is there already."""


def app_on(app: str, host: str) -> str:
    """What Zabbix calls an app on a host."""
    return f"{app} on {host}"


@dataclass(frozen=True)
class Watched:
    """A host in Zabbix: its name and address, its template's name, and the app that it stands for, "" for none."""

    name: str
    address: str
    template: str
    app: str = ""

    @property
    def group(self) -> str:
        return f"{GROUP}/{self.app}" if self.app else GROUP

    @property
    def macros(self) -> list[dict[str, str]]:
        return [{"macro": "{$APP}", "value": self.app}] if self.app else []
