"""How each receiver is told: one function each, which raises DeplError where it can't be."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from html import escape

from ...model.notice import ABOUT_HOSTS, DEPLOYS, Address, Notice, Notify, Tracker
from .. import web
from ..company import bugsink, sentry
from .jira import jira
from .refusals import must_have, understood
from .spool import Spool
from .zabbix import zabbix


@dataclass(frozen=True)
class Receiver:
    """Somebody who is told: what people call it, and how; `tell` takes the notice and the seconds that are left."""

    name: str
    tell: Callable[[Notice, float], None] = field(repr=False)


def names(notify: Notify) -> list[str]:
    """What those are called whom the inventory names."""
    return [one for one in ("webhook", "chat", "tracker", "jira", "zabbix") if getattr(notify, one)]


def of(notify: Notify, secrets: Mapping[str, Mapping[str, str]], spool: Spool | None = None) -> list[Receiver]:
    """Those whom the inventory names, with what lets us in there; the spool knows which parts of a notice are done."""
    found: list[tuple[str, str, Callable[[Mapping[str, str], Notice, float], None]]] = []
    if notify.webhook:
        found.append(("webhook", "key", partial(webhook, notify.webhook)))
    if notify.chat:
        found.append(("chat", "path", partial(chat, notify.chat)))
    if notify.tracker:
        found.append(("tracker", "token", partial(tracker, notify.tracker)))
    if notify.jira:
        found.append(("jira", "token", partial(jira, notify.jira, partial(spool.parts, "jira") if spool else None)))
    if notify.zabbix:
        found.append(("zabbix", "password", partial(zabbix, notify.zabbix)))
    return [
        Receiver(name, partial(understood, partial(tell, secrets.get(name, {})), name, key))
        for name, key, tell in found
    ]


def webhook(at: Address, secret: Mapping[str, str], notice: Notice, seconds: float) -> None:
    """POST the notice as JSON; its HMAC-SHA256 by the secret `key` is in X-Depl-Signature, as sha256=<hex>."""
    body = json.dumps(as_json(notice)).encode()
    signature = hmac.new(must_have(secret, "webhook", "key").encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Depl-Signature": f"sha256={signature}", "X-Depl-Id": notice.id}
    web.send("the webhook", at.url, body, headers, seconds=seconds)


def chat(at: Address, secret: Mapping[str, str], notice: Notice, seconds: float) -> None:
    """POST a message as Slack's incoming webhooks take it, and others after them; the secret `path` ends the URL."""
    path = must_have(secret, "chat", "path").lstrip("/")
    body = json.dumps({"text": escape(notice.text, quote=False)}).encode()  # no name is markup, such as <!channel>
    web.send("the chat", f"{at.url.rstrip('/')}/{path}", body, {"Content-Type": "application/json"}, seconds=seconds)


def tracker(at: Tracker, secret: Mapping[str, str], notice: Notice, seconds: float) -> None:
    """Make the version known as a release; to Sentry with its commits, and a deploy once all users have it.

    Sentry's API of releases: docs.sentry.io/api/releases. Bugsink's knows releases without commits or deploys.
    """
    if notice.verb in ABOUT_HOSTS:
        return
    token, app = must_have(secret, "tracker", "token"), notice.app
    if at.kind == "bugsink":
        api = bugsink.connect(at.url, token, seconds)
        number = bugsink.project(api, at.projects.get(app, ""), app)
        bugsink.release(api, number, notice.version)
        return
    releases = sentry.Releases(sentry.connect(at.url, token, seconds), at.organization)
    releases.make(notice.version, at.projects.get(app, app), _commits(notice))
    if notice.verb in DEPLOYS:
        deploy = {"environment": notice.environment, "name": notice.id, "url": notice.url, "dateFinished": _iso(notice)}
        releases.deployed(notice.version, deploy)


def _commits(notice: Notice) -> list[dict[str, str]]:
    return [
        {"id": one.commit, "author_name": one.author, "message": one.message,
         "timestamp": datetime.fromtimestamp(one.at, UTC).isoformat()}
        for one in notice.changes.came
    ]  # fmt: skip


def as_json(notice: Notice) -> dict[str, object]:
    """What a webhook gets; null is what a verb has nothing to say of."""
    return {
        "id": notice.id, "at": _iso(notice), "verb": notice.verb, "app": notice.app, "environment": notice.environment,
        "version": notice.version or None, "former": notice.former or None,
        "percent": None if notice.verb in ABOUT_HOSTS else notice.percent, "url": notice.url,
        "who": notice.who, "hosts": list(notice.hosts), "text": notice.text, "issues": list(notice.changes.keys),
        "commits": _commits(notice),
    }  # fmt: skip


def _iso(notice: Notice) -> str:
    return datetime.fromtimestamp(notice.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
