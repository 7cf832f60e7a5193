"""Whenever depl is killed with -9: no request fails, each host is on the old or the new release, the next one works.

A verb is killed at so many points (`--points`), spread evenly over all events of its talk with the hosts: see
stopped.py. After each, half of the times the next command finishes what was begun, half of the times it undoes it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from . import invariants
from .world import World

pytestmark = pytest.mark.integration


def spread(events: list[float], points: int) -> Iterator[tuple[bool, int, float]]:
    """So many points from the first event to the last: whether to finish or to undo, an event, how long after it.

    They are spread evenly over the events. Where there are more points than events, some come between two events, at
    a part of the time that lay between these: while a host is at work.
    """
    for n in range(points):
        place = n * (len(events) - 1) / max(1, points - 1)
        event = int(place)
        gap = events[event + 1] - events[event] if event + 1 < len(events) else 0
        yield n % 2 == 0, event + 1, round((place - event) * gap, 3)


def old_or_new(world: World) -> set[str]:
    """Each host serves the old or the new version; returns which."""
    served = set(world.served().values())
    assert served <= {world.live, world.other}, served
    return served


def test_killed_promote(world: World, points: int) -> None:
    world.make_ready()
    before = world.look()
    old, new = world.live, world.other
    events = world.events("promote", "--version", new)
    divided = 0
    for finish, *point in spread(events, points):
        old, new = (old, new) if world.serves("app1") == old else (new, old)
        world.killed(*point, "promote", "--version", new)
        divided += len(old_or_new(world)) == 2
        wanted = new if finish else old
        world.must("promote", "--version", wanted)
        assert old_or_new(world) == {wanted}
        invariants.nothing_is_left(world, before, drafts=True)
    print(f"{points} points over {len(events)} events; {divided} left the hosts on two versions until the next command")
    invariants.hold(world, before)


def test_killed_rollback(world: World, points: int) -> None:
    world.make_ready()
    before = world.look()
    events = world.events("rollback")
    for finish, *point in spread(events, points):
        world.must("promote", "--version", world.live)
        world.killed(*point, "rollback")
        if finish and old_or_new(world) != {world.other}:
            world.must("rollback")
            assert old_or_new(world) == {world.other}
        invariants.nothing_is_left(world, before, drafts=True)
    world.must("promote", "--version", world.live)
    invariants.hold(world, before)


def test_killed_canary(world: World, points: int) -> None:
    def shares() -> list[float]:
        rows = json.loads(world.must("status", "--json"))["releases"]
        return [row["share"] for row in rows if row["version"] == world.other]

    world.make_ready()
    before = world.look()
    small, large = "10", "40"
    world.must("canary", "--percent", small, "--version", world.other)
    events = world.events("canary", "--percent", large)
    for finish, *point in spread(events, points):
        (share,) = set(shares())
        old, new = (small, large) if share == float(small) else (large, small)
        world.killed(*point, "canary", "--percent", new)
        assert set(shares()) <= {float(small), float(large)}
        wanted = new if finish else old
        world.must("canary", "--percent", wanted)
        assert shares() == [float(wanted)] * 2
        invariants.nothing_is_left(world, before, drafts=True)
    world.must("canary", "--percent", "0")
    invariants.hold(world, before)


def install_or_prune(world: World, points: int, words: tuple[str, ...], environment: str, prepare: Callable) -> None:
    """Kill an install or a prune of the third version; finish it, or undo it by the other one."""
    world.make_ready()
    without = world.look()
    world.must("install", "--version", world.third)
    has_it = world.look()
    world.prune()
    prepare()
    events = world.events(*words, environment=environment)
    for finish, *point in spread(events, points):
        prepare()
        world.killed(*point, *words, environment=environment)
        assert old_or_new(world) == {world.live}
        if finish == (words[0] == "install"):
            world.must("install", "--version", world.third)
            pages = world.each(lambda host: world.get(f"{world.third}.app1.foo", "/version", host).json()["version"])
            assert set(pages.values()) == {world.third}
            invariants.nothing_is_left(world, has_it, drafts=True)
        else:
            world.prune()
            invariants.nothing_is_left(world, without, drafts=True)
    invariants.hold(world, without)


def test_killed_install(world: World, points: int) -> None:
    install_or_prune(world, points, ("install", "--version", world.third), "vagrant", world.prune)


def test_killed_prune(world: World, points: int) -> None:
    def prepare() -> None:
        world.must("install", "--version", world.third)

    install_or_prune(world, points, ("prune",), "faults", prepare)


def test_killed_build(world: World, points: int) -> None:
    """A killed build leaves at most what the next one removes; its version is whole in the registry, or not there."""
    world.make_ready()
    before = world.look()
    left = "docker ps --all --quiet --filter label=depl.build; ls -d /var/lib/depl/work-* 2>/dev/null || true"
    events = world.events("build")
    for _, *point in spread(events, points):
        world.killed(*point, "build")
        world.must("build")
        assert world.on_deploy(left) == ""
    invariants.hold(world, before)
