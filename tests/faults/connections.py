"""Faults of what leads from the deploy host to the app hosts, and of hosts as a whole."""

from __future__ import annotations

import re

from .world import World


def flip(world: World) -> str:
    """What is sent to a host to make a new routing table live, and nothing else."""
    return re.escape(f"{world.layout.live}.new")


def cut(world: World, host: str) -> None:
    """End depl's session on a host, as a firewall or a restart of sshd may."""
    world.on(host, "sudo pkill -KILL --uid depl --exact sshd")


def cut_in_flip(world: World) -> None:
    with world.stopped("app2", flip(world), "promote", "--version", world.other) as run:
        assert world.serves("app2") == world.live
        cut(world, "app2")
        run.go_on()
        world.failed(run.ended(), "app2: send traffic to", "the connection broke", "inv status")
    assert set(world.served().values()) == {world.live}
    assert world.other in world.must("promote", "--version", world.other)
