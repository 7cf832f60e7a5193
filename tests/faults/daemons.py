"""Faults of what runs beside depl: dockerd, supervisord and nginx on app hosts, the registry on the deploy host."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..integration.conftest import undone, wait_until
from .connections import PULL, WAIT
from .world import LONG, World

BLOBS = "/var/lib/docker-registry/docker/registry/v2"
LOST = ("ConnectionRefusedError", "ConnectionResetError", "RemoteDisconnected", "BrokenPipeError")
"""How requests fail where nobody listens for a moment: never with an answer of nginx's or the app's."""


def started(world: World, host: str) -> list[str]:
    """When the containers of a host were started."""
    return world.on(host, "sudo docker ps --quiet | xargs sudo docker inspect --format '{{.State.StartedAt}}'").split()


# --- dockerd ---


def dockerd_restarted(world: World) -> None:
    before = started(world, "app1")
    world.on("app1", "sudo systemctl restart docker")
    wait_until(lambda: world.depl("promote", "--version", world.other).code == 0, LONG)
    assert started(world, "app1") == before


def dockerd_stopped(world: World) -> None:
    with undone(world, "app1", "sudo systemctl stop docker.socket docker", "sudo systemctl start docker"):
        for words in ("promote", "--version", world.other), ("install", "--version", world.third), ("prune",):
            world.refused(*words, says=("app1: its state can't be read: dockerd does not answer",))
        world.refused("status", says=("1 of 3 hosts did not answer",))
    world.all_healthy()


def dockerd_stopped_in_install(world: World) -> None:
    stop, start = "sudo systemctl stop docker.socket docker", "sudo systemctl start docker"
    with (
        world.stopped("app2", WAIT, "install", "--version", world.third) as run,
        undone(world, "app2", stop, start),
    ):
        run.go_on()
        world.failed(run.ended(), "app2: wait for GET", "Not put back everywhere: app2")
        assert world.preview(world.third, "app1") is None, "taken off the host where docker answers"
    world.must("install", "--version", world.third)
    assert world.each(lambda host: world.preview(world.third, host)) == {"app1": world.third, "app2": world.third}


# --- supervisord ---


def supervisord_restarted(world: World) -> None:
    before = started(world, "app1")
    world.on("app1", "sudo systemctl restart supervisor")
    wait_until(lambda: world.depl("promote", "--version", world.other).code == 0, LONG)
    assert started(world, "app1") == before


def supervisord_restarted_in_install(world: World) -> None:
    with world.stopped("app2", WAIT, "install", "--version", world.third) as run:
        world.on("app2", "sudo systemctl restart supervisor")
        run.go_on()
        assert run.ended().code == 0
    assert world.preview(world.third, "app2") == world.third


def supervisord_killed(world: World) -> None:
    """systemd starts it again; until then nothing watches the containers, and depl refuses to work."""
    before = started(world, "app1")
    world.on("app1", "sudo systemctl kill --signal KILL --kill-who main supervisor")
    world.refused(
        "promote", "--version", world.other, says=("supervisord does not answer", "systemctl status supervisor")
    )
    wait_until(lambda: world.depl("promote", "--version", world.other).code == 0, LONG)
    assert started(world, "app1") == before


# --- nginx ---


def nginx_restarted(world: World) -> None:
    with world.spare("app1") as failed:
        world.on("app1", "sudo systemctl restart nginx")
    assert [one for one in failed if not any(word in one for word in LOST)] == []


def nginx_worker_killed(world: World) -> None:
    with world.spare("app1") as failed:
        world.on("app1", "sudo pkill --signal KILL --newest --uid www-data --exact nginx")
    assert [one for one in failed if not any(word in one for word in LOST)] == []


# --- the registry ---


@contextmanager
def stopped_registry(world: World) -> Iterator[None]:
    """The registry's process takes connections, and does nothing."""
    pid = world.on_deploy("sudo supervisorctl pid docker-registry").strip()
    with undone(world, "deploy", f"sudo kill -STOP {pid}", f"sudo kill -CONT {pid}"):
        yield


def registry_down(world: World) -> None:
    stop, start = (f"sudo supervisorctl {verb} docker-registry" for verb in ("stop", "start"))
    with undone(world, "deploy", stop, start):
        for words in ("install", "--version", world.third), ("build",):
            world.refused(
                *words, says=("The registry deploy:5000 can't be reached", "supervisorctl status docker-registry")
            )
        world.must("rollback")
        world.must("promote", "--version", world.live)


def registry_hangs(world: World) -> None:
    with stopped_registry(world):
        world.refused("install", "--version", world.third, says=("The registry deploy:5000 can't be reached",))


def registry_slow(world: World) -> None:
    with world.stopped("app2", PULL, "install", "--version", world.third) as run:
        with stopped_registry(world):
            run.go_on()
            pulls = "pgrep --full 'docker pull' >/dev/null"
            wait_until(lambda: world.ssh("app2", pulls).code == 0, LONG)
            time.sleep(5)  # as slow as that; nothing depends on it
        assert run.ended().code == 0
    assert world.preview(world.third, "app2") == world.third


def layer_corrupt(world: World) -> None:
    """One byte of a layer has changed on the registry's disk."""
    version = world.variant(layer="import os; open('/corrupt', 'wb').write(os.urandom(100_000))")
    link = world.on_deploy(f"sudo cat {BLOBS}/repositories/app1/_manifests/tags/{version}/current/link")
    manifest = json.loads(world.on_deploy(f"sudo cat {blob(link)}"))
    top = blob(manifest["layers"][-1]["digest"])
    change = f"sudo cp {top} /root/layer && echo -n xxxx | sudo dd of={top} bs=1 seek=5000 conv=notrunc status=none"
    with undone(world, "deploy", change, f"sudo cp /root/layer {top} && sudo rm /root/layer"):
        said = world.refused("install", "--version", version, says=(f"pull deploy:5000/app1:{version}: ",)).text
        assert "verification failed" in said or "unexpected EOF" in said or "checksum" in said, said
        assert version not in str(world.look())
    world.must("install", "--version", version)


def blob(digest: str) -> str:
    """Where the registry keeps what has a digest."""
    kind, _, name = digest.strip().partition(":")
    return f"{BLOBS}/blobs/{kind}/{name[:2]}/{name}/data"
