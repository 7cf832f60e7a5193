"""Faults of what leads from the deploy host to the app hosts, and of hosts as a whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..integration.conftest import wait_until
from .world import LONG, Run, World


def flip(world: World) -> str:
    """What is sent to a host to make a new routing table live, and nothing else."""
    return f"rename.+{re.escape(world.layout.live)}.new"


def table(world: World) -> str:
    """What is sent to a host to write a routing table."""
    return f"table.+{re.escape(world.layout.home)}"


WAIT = '"wait", '
"""What is sent to a host to wait for the health of a release that was just started."""
PULL = '"docker", "pull", '


def cut(world: World, host: str) -> None:
    """End depl's session on a host, as a firewall or a restart of sshd may."""
    world.on(host, "sudo pkill -KILL --uid depl --exact sshd")


def nobody_is_at_work(world: World) -> None:
    """Wait until no process of depl is left on the hosts: what was still to come has come by then."""
    wait_until(lambda: not any(found["processes"] for found in world.look().values()), LONG)


@contextmanager
def filtered(world: World, host: str, *rules: str) -> Iterator[None]:
    """A host's packet filter with these rules, the last one first."""
    for rule in rules:
        world.on(host, f"sudo iptables -I {rule}")
    try:
        yield
    finally:
        for rule in rules:
            world.ssh(host, f"sudo iptables -D {rule}")


def deploys_address(world: World, host: str) -> str:
    return world.on(host, "getent hosts deploy").split()[0]


@contextmanager
def unheard_flip(world: World, host: str) -> Iterator[tuple[Run, str]]:
    """A promote whose flip reached a host, while its answer comes to nobody; also the rule that resets its session."""
    with world.stopped(host, flip(world), "promote", "--version", world.other) as run:
        deploy = deploys_address(world, host)
        (port,) = world.on(host, f"ss -Hnt state established sport = :22 dst {deploy} | sed 's/.*://'").split()
        dropped = f"OUTPUT -d {deploy} -p tcp --sport 22 --dport {port} -j DROP"
        allowed = f"OUTPUT -d {deploy} -p tcp --sport 22 --dport {port} --tcp-flags RST RST -j ACCEPT"
        with filtered(world, host, dropped, allowed):
            run.go_on()
            wait_until(lambda: world.serves(host) == world.other, LONG)
            yield run, f"INPUT -s {deploy} -p tcp --sport {port} --dport 22 -j REJECT --reject-with tcp-reset"


@contextmanager
def frozen(world: World, host: str) -> Iterator[None]:
    """A host that takes packets and answers nothing."""
    world.hang_up(host)
    world.machine("pause", host)
    try:
        yield
    finally:
        world.machine("unpause", host)


@contextmanager
def dead(world: World, host: str) -> Iterator[None]:
    """A host without power, until the end; then it boots, and serves again by itself."""
    world.hang_up(host)
    world.traffic.stop(host)
    world.machine("kill", host)
    try:
        yield
    finally:
        world.machine("start", host)
        wait_until(lambda: world.ssh(host, "true").code == 0, LONG)
        wait_until(lambda: world.serves(host) is not None, LONG)


# --- the session to one host is cut ---


@contextmanager
def stalled(world: World, host: str) -> Iterator[Callable[[], None]]:
    """What depl started on a host gets no processor for a while, as on a host that swaps; then it goes on.

    By a control group's freezer: a stopped process would be ended with its session, and not go on. What is given
    waits until it was told something.
    """
    program = (Path(__file__).parent / "freeze.py").read_text()

    def do(what: str) -> None:
        world.must_run(host, "sudo", "python3", "-", what, input=program)

    do("freeze")
    try:
        yield lambda: do("told")
    finally:
        do("thaw")


def cut_in_prepare(world: World) -> None:
    with (
        world.stopped("app2", table(world), "promote", "--version", world.other) as run,
        stalled(world, "app2") as told,
    ):
        run.go_on()
        told()
        cut(world, "app2")
        world.failed(run.ended(), "app2: prepare: the connection broke")
    nobody_is_at_work(world)
    assert set(world.served().values()) == {world.live}
    world.must("promote", "--version", world.other)


def cut_in_flip(world: World) -> None:
    with world.stopped("app2", flip(world), "promote", "--version", world.other) as run:
        assert world.serves("app2") == world.live
        cut(world, "app2")
        run.go_on()
        world.failed(run.ended(), "app2: flip: the connection broke", "Put back on app1")
    assert set(world.served().values()) == {world.live}
    world.must("promote", "--version", world.other)


def cut_after_flip(world: World) -> None:
    with unheard_flip(world, "app2") as (run, reset), filtered(world, "app2", reset):
        cut(world, "app2")
        world.failed(run.ended(), "app2: flip: the connection broke", "Put back on app1")
    assert set(world.served().values()) == {world.live}


def cut_while_stalled_in_flip(world: World) -> None:
    """The flip waits on a host that has no time for it; when it has, the flip was undone elsewhere."""
    with world.stopped("app2", flip(world), "promote", "--version", world.other) as run, stalled(world, "app2") as told:
        run.go_on()
        told()
        assert world.serves("app1") == world.other
        cut(world, "app2")
        world.failed(run.ended(), "app2: flip: ")
    nobody_is_at_work(world)
    assert set(world.served().values()) == {world.live}


