"""Sentry by its API: a project for each app, and its releases. docs.sentry.io/api."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ...errors import Refused, Unreachable
from .. import web
from .trackers import NAME, NOT_THERE, TEAM, Api

THERE = 409
"""Its answer to a team that it has already."""


def connect(url: str, token: str, seconds: float) -> Api:
    """Its API, which is asked for so many seconds."""
    return Api(f"{url.rstrip('/')}/api/0", token, seconds)


def projects(api: Api, organization: str, slugs: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Have a project for each app, of the slug that it has there: their DSNs by app, and the projects that were made.

    Raises Unreachable.
    """
    owner = quote(organization, safe="")
    found, new = dict[str, str](), list[str]()
    for app, slug in slugs.items():
        try:
            keys = _keys(api, owner, slug)
        except web.Refusal as error:
            if error.status != NOT_THERE:
                raise
            new.append(slug)
            _make(api, owner, slug)
            keys = _keys(api, owner, slug)
        active = [one["dsn"]["public"] for one in keys if one.get("isActive", True)]
        if not active:
            raise Unreachable(
                f"{NAME} has no key for {slug} that is not disabled.\nMake one: its settings, Client Keys"
            )
        found[app] = str(active[0])
    return found, new


def _keys(api: Api, owner: str, slug: str) -> Any:
    return api.get(f"/projects/{owner}/{quote(slug, safe='')}/keys/")


def _make(api: Api, owner: str, slug: str) -> None:
    try:
        api.post(f"/organizations/{owner}/teams/", {"name": TEAM, "slug": TEAM})
    except web.Refusal as error:
        if error.status != THERE:
            raise
    api.post(f"/teams/{owner}/{TEAM}/projects/", {"name": slug, "slug": slug, "platform": "python"})


class Releases:
    """The releases of an organization."""

    def __init__(self, api: Api, organization: str) -> None:
        self._api, self._path = api, f"/organizations/{quote(organization, safe='')}/releases/"

    def make(self, version: str, project: str, commits: Sequence[Mapping[str, str]]) -> None:
        """Make a version known in a project, with its commits; raises Unreachable, and Refused where there is none."""
        try:
            self._api.post(self._path, {"version": version, "projects": [project], "commits": commits})
        except web.Refusal as error:
            if "invalid project" in str(error).lower():
                raise Refused(f"{NAME} has no project {project}: inv infra.apps makes it.") from None
            raise

    def deployed(self, version: str, deploy: Mapping[str, str]) -> None:
        """Say that a version went to an environment; raises Unreachable."""
        self._api.post(f"{self._path}{quote(version, safe='')}/deploys/", deploy)
