"""An app's page in Zabbix, as its API takes it: what was deployed, what is wrong, and how versions do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .monitoring import GROUP, OF_LAST, app_on

NUMBER, WORDS, HOST, ITEM = 0, 1, 3, 4
"""What a widget's field holds, as Zabbix counts it."""
WARNINGS = (2, 3, 4, 5)
"""Severities of what is wrong, from warning to disaster: a deploy is information."""
LINE, DOTS = 0, 1
"""How figures are drawn: what comes once a deploy has nothing between."""
LINES = 25
HOSTS = "ds.hosts."
"""What the fields begin with that name a chart's hosts."""


def name(app: str, environment: str) -> str:
    """What Zabbix calls an app's dashboard: other environments may have the app there too."""
    return f"{former(app)} in {environment}"


def former(app: str) -> str:
    """What it was called by an earlier depl, for whichever environment came last."""
    return f"{GROUP}: {app}"


def shown(pages: Iterable[Mapping[str, Any]]) -> set[str]:
    """The hosts that a dashboard's charts show."""
    fields = (field for page in pages for widget in page["widgets"] for field in widget["fields"])
    return {field["value"] for field in fields if field["name"].startswith(HOSTS)}


def dashboard(
    app: str, environment: str, hosts: Sequence[str], numbers: Sequence[str], deploys: Sequence[str]
) -> dict[str, Any]:
    """An app's dashboard over its hosts.

    `numbers` are Zabbix's of the app on its hosts, `deploys` those of the items that say what was deployed there.
    """
    places = [app_on(app, host) for host in hosts]
    charts = (
        ("Errors per version, %", "Errors of *", places),
        ("95th percentile per version, s", "95th percentile of *", places),
        ("Canary's share, %", "Canary's share", places),
        ("Live release answers", "Live release answers", places),
        ("Requests in five minutes", "Requests in five minutes", places),
        ("Containers restarted", "Containers restarted", places),
        ("Disk in use, %", "Disk in use", list(hosts)),
        (f"{OF_LAST}, %", OF_LAST, places),
    )
    wrong = [
        _field(WORDS, "problem", f"{app}:"),
        *(_field(HOST, "hostids", one) for one in numbers),
        *(_field(NUMBER, "severities", one) for one in WARNINGS),
    ]
    said = [*(_field(ITEM, "itemids", one) for one in deploys), _field(NUMBER, "show_lines", LINES)]
    widgets = [
        {"type": "problems", "name": "Problems", "x": 0, "y": 0, "width": 24, "height": 4, "fields": wrong},
        {"type": "plaintext", "name": "Deploys", "x": 0, "y": 4, "width": 24, "height": 5, "fields": said},
        *({"type": "svggraph", "name": title, "x": 12 * (place % 2), "y": 9 + 5 * (place // 2), "width": 12,
           "height": 5, "fields": _drawn(item, of)} for place, (title, item, of) in enumerate(charts)),
    ]  # fmt: skip
    return {"name": name(app, environment), "display_period": 60, "auto_start": 1, "pages": [{"widgets": widgets}]}


def _drawn(item: str, hosts: Sequence[str]) -> list[dict[str, Any]]:
    return [
        *(_field(WORDS, f"{HOSTS}0.{place}", host) for place, host in enumerate(hosts)),
        _field(WORDS, "ds.items.0.0", item),
        _field(WORDS, "ds.color.0", "1A7C11"),
        _field(NUMBER, "ds.type.0", DOTS if item == OF_LAST else LINE),
        _field(NUMBER, "ds.width.0", 2),
        _field(NUMBER, "righty", 0),
    ]


def _field(kind: int, field: str, value: object) -> dict[str, Any]:
    return {"type": kind, "name": field, "value": value}
