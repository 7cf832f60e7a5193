"""What is new in Sentry with a canary: issues first seen in its release, and not in those beside it.

Its API: docs.sentry.io/api/events/list-an-organizations-issues, and docs.sentry.io/concepts/search for what is asked.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ...model.notice import Tracker
from ...model.rollout import Rollout
from ...model.witness import MOST, Complaint
from ..company.sentry import connect
from ..company.trackers import Api
from .tracker import complaint, since

ISSUES = 100
"""The newest that are looked at; Sentry tells as many at once."""


def new_issues(at: Tracker, token: str, app: str, rollout: Rollout, seconds: float) -> list[Complaint]:
    """At most MOST issues that nobody resolved or archived; raises Unreachable."""
    api, issues = connect(at.url, token, seconds), f"/organizations/{quote(at.organization, safe='')}/issues/"
    new = f'project:{at.projects.get(app, app)} is:unresolved firstRelease:"{rollout.canary}"'
    others = ", ".join(sorted({f'"{one}"' for one in rollout.versions if one != rollout.canary}))
    found = [one for one in _issues(api, issues, new) if since(one["firstSeen"], rollout)]
    elsewhere = {one["id"] for one in _issues(api, issues, f"{new} release:[{others}]")} if found else set()
    page = f"{at.url.rstrip('/')}{issues}{{}}/"
    return [complaint(one["title"], page, one["id"]) for one in found if one["id"] not in elsewhere][:MOST]


def _issues(api: Api, path: str, query: str) -> list[Any]:
    # Without a project that is named by its number, it would be those of the token's own teams.
    return list(api.get(path, project=-1, query=query, sort="new", limit=ISSUES))
