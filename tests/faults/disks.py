"""Faults of disks, and of what is written on them: full, half-written, changed by hand."""

from __future__ import annotations

import json

from ..integration.conftest import full, undone, wait_until
from .connections import cut, flip
from .world import LONG, World

# --- full ---


def full_while_pulling(world: World) -> None:
    version = world.variant(layer="import os; open('/large', 'wb').write(os.urandom(2_000_000))")
    folder = "/var/lib/docker/tmp"
    mount = f"sudo mkdir -p {folder} && sudo mount -t tmpfs -o size=64k tmpfs {folder}"
    with undone(world, "app2", mount, f"sudo umount --lazy {folder}"):
        world.refused("install", "--version", version, says=("app2: pull", "no space left on device"))
        assert version not in str(world.look()), "taken off both hosts, the image too"
    world.must("install", "--version", version)


def full_while_writing_the_table(world: World) -> None:
    with full(world, "app2", world.layout.tables):
        world.refused(
            "promote", "--version", world.other, says=("app2: write routing table", "No space left on device")
        )
        assert set(world.served().values()) == {world.live}
    world.must("promote", "--version", world.other)


def full_while_installing(world: World) -> None:
    folder = world.layout.release(world.release(world.live)).rpartition("/")[0]
    with full(world, "app2", folder):
        world.refused(
            "install", "--version", world.third, says=("app2: write the environment", "No space left on device")
        )
    world.must("install", "--version", world.third)


# --- half-written ---


def table_half_written(world: World) -> None:
    """The description of the live table is torn, and then a promote fails on the other host: the way back stays."""
    described = f"{world.layout.live}/table.json"
    world.on("app1", f"sudo truncate --size 20 {described}")
    assert "The hosts do not agree on what is live" in world.must("status")
    with world.stopped("app2", flip(world), "promote", "--version", world.other) as run:
        wait_until(lambda: world.serves("app1") == world.other, LONG)
        cut(world, "app2")
        run.go_on()
        world.failed(run.ended(), "app2: flip: the connection broke")
    assert set(world.served().values()) == {world.live}
    world.must("promote", "--version", world.live)
    assert f"Live is {world.live} on all hosts" in world.must("status")


def release_half_written(world: World) -> None:
    described = f"{world.layout.release(world.release(world.other))}/release.json"
    world.on("app1", f"sudo truncate --size 20 {described}")
    said = world.refused("promote", "--version", world.other, says=(f"{world.other} is not installed on app1",)).text
    assert f"inv install --version {world.other}" in said
    world.must("install", "--version", world.other)


def audit_half_written(world: World) -> None:
    world.on("app1", f"""echo -n '{{"at": "2026-11-22T12:00:00Z", "who": "an' | sudo tee -a {world.layout.audit}""")
    world.must("promote", "--version", world.other)
    entries = [json.loads(line) for line in world.must("audit", "--json").splitlines()]
    last = [(one["what"], one["outcome"]) for one in entries if one["host"] == "app1"][-2:]
    assert last == [(f"promote {world.other}", "began"), (f"promote {world.other}", "done")]


# --- changed by hand ---


def live_link_removed(world: World) -> None:
    with world.spare("app1"):
        world.on("app1", f"sudo rm {world.layout.live}")
        assert f"inv promote --version {world.live}" in world.must("status")
        world.must("promote", "--version", world.live)


def live_link_astray(world: World) -> None:
    with world.spare("app1"):
        world.on("app1", f"sudo ln -sfn {world.layout.table(99999)} {world.layout.live}")
        assert f"inv promote --version {world.live}" in world.must("status")
        world.must("promote", "--version", world.live)


def bucket_changed(world: World) -> None:
    """Somebody leads 1 of the 1000 buckets of one host elsewhere, by hand."""
    release = world.layout.release(world.release(world.other))
    world.on("app1", f"sudo ln -sfn {release} {world.layout.live}/007")
    assert world.shares()[world.other, "app1"] == 0.1
    world.must("promote", "--version", world.live)
    assert world.shares() == {(world.live, "app1"): 100.0, (world.live, "app2"): 100.0}


def slot_link_removed(world: World) -> None:
    """The link that nginx reaches the live release by is gone: what is live is ill, and the way back is not."""
    with world.spare("app1"):
        world.on("app1", f"sudo rm {world.layout.slot(world.release(world.live).slot)}")
        world.refused("install", "--version", world.live, says=("serves live traffic on app1", "inv rollback"))
        world.must("rollback")
    world.must("install", "--version", world.live)


def release_folder_removed(world: World) -> None:
    """A release that is not live lost its folder, while its container runs on."""
    world.on("app1", f"sudo rm -r {world.layout.release(world.release(world.other))}")
    world.refused("rollback", says=(f"{world.other} is not installed on app1",))
    world.must("install", "--version", world.other)


def strange_files(world: World) -> None:
    """Files and folders that depl never wrote lie about where it looks."""
    places = [f"{world.layout.tables}/abc", f"{world.layout.tables}/007", f"{world.layout.home}/releases/notes.txt@9"]
    places += [f"{world.layout.home}/slots/first", f"{world.layout.home}/versions/newest", f"{world.layout.home}/x y"]
    make = " && ".join(f"sudo mkdir -p '{one}'" for one in places)
    with undone(world, "app1", make, " && ".join(f"sudo rmdir '{one}'" for one in places)):
        world.must("promote", "--version", world.other)
        world.must("promote", "--version", world.live)
        world.must("install", "--version", world.third)
        world.prune()
