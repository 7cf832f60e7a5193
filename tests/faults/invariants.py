"""What must hold after every fault, whatever it was. One set of functions for all of them."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from ..integration.conftest import APP_HOSTS, wait_until
from .world import LONG, World

Before = dict[str, dict[str, Any]]
KEPT_TABLES = 21
"""Routing tables that a prune leaves: the twenty newest, and the live one."""


def hold(world: World, before: Before) -> None:
    """All of them, in the order in which an operator would look."""
    no_request_failed(world)
    hosts_agree(world)
    next_commands_work(world)
    nothing_is_left(world, before)
    no_request_failed(world)


def no_request_failed(world: World) -> None:
    """Live traffic never failed, and was answered by versions that were live."""
    for host in APP_HOSTS:
        world.must_not_have_failed(host)


def hosts_agree(world: World) -> None:
    """All hosts are on the old or all on the new release, in what they serve and in what depl says."""
    served = set(world.served().values())
    assert len(served) == 1, served
    assert served <= {world.live, world.other, world.third}
    status = json.loads(world.must("status", "--json"))
    assert set(status["live"].values()) == served
    shares = {(row["host"], row["share"]) for row in status["releases"] if row["state"] == "live"}
    assert len({share for _, share in shares}) == 1, shares


def next_commands_work(world: World) -> None:
    """Whoever comes next promotes, rolls back and prunes as if nothing had been."""
    world.must("promote", "--version", world.other)
    world.must("promote", "--version", world.live)
    world.prune()
    assert set(world.served().values()) == {world.live}


def nothing_is_left(world: World, before: Before, drafts: bool = False) -> None:
    """No container, program, image, release, slot, link, draft, process or lock that was not there before.

    With `drafts` the link that a promote prepared and never renamed may be there: the next one takes it.
    """
    after = world.look()

    def settled() -> bool:
        nonlocal after
        after = world.look()
        return all(not found["processes"] and not found["lock"] for found in after.values())

    wait_until(settled, LONG)
    for host in APP_HOSTS:
        assert drafts or after[host]["tables"] <= KEPT_TABLES, f"{after[host]['tables']} routing tables on {host}"
        del after[host]["tables"]
        gone = {kind: sorted(named(before[host][kind]) - named(found)) for kind, found in after[host].items()}
        new = {kind: sorted(named(found) - named(before[host][kind])) for kind, found in after[host].items()}
        if drafts:
            new["tree"] = [one for one in new["tree"] if not one.startswith(f"{world.layout.live}.new ->")]
        assert not any(gone.values()), f"{host} lost {gone}"
        assert not any(new.values()), f"{host} was left with {new}"


def named(found: list[str]) -> Counter[str]:
    """How often each name is there, whatever the slot: a release that was made anew has another one."""
    return Counter(re.sub(r"@\d+|(?<=/slots/)\d+", "@", name) for name in found)
