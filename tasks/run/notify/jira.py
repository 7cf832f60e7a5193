"""Issues that commits name: commented on when they are live, once, and moved on where the inventory says how.

Jira's REST API, version 2, by the client `jira`: developer.atlassian.com/server/jira/platform/rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ...errors import Unreachable, one_line
from ...model.notice import DEPLOYS, Jira, Notice
from .refusals import LATER, SHUT, PassedOver, must_have, shut
from .spool import Parts

if TYPE_CHECKING:  # no other verb needs it
    from jira import JIRA, JIRAError

DENIED = "X-Authentication-Denied-Reason"
"""A header of a 403 that is about the login, such as after some with a wrong password, and not about an issue."""
UNKNOWN = 404
"""Jira's answer for an issue that is not there, or that we may not see: UTF-8 looks like one."""


def jira(
    at: Jira, kept: Callable[[Notice], Parts] | None, secret: Mapping[str, str], notice: Notice, seconds: float
) -> None:
    """Tell each issue that the commits name in which environment and since when it is; raises Refused, Unreachable.

    Issues that were told before, as `kept` knows, are not even asked for: there may be more than time is for at once.
    What Jira refuses of one keeps no other from being told: all were, when it raises PassedOver with the refused ones.
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
            why = ""
            try:
                _tell(server, key, notice, at.transition)
            except JIRAError as error:
                why = _of_this_one(error)
            done.add(key, why)
    except RequestException as error:
        raise Unreachable(f"Jira at {at.url} can't be reached: {one_line(str(error))[:200]}") from None
    if refused := done.refused:
        reasons = dict.fromkeys(refused.values())
        named = (f"{', '.join(key for key in refused if refused[key] == why)} ({why})" for why in reasons)
        raise PassedOver(f"refuses {', '.join(named)}; it is told no more of these")


def _of_this_one(error: JIRAError) -> str:
    """Why Jira refuses an issue, such as one of a project that we may not write to; "" where it is none there.

    Raises Unreachable for what is about all issues.
    """
    status, said = error.status_code or 0, one_line(error.text or "")[:200].rstrip(".")
    is_shut = status == SHUT[0] or (error.response is not None and DENIED in error.response.headers)
    if 400 <= status < 500 and status not in LATER and not is_shut:
        return "" if status == UNKNOWN else f"{status}: {said}".rstrip(": ")
    away = Unreachable(f"Jira refuses ({error.status_code}): {said}")
    raise (shut("jira", "token", away) if is_shut else away) from None


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
