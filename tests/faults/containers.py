"""Faults of an app: it dies, eats memory, does not listen to signals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from ..integration.conftest import PROJECT, wait_until
from .world import LONG, World

DEAF = """
import signal
real = signal.signal
signal.signal = lambda number, act: real(number, signal.SIG_IGN if number == signal.SIGTERM else act)
"""
ONCE = """
import os
if os.path.exists("/run/depl/second"):
    os._exit(3)
open("/run/depl/second", "w").close()
"""
HUNGRY = "eaten = b'x' * 2**29"


@contextmanager
def short_grace() -> Iterator[None]:
    """Three seconds between SIGTERM and SIGKILL rather than thirty."""
    description = PROJECT / "conf" / "apps" / "app1.yml"
    good = description.read_text()
    description.write_text(re.sub(r"^    grace: 30 ", "    grace: 3 ", good, flags=re.M))
    try:
        yield
    finally:
        description.write_text(good)


def dies_after_promote(world: World) -> None:
    world.must("promote", "--version", world.other)
    with world.spare("app1"):
        world.on("app1", f"sudo docker kill {world.container(world.other)}")
    world.all_healthy()


def dies_for_good_after_promote(world: World) -> None:
    sick = world.variant(startup=ONCE)
    world.must("install", "--version", sick)
    world.must("promote", "--version", sick)
    with world.spare("app1"):
        world.on("app1", f"sudo docker kill {world.container(sick)}")
        wait_until(lambda: "exited 3" in world.must("status"), LONG)
        assert f"Version {world.live} is live" in world.must("rollback")


def out_of_memory_at_start(world: World) -> None:
    hungry = world.variant(startup=HUNGRY)
    world.refused("install", "--version", hungry, says=("wait for GET /healthz", "out of memory"))


def out_of_memory_beside_live(world: World) -> None:
    """A process in the live container takes more than the container may have: it goes, and the app stays."""
    eat = f'sudo docker exec {world.container(world.live)} python3 -c "{HUNGRY}"'
    assert world.ssh("app1", eat).code == 137
    assert world.served()["app1"] == world.live


def deaf_to_sigterm(world: World) -> None:
    deaf = world.variant(startup=DEAF)
    with short_grace():
        world.must("install", "--version", deaf)
    assert {host: world.preview(deaf, host) for host in ("app1", "app2")} == {"app1": deaf, "app2": deaf}
    world.prune()
    assert deaf not in str(world.look())
