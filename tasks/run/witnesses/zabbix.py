"""What is new in Zabbix with a canary: triggers of its app and its hosts that became a problem since it began.

Zabbix's API: zabbix.com/documentation/6.0/en/manual/api/reference/trigger/get.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from ...errors import Unreachable, one_line
from ...model.notice import Zabbix
from ...model.rollout import Rollout
from ...model.witness import LONGEST, MOST, Complaint
from ...plan.monitoring import app_on
from ..company.zabbix import connected

NAME = "Zabbix"
WARNING = 2
"""The least severity that counts. What is below it is information, as that of deploys themselves."""


def problems(
    at: Zabbix, password: str, app: str, hosts: Sequence[str], rollout: Rollout, seconds: float
) -> list[Complaint]:
    """At most MOST problems that nobody acknowledged and no maintenance covers; raises Unreachable."""
    names = [*hosts, *(app_on(app, host) for host in hosts)]
    with connected(at.url, password, user=at.user, seconds=seconds) as api:
        known = [one["hostid"] for one in api.host.get(output=["hostid"], filter={"host": names})]
        if not known:
            raise Unreachable(f"{NAME} shows {at.user} none of {', '.join(names)[:200]}: inv infra.apps adds them.")
        found = api.trigger.get(
            output=["triggerid", "description"], hostids=known, filter={"value": 1}, min_severity=WARNING,
            lastChangeSince=int(rollout.began), withLastEventUnacknowledged=True, maintenance=False, monitored=True,
            skipDependent=True, expandDescription=True, selectLastEvent=["eventid"], selectHosts=["name"], limit=MOST,
            sortfield="priority", sortorder="DESC",
        )  # fmt: skip
    return [_complaint(at.url.rstrip("/"), one) for one in found]


def _complaint(base: str, trigger: Mapping[str, Any]) -> Complaint:
    page = urlencode({"triggerid": trigger["triggerid"], "eventid": trigger["lastEvent"]["eventid"]})
    title = f"{trigger['description']} on {trigger['hosts'][0]['name']}"
    return Complaint(NAME, one_line(title)[:LONGEST], f"{base}/tr_events.php?{page}")
