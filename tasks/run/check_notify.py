"""What the inventory and the secrets say of who is told of deploys, held to what can be: refusals name their key."""

from __future__ import annotations

import re

from ..model.notice import Notify
from .read import FILE_NAME, URL, is_text, require, shown

_SERVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}:(\d{1,5})", re.ASCII)

CHAT = "notify.chat.path"
"""The place of a secret: the end of the chat's URL."""
_PATH = re.compile(r"[!-~]+", re.ASCII)


def check_chat(path: str, at: str) -> None:
    """Refuse an end of the chat's URL that no URL can have; raises BadConfig, without the path, which is a secret."""
    require(_PATH.fullmatch(path), at, "expected the end of a URL: no blank, and no letter that is not ASCII")


def check(notify: Notify, at: str) -> None:
    """Refuse receivers that can't be told; raises BadConfig with the path of its key."""
    require(0 < notify.deadline <= 60, f"{at}.deadline", "expected 1 to 60 seconds")
    named = {"webhook": notify.webhook, "chat": notify.chat, "tracker": notify.tracker, "jira": notify.jira,
             "zabbix": notify.zabbix}  # fmt: skip
    for name, receiver in named.items():
        require(not receiver or URL.fullmatch(receiver.url), f"{at}.{name}.url", "expected http://… or https://…")
    if tracker := notify.tracker:
        for app, project in tracker.projects.items():
            key = f"{at}.tracker.projects.{shown(app)}"
            require(FILE_NAME.fullmatch(project), key, "expected a project's slug, or its number in Bugsink")
            require(tracker.kind == "sentry" or project.isdigit(), key, "Bugsink's projects have numbers")
        sentry = tracker.kind == "sentry"
        require(not sentry or FILE_NAME.fullmatch(tracker.organization), f"{at}.tracker.organization",
                "expected the organization's slug")  # fmt: skip
    if zabbix := notify.zabbix:
        at_zabbix = f"{at}.zabbix"
        server = _SERVER.fullmatch(zabbix.server)
        expected = "expected host:port, with a port from 1 to 65535"
        require(not zabbix.server or (server and 1 <= int(server[1]) <= 65535), f"{at_zabbix}.server", expected)
        require(is_text(zabbix.user, "\r\n") and zabbix.user, f"{at_zabbix}.user", "expected one line of text")
        require(
            60 <= zabbix.maintenance <= 604800, f"{at_zabbix}.maintenance", "expected 60 to 604800 seconds (a week)"
        )
    if notify.jira:
        for key, text in (("user", notify.jira.user), ("transition", notify.jira.transition)):
            require(is_text(text, "\r\n"), f"{at}.jira.{key}", "expected one line of text")
