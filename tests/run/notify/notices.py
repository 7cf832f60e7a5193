"""Notices to tell."""

import time

from tasks.model.change import Change, Changes
from tasks.model.notice import Notice

CHANGES = Changes(
    (Change("b" * 40, "Ben", 1_763_900_100.0, "SHOP-2: pay"), Change("a" * 40, "Ana", 1_763_900_000.0, "SHOP-1"))
)


def notice(verb="promote", *, id="1", at=None, version="2026.11.22.12.05", percent=100.0, changes=CHANGES, app="app1"):
    return Notice(
        id, at or time.time(), verb, app, "production", version, "2026.11.21.18.30", percent, "https://app1.foo",
        "ana@deploy", ("app1", "app2"), changes,
    )  # fmt: skip


def about_host(verb, host="app1", *, app="app1", at=None):
    return Notice(
        "1", at or time.time(), verb, app, "production", "2026.11.22.12.05", "", 0.0, "https://app1.foo",
        "ana@deploy", (host,),
    )  # fmt: skip
