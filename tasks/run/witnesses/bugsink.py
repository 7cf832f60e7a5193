"""What is new in Bugsink with a canary: issues whose events since it began are all of its release.

Its API: bugsink.com/docs/api. Releases of issues are not among what it tells; those of events are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ...errors import Unreachable
from ...model.notice import Tracker
from ...model.rollout import Rollout
from ...model.witness import MOST, Complaint
from ..company.bugsink import connect, project
from ..company.trackers import NOT_THERE, Api
from ..web import Refusal
from .tracker import complaint, since

ISSUES = 20
"""The newest that are looked at."""
EVENTS = 4
"""Of each issue: if a share of s of them are of other releases, all these miss that with (1 - s) ** EVENTS."""


def new_issues(at: Tracker, token: str, app: str, rollout: Rollout, seconds: float) -> list[Complaint]:
    """At most MOST issues that nobody resolved or muted; raises Unreachable where none is found before it fails."""
    base, api = at.url.rstrip("/"), connect(at.url, token, seconds)
    number = project(api, at.projects.get(app, ""), app)
    newest = api.get("/issues/", project=number, order="desc")["results"]
    mattering = [one for one in newest if _matters(one, rollout)]
    found: list[Complaint] = []
    try:
        for one in mattering[:ISSUES]:
            if len(found) < MOST and _is_of(api, str(one["id"]), str(rollout.canary)):
                title = f"{one['calculated_type']}: {one['calculated_value']}"
                found.append(complaint(title, f"{base}/issues/issue/{{}}/event/last/", one["id"]))
    except Unreachable:
        # In a storm of errors it is slow, and one issue is enough to wait.
        if not found:
            raise
    return found


def _matters(issue: Mapping[str, Any], rollout: Rollout) -> bool:
    return not issue["is_resolved"] and not issue["is_muted"] and since(issue["first_seen"], rollout)


def _is_of(api: Api, issue: str, version: str) -> bool:
    releases = _releases(api, issue)
    return next(releases, None) == version and all(one == version for one in releases)


def _releases(api: Api, issue: str) -> Iterator[str]:
    """The releases of some of an issue's events: of the newest first, of the oldest that is told last."""
    listed = _unless_gone(api, "/events/", issue=issue)
    for one in _some(listed["results"] if listed else ()):
        if event := _unless_gone(api, f"/events/{quote(str(one['id']), safe='')}/"):
            yield str(event["data"].get("release"))


def _unless_gone(api: Api, path: str, **query: str) -> Any:
    """The answer's value; None where somebody deleted meanwhile what was listed before."""
    try:
        return api.get(path, **query)
    except Refusal as error:
        if error.status != NOT_THERE:
            raise
        return None


def _some(events: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    last = len(events) - 1
    return [events[place] for place in sorted({last * number // (EVENTS - 1) for number in range(EVENTS)}) if events]
