"""Issues that commits name: commented on when they are live, once, and moved on where the inventory says how.

Jira's REST API, version 2, by the client `jira`: developer.atlassian.com/server/jira/platform/rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ...errors import Refused, Unreachable, one_line
from ...model.notice import DEPLOYS, Jira, Notice
from .refusals import LATER, SHUT, must_have, shut
from .spool import Parts

if TYPE_CHECKING:  # no other verb needs it
    from jira import JIRA

UNKNOWN = 404
"""Jira's answer for an issue that is not there, or that we may not see: UTF-8 looks like one."""


def jira(
    at: Jira, kept: Callable[[Notice], Parts] | None, secret: Mapping[str, str], notice: Notice, seconds: float
) -> None:
    """Tell each issue that the commits name in which environment and since when it is; raises Refused, Unreachable.

    Issues that were told before, as `kept` knows, are not even asked for: there may be more than time is for at once.
    """
    if notice.verb not in DEPLOYS or not notice.changes.keys:
        return
    from jira import JIRA, JIRAError
    from requests import RequestException

    done = kept(notice) if kept else Parts()
    token = must_have(secret, "jira", "token")
    basic = (at.user, token) if at.user else None
    try:
        server = JIRA(
            at.url, get_server_info=False, max_retries=0, timeout=seconds, basic_auth=basic,
            token_auth=None if basic else token,
        )  # fmt: skip
        for key in notice.changes.keys:
            if key in done:
                continue
            try:
                _tell(server, key, notice, at.transition)
            except JIRAError as error:
                if error.status_code != UNKNOWN:
                    raise
            done.add(key)
    except JIRAError as error:
        status, why = error.status_code or 0, f"Jira refuses ({error.status_code}): {one_line(error.text or '')[:200]}"
        if status == SHUT[0]:
            raise shut("jira", "token", Unreachable(why)) from None
        # One project that we may not write to (403) keeps no other from being told.
        of_this_one = 400 <= status < 500 and status not in LATER
        raise (Refused if of_this_one else Unreachable)(why) from None
    except RequestException as error:
        raise Unreachable(f"Jira at {at.url} can't be reached: {one_line(str(error))[:200]}") from None


def _tell(server: JIRA, key: str, notice: Notice, transition: str) -> None:
    mark = f"In {notice.environment} with {notice.app} {notice.version}"
    if not any(mark in comment.body for comment in server.comments(key)):
        since = datetime.fromtimestamp(notice.at, UTC).strftime("%Y-%m-%d %H:%M UTC")
        server.add_comment(key, f"{mark} since {since}: {notice.url} (by {notice.who})")
    # One that was moved on before offers that way no more.
    way = (
        next((one["id"] for one in server.transitions(key) if one["name"] == transition), None) if transition else None
    )
    if way:
        server.transition_issue(key, way)
