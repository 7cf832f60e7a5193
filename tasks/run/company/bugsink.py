"""Bugsink by its API: a project for each app, by the app's name. bugsink.com/docs/api."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ...errors import Refused, Unreachable
from .. import web
from .trackers import NAME, TEAM, Api

KNOWN = 400
"""Its answer to a release that it has already."""


def connect(url: str, token: str, seconds: float) -> Api:
    """Its API, which is asked for so many seconds."""
    return Api(f"{url.rstrip('/')}/api/canonical/0", token, seconds)


def projects(api: Api, apps: Iterable[str], numbers: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Have a project for each app: their DSNs by app, and the projects that were made. Raises Unreachable.

    `numbers` are those of projects that people made, by app: such an app has that one.
    """
    wanted = list(apps)
    found = list(_all(api, "/projects/"))
    names = {one["name"] for one in found}
    new = [app for app in wanted if app not in numbers and app not in names]
    if new:
        team = _team(api)
        for app in new:
            api.post("/projects/", {"team": team, "name": app})
        found = list(_all(api, "/projects/"))
    by_name, by_number = ({str(one[key]): str(one["dsn"]) for one in found} for key in ("name", "id"))
    for app in wanted:
        if app in numbers and numbers[app] not in by_number:
            raise Unreachable(
                f"{NAME} has no project {numbers[app]}, which depl_notify.tracker.projects names for {app}.\n"
                "Name one that is there, or take it out: one of the app's name is made then."
            )
    return {app: by_number[numbers[app]] if app in numbers else by_name[app] for app in wanted}, new


def project(api: Api, number: str, app: str) -> int:
    """The number of a project that is there: this one, or else the app's. Raises Unreachable, and Refused for none."""
    # Of one that is not there, Bugsink says that it has no issues, and that it has each release already.
    if number:
        return int(api.get(f"/projects/{number}/")["id"])
    found = next((one["id"] for one in _all(api, "/projects/") if one["name"] == app), None)
    if found is None:
        raise Refused(f"{NAME} has no project {app}: inv infra.apps makes it.")
    return int(found)


def release(api: Api, number: int, version: str) -> None:
    """Make a version known in a project; raises Unreachable."""
    try:
        api.post("/releases/", {"project": number, "version": version})
    except web.Refusal as error:
        if error.status != KNOWN:
            raise


def _team(api: Api) -> str:
    found = [one["id"] for one in _all(api, "/teams/") if one["name"] == TEAM]
    return str(found[0] if found else api.post("/teams/", {"name": TEAM})["id"])


def _all(api: Api, path: str) -> Iterator[Any]:
    """What a list has on all its pages."""
    answer = api.get(path)
    yield from answer["results"]
    while later := answer.get("next"):
        answer = api.get(path, cursor=parse_qs(urlsplit(later).query)["cursor"][0])
        yield from answer["results"]
