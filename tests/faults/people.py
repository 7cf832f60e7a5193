"""Faults of people and of clocks: two at once, the wrong moment, a day too early."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import httpx

from ..integration.conftest import changed, inventory, wait_until
from .connections import WAIT, flip
from .world import LONG, World

DAY = 86400


def two_promote(world: World) -> None:
    with world.stopped("app1", flip(world), "promote", "--version", world.other) as first:
        second = world.refused("rollback", says=("app1 is locked on app1 by ana@deploy since 20", "(promote)"))
        assert re.search(r"since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", second.text)
        first.go_on()
        assert first.ended().code == 0
    assert set(world.served().values()) == {world.other}


def one_waits(world: World) -> None:
    """With depl_lock_wait the second one waits for the first, and then goes on from what is live by then."""
    with (
        inventory("patient", changed("depl_slots: 8", "depl_slots: 8\ndepl_lock_wait: 300")) as _,
        world.stopped("app1", flip(world), "promote", "--version", world.other) as first,
        ThreadPoolExecutor(1) as pool,
    ):
        second = pool.submit(world.depl, "promote", "--version", world.live, environment="patient", who="ben")
        questions = "pgrep --full 'onhost.py' --count"
        wait_until(lambda: int(world.on("app1", questions)) >= 2, LONG)
        assert not second.done()
        first.go_on()
        assert first.ended().code == 0
        assert second.result(LONG).code == 0
    assert set(world.served().values()) == {world.live}


def two_install(world: World) -> None:
    with world.stopped("app1", WAIT, "install", "--version", world.third) as first:
        world.refused("install", "--version", world.third, says=("app1 is locked on app1 by ana@deploy", "(install)"))
        first.go_on()
        assert first.ended().code == 0
    assert "Nothing to do" in world.must("install", "--version", world.third)


def installed_twice(world: World) -> None:
    world.must("install", "--version", world.third)
    before = world.look()
    assert "Nothing to do" in world.must("install", "--version", world.third)
    assert world.look() == before


def interrupted_in_flip(world: World) -> None:
    with world.stopped("app2", flip(world), "promote", "--version", world.other) as run:
        wait_until(lambda: world.serves("app1") == world.other, LONG)
        run.interrupt()
        run.go_on()
        world.failed(run.ended(), "Interrupted; what promote had done was put back")
    assert set(world.served().values()) == {world.live}


def pruned_while_previewed(world: World) -> None:
    """A page of a preview is on its way while the preview is removed: it comes to its end."""
    world.must("install", "--version", world.third)
    address, port = world.address("app1")
    url, headers = f"http://{address}:{port}/stream?chunks=40&interval=0.1", {"Host": f"{world.third}.app1.foo"}
    with httpx.stream("GET", url, headers=headers, timeout=60, trust_env=False) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "chunk 1 of 40"
        with ThreadPoolExecutor(1) as pool:
            pruning = pool.submit(world.prune)
            assert [*lines][-1] == "chunk 40 of 40"
            pruning.result()
    assert world.get(f"{world.third}.app1.foo").status_code == 404


# --- clocks ---


def clock_ahead(world: World) -> None:
    """The deploy host's clock was a day ahead: what lost its traffic then may still be removed today."""
    world.must("install", "--version", world.third)
    world.must("promote", "--version", world.third)
    world.must_under_clock(DAY, "promote", "--version", world.live)
    assert f"Live is {world.live} on all hosts" in world.must("status")
    world.must("promote", "--version", world.other)
    world.must("promote", "--version", world.live)
    world.prune()
    assert world.third not in {row["version"] for row in world.rows()}


def clock_behind(world: World) -> None:
    """The deploy host's clock was a day behind: what has just lost its traffic is left alone for `depl_drain`."""
    keep_none = changed("depl_keep_running: 2\ndepl_keep_installed: 4", "depl_keep_running: 0\ndepl_keep_installed: 0")
    with inventory("drains", keep_none):
        world.must("install", "--version", world.third)
        world.must("promote", "--version", world.third)
        world.must_under_clock(-DAY, "promote", "--version", world.other)
        world.must_under_clock(-DAY, "promote", "--version", world.live)
        world.must("prune", environment="drains")
        assert world.third in {row["version"] for row in world.rows()}, "a request may still be in flight"


# --- places ---


def out_of_slots(world: World) -> None:
    """Live, way back, canary, four that are kept, and one that lost its traffic a moment ago: eight."""
    drained = world.variant(SIZE="one-too-many")
    keep_all = changed("depl_keep_running: 2", "depl_drain: 3600\ndepl_keep_running: 2")
    with inventory("crowded", keep_all):
        for version in (world.third, drained):
            world.must("install", "--version", version)
        for version in (drained, world.other, world.live):
            world.must("promote", "--version", version)
        world.must("canary", "--percent", "5", "--version", world.third)
        taken = {host: {row["slot"] for row in world.rows() if row["host"] == host} for host in ("app1", "app2")}
        for host, slots in taken.items():
            folders = [f"{world.layout.home}/releases/1991.01.01.00.0{n}@{n}" for n in set(range(8)) - slots]
            world.on(host, f"sudo -u depl mkdir {' '.join(folders)}")
        one_more = world.variant(SIZE="and another one")
        world.refused(
            "install", "--version", one_more, environment="crowded",
            says=("All 8 slots of app1 on app1 are in use", "Try again in 3600 s"),
        )  # fmt: skip
        world.must("canary", "--percent", "0")
    world.prune()
    world.must("install", "--version", one_more)
