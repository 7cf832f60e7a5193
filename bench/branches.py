"""Branches on one staging host: how long one takes to come up, what an idle one costs, how long one takes to wake.

Run on the machine that holds the sandbox: python -m bench.branches [BRANCHES [WAKES]]. All are of one commit of app1, so each
build finds its layers made already. Writes build/bench/branches.json.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from . import hosts

REPOSITORY = "/tmp/depl-bench-branches.git"
ENVIRONMENT = "bench-branches"
PREFIX = "bench/"
PROGRAM = "/etc/supervisor/conf.d/depl-waker.conf"
MB = 1e6


def main() -> None:
    number, wakes = (int(word) for word in (sys.argv[1:] + ["50", "20"][len(sys.argv) - 1 :]))
    names = [f"{PREFIX}{n}" for n in range(number)]
    with repository(names), inventory():
        up = [timed("branch.up", name) for name in names]
        idle = costs()
        with asleep_after(2):
            wait(lambda: not awake())
            asleep = costs()
            woken = [wake(names[n % number]) for n in range(wakes)]
        down = [timed("branch.down", name) for name in names]
    seconds = {"up_seconds": spread(up), "wake_seconds": spread(woken), "down_seconds": spread(down)}
    about = {"branches": number, "awake": idle, "asleep": asleep, "date": time.strftime("%Y-%m-%d")}
    hosts.save("branches", {**about, **seconds})
    rows = [[name, *(f"{one[key]:.2f}" for key in ("mean", "p50", "p95", "max"))] for name, one in seconds.items()]
    hosts.table(["seconds", "mean", "p50", "p95", "max"], rows)
    parts = ("container", "of it its own", "shim", "watcher")
    figures = (("awake", idle), ("asleep", asleep))
    hosts.table(["MB a branch", *parts], [[name, *(f"{found[part]:.1f}" for part in parts)] for name, found in figures])
    print(f"the waker itself: {asleep['waker']:.1f} MB")


@contextmanager
def repository(names: list[str]) -> Iterator[None]:
    """A bare repository on the deploy host, whose branches are all at one commit."""
    refs = "".join(f"create refs/heads/{name} HEAD\n" for name in names)
    hosts.run("deploy", "rm", "-rf", REPOSITORY)
    hosts.run("deploy", "cp", "-r", "/vagrant/.git", REPOSITORY)
    hosts.run("deploy", "git", "-C", REPOSITORY, "config", "core.bare", "true")
    hosts.run("deploy", "git", "-C", REPOSITORY, "update-ref", "--stdin", input=refs.encode())
    try:
        yield
    finally:
        hosts.run("deploy", "rm", "-rf", REPOSITORY)


@contextmanager
def inventory() -> Iterator[None]:
    """The sandbox's inventory, but for where app1's branches come from."""
    folder = hosts.PROJECT / "conf" / "inventory" / ENVIRONMENT
    shutil.copytree(folder.with_name("vagrant"), folder, dirs_exist_ok=True)
    path = folder / "group_vars" / "all.yml"
    try:
        path.write_text(path.read_text().replace("repository: /vagrant", f"repository: {REPOSITORY}"))
        yield
    finally:
        shutil.rmtree(folder)


def timed(verb: str, name: str) -> float:
    """The seconds of one command, as a person types it."""
    began = time.monotonic()
    words = ("env", f"DEPL_ENVIRONMENT={ENVIRONMENT}", "inv", verb, "--app", "app1", "--branch", name)
    hosts.run("deploy", "sh", "-c", 'cd /vagrant && exec "$@"', "inv", *words)
    seconds = time.monotonic() - began
    print(f"{verb} {name}: {seconds:.1f} s", file=sys.stderr)
    return seconds


@contextmanager
def asleep_after(seconds: int) -> Iterator[None]:
    """Have branches go to sleep after so many seconds."""
    hosts.run("staging", "sudo", "cp", PROGRAM, "/root/waker.conf")
    hosts.run("staging", "sudo", "sed", "-i", f"s/-m waker .*/-m waker {seconds}/", PROGRAM)
    hosts.run("staging", "sudo", "supervisorctl", "update", "depl-waker")
    try:
        yield
    finally:
        hosts.run("staging", "sudo", "mv", "/root/waker.conf", PROGRAM)
        hosts.run("staging", "sudo", "supervisorctl", "update", "depl-waker")


def costs() -> dict[str, float]:
    """What one branch takes of the staging host's memory: MB, see branches_host.py."""
    found = json.loads(hosts.run("staging", "sudo", "python3", hosts.put("staging", "branches_host.py")))
    return {name: size / MB for name, size in found.items()}


def awake() -> set[str]:
    """The apps that have a container running."""
    form = '{{.Label "depl.app"}}'
    return set(hosts.run("staging", "sudo", "docker", "ps", "--filter", "label=depl.app", "--format", form).split())


def wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 600
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("the branches do not go to sleep")
        time.sleep(1)


def wake(name: str) -> float:
    """Seconds until a sleeping branch's page is there, asked on its host."""
    label = name.replace("/", "-")
    wait(lambda: f"app1--{label}" not in awake())
    words = ("--silent", "--fail", "--output", "/dev/null", "--write-out", "%{time_total}")
    host = ("--header", f"Host: {label}.staging.app1.foo")
    return float(hosts.run("staging", "curl", *words, *host, "http://127.0.0.1/"))


def spread(seconds: list[float]) -> dict[str, float]:
    last = statistics.quantiles(seconds, n=20, method="inclusive")[-1] if len(seconds) > 1 else seconds[0]
    return {"mean": statistics.mean(seconds), "p50": statistics.median(seconds), "p95": last, "max": max(seconds)}


if __name__ == "__main__":
    main()