def cut_in_install(world: World) -> None:
    with world.stopped("app2", WAIT, "install", "--version", world.third) as run:
        cut(world, "app2")
        run.go_on()
        world.failed(run.ended(), "app2: health: the connection broke")
    assert world.third not in str(world.look()), "put back on all hosts, this one too"
    world.must("install", "--version", world.third)


def sshd_stopped(world: World) -> None:
    world.on("app2", "sudo systemctl stop ssh.socket ssh || sudo systemctl stop ssh")
    try:
        world.refused(
            "promote", "--version", world.other, says=("app2 (app2:22) can't be reached", "Nothing was changed")
        )
        status = world.depl("status")
        assert "app2 did not answer" in status.text
        assert re.search(rf"{world.live} +app1 +\d +100 %", status.text)
    finally:
        world.on("app2", "sudo systemctl start ssh")
    wait_until(lambda: world.answers_ssh("app2"), LONG)


def silent_in_flip(world: World) -> None:
    silence = f"INPUT -s {deploys_address(world, 'app2')} -p tcp --dport 22 -j DROP"
    with (
        world.stopped("app2", flip(world), "promote", "--version", world.other) as run,
        filtered(world, "app2", silence),
    ):
        run.go_on()
        world.failed(run.ended(), "app2: flip: ", "Not put back everywhere: app2")
        assert set(world.served().values()) == {world.live}
    # sshd on the host notices after a minute that nobody is there, and the lock goes with the session.
    wait_until(lambda: world.depl("promote", "--version", world.other).code == 0, LONG)


# --- one host hangs, or is without power ---


def frozen_before(world: World) -> None:
    with world.spare("app2"):
        with frozen(world, "app2"):
            world.refused("promote", "--version", world.other, says=("app2", "does not answer", "Nothing was changed"))
            assert world.serves("app1") == world.live
        nobody_is_at_work(world)


def frozen_in_flip(world: World) -> None:
    with world.spare("app2"):
        with world.stopped("app2", flip(world), "promote", "--version", world.other) as run, frozen(world, "app2"):
            run.go_on()
            world.failed(run.ended(), "app2: flip: ", "Not put back everywhere: app2")
            assert world.serves("app1") == world.live
        # What was sent to it meanwhile comes through now: a flip that nobody waits for any more is not done.
        nobody_is_at_work(world)
        assert set(world.served().values()) == {world.live}


def dead_before(world: World) -> None:
    with world.spare("app2"):
        with dead(world, "app2"):
            world.refused(
                "promote", "--version", world.other, says=("app2 (app2:22) can't be reached", "Nothing was changed")
            )
            assert world.serves("app1") == world.live
        world.all_healthy()


def dead_in_flip(world: World) -> None:
    with world.spare("app2"):
        with world.stopped("app2", flip(world), "promote", "--version", world.other) as run:
            wait_until(lambda: world.serves("app1") == world.other, LONG)
            with dead(world, "app2"):
                run.go_on()
                world.failed(run.ended(), "app2: flip: ", "Not put back everywhere: app2")
                assert world.serves("app1") == world.live, "the others go back"
        world.all_healthy()
        assert set(world.served().values()) == {world.live}


def dead_before_its_answer(world: World) -> None:
    """The host flips, and loses power before it can say so: nobody can know that it did."""
    with world.spare("app2"):
        with unheard_flip(world, "app2") as (run, _), dead(world, "app2"):
            world.failed(run.ended(), "app2: flip: ", "Not put back everywhere: app2")
            assert world.serves("app1") == world.live, "the others go back"
        world.all_healthy()
        said = world.must("status")
        assert f"The hosts do not agree on what is live: app1 {world.live}, app2 {world.other}" in said
        world.must("promote", "--version", world.live)


def dead_after_flip(world: World) -> None:
    """All hosts have flipped and said so: nothing goes back, the host serves the new version when it is up."""
    with world.spare("app2"):
        facts = re.escape(world.layout.site)
        with world.stopped("app2", facts, "promote", "--version", world.other, nth=2) as run:
            assert set(world.served().values()) == {world.other}
            with dead(world, "app2"):
                run.go_on()
                world.failed(run.ended(), "All steps were done on all hosts, and then app2", "inv status")
                assert world.serves("app1") == world.other
        world.all_healthy()


# --- one host boots ---


def rebooted_live(world: World) -> None:
    with world.spare("app2"):
        reboot(world, "app2")
        assert world.serves("app2") == world.live


def rebooted_with_canary(world: World) -> None:
    world.must("canary", "--percent", "20", "--version", world.other)
    before = world.shares()
    with world.spare("app2"):
        reboot(world, "app2")
    assert world.shares() == before
    world.must("canary", "--percent", "0")


def rebooted_in_install(world: World) -> None:
    with world.spare("app2"):
        with world.stopped("app2", WAIT, "install", "--version", world.third) as run, dead(world, "app2"):
            run.go_on()
            world.failed(run.ended(), "app2: health: ", "Not put back everywhere: app2")
            assert world.preview(world.third, "app1") is None, "taken off the host that answers"
        world.all_healthy()
    world.must("install", "--version", world.third)
    assert set(world.each(lambda host: world.preview(world.third, host)).values()) == {world.third}


def reboot(world: World, host: str) -> None:
    world.hang_up(host)
    world.traffic.stop(host)
    world.machine("restart", host)
    wait_until(lambda: world.ssh(host, "true").code == 0, LONG)
    world.all_healthy()
