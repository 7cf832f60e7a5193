"""Faults of people: two at once, the wrong moment, a hand in the state."""

from __future__ import annotations

import re

from .connections import flip
from .world import World


def two_promote(world: World) -> None:
    with world.stopped("app1", flip(world), "promote", "--version", world.other) as first:
        second = world.refused("rollback", says=("app1 is locked on app1 by ana@deploy since 20", "(promote)"))
        assert re.search(r"since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", second.text)
        first.go_on()
        assert first.ended().code == 0
    assert set(world.served().values()) == {world.other}
