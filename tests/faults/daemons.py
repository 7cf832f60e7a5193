"""Faults of what runs on an app host beside depl: dockerd, supervisord, nginx."""

from __future__ import annotations

from ..integration.conftest import wait_until
from .world import LONG, World


def dockerd_restarted(world: World) -> None:
    started = "sudo docker inspect --format '{{.State.StartedAt}}' " + world.container(world.live)
    before = world.on("app1", started)
    world.on("app1", "sudo systemctl restart docker")
    wait_until(lambda: world.depl("promote", "--version", world.other).code == 0, LONG)
    assert world.on("app1", started) == before
