"""One host of many is dead, frozen, cut off or hung: the others are not held up, and all is old or new again.

The hosts are light ones: real sshds with a tree of their own each (bench/light_hosts.py).
"""

from __future__ import annotations

import json

import pytest

from .conftest import PROJECT, Ended, wait_until

pytestmark = pytest.mark.integration

COUNT = 3
SICK = 2302
ALL = (2301, 2302, 2303)
HEALTHY = ("light001", "light003")
COPY = "/tmp/depl-bench-fleet"
ON_APP1 = "ssh -i ~/.ssh/vagrant_rsa -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR app1"


class Fleet:
    """Three light hosts on app1, and `inv` over them."""

    def __init__(self, sandbox, old, new):
        self.sandbox, self.old, self.new = sandbox, old, new
        self.light = self.put("app1", "bench/light_hosts.py")
        self.client = self.put("deploy", "bench/fleet_client.py")
        self.driver = self.put("deploy", "tests/integration/at_phase.py")

    def put(self, host, path):
        there = f"/tmp/depl-test-{path.rpartition('/')[2]}"
        done = self.sandbox.ssh(host, "tee", there, input=(PROJECT / path).read_text())
        assert done.code == 0, done.text
        return there

    def on_hosts(self, verb, *words):
        return self.sandbox.on("app1", f"sudo python3 {self.light} {verb} {' '.join(map(str, words))}")

    def inv(self, line) -> Ended:
        return self.sandbox.ssh("deploy", f"cd {COPY} && DEPL_ENVIRONMENT=fleet{COUNT} inv {line}", timeout=300)

    def inv_at(self, when, phase, verb, line) -> Ended:
        """inv, with something that happens to the sick host before or after a phase."""
        happens = f"{ON_APP1} sudo python3 {self.light} {verb} {SICK}"
        return self.sandbox.ssh(
            "deploy",
            f"cd {COPY} && DEPL_ENVIRONMENT=fleet{COUNT} /opt/depl/venv/bin/python {self.driver} "
            f"{when} {phase} '{happens}' {line}",
            timeout=300,
        )

    def live(self):
        """What each host's tree says, read on its disk."""
        found = {}
        for port in ALL:
            table = self.sandbox.on("app1", f"sudo cat /srv/depl-light/{port}/app1/live/table.json")
            found[port] = json.loads(table)["live"].partition("@")[0]
        return found


@pytest.fixture(scope="module")
def lights(sandbox, builds):
    old, new, _ = builds
    for version in (old, new):
        sandbox.must("install", "--version", version)
    fleet = Fleet(sandbox, old, new)
    fleet.on_hosts("up", COUNT, 1200)
    sandbox.on_deploy(f"python3 {fleet.client} prepare app1 {COUNT}")
    yield fleet
    fleet.on_hosts("down")


@pytest.fixture
def fleet(lights):
    """All hosts well, and on the old version."""
    lights.on_hosts("thaw", SICK)
    lights.on_hosts("stop", SICK)
    lights.on_hosts("start", SICK)
    done = lights.inv(f"promote --version {lights.old}")
    assert done.code == 0, done.text
    assert set(lights.live().values()) == {lights.old}
    return lights


def all_old(fleet):
    assert fleet.live() == dict.fromkeys(ALL, fleet.old)


def promotes_again(fleet):
    done = fleet.inv(f"promote --version {fleet.new}")
    assert done.code == 0, done.text
    assert fleet.live() == dict.fromkeys(ALL, fleet.new)


@pytest.mark.parametrize(
    ("happens", "back", "said"),
    [("stop", "start", "can't be reached"), ("freeze", "thaw", "takes connections, but does not answer")],
)
def test_a_host_that_is_dead_before_the_work_stops_it_before_anything_is_changed(fleet, happens, back, said):
    fleet.on_hosts(happens, SICK)
    done = fleet.inv(f"promote --version {fleet.new}")
    assert done.code == 1
    assert "light002" in done.text
    assert said in done.text
    assert "Nothing was changed" in done.text
    all_old(fleet)
    shown = fleet.inv("status")
    assert shown.code == 1
    assert all(name in shown.out for name in HEALTHY)
    assert "light002 did not answer" in shown.out
    fleet.on_hosts(back, SICK)
    promotes_again(fleet)


def test_a_docker_that_hangs_is_named_and_nothing_is_changed(fleet):
    fleet.on_hosts("hang", SICK)
    done = fleet.inv(f"promote --version {fleet.new}")
    assert done.code == 1
    assert "light002: its state can't be read: dockerd does not answer (timed out)" in done.text
    assert "Nothing was changed" in done.text
    all_old(fleet)


@pytest.mark.parametrize("happens", ["stop", "freeze"])
def test_a_host_that_dies_at_the_flip_takes_the_others_back(fleet, happens):
    done = fleet.inv_at("before", "flip", happens, f"promote --version {fleet.new}")
    assert done.code == 1
    assert "light002: flip:" in done.text
    assert "Put back on light001, light003." in done.text
    assert "Not put back everywhere: light002" in done.text
    assert "inv status" in done.text
    all_old(fleet)
    refused = fleet.inv(f"promote --version {fleet.new}")
    assert refused.code == 1, "it is still dead"
    assert "Nothing was changed" in refused.text
    fleet.on_hosts("start" if happens == "stop" else "thaw", SICK)
    wait_until(lambda: fleet.on_hosts("sessions", SICK).strip() == "0", 30)
    assert fleet.live()[SICK] == fleet.old, "what came too late was not begun"
    promotes_again(fleet)


def test_a_connection_that_breaks_at_the_flip_is_made_anew_to_put_back_that_host_too(fleet):
    done = fleet.inv_at("before", "flip", "cut", f"promote --version {fleet.new}")
    assert done.code == 1
    assert "light002: flip: the connection broke" in done.text
    assert "Put back on light001, light002, light003." in done.text
    assert "Not put back" not in done.text
    all_old(fleet)
    promotes_again(fleet)


@pytest.mark.parametrize("happens", ["stop", "freeze"])
def test_a_host_that_dies_after_the_flip_is_named_and_the_others_stay(fleet, happens):
    done = fleet.inv_at("after", "flip", happens, f"promote --version {fleet.new}")
    assert done.code == 1
    assert "All steps were done on all hosts, and then light002" in done.text
    assert fleet.live() == dict.fromkeys(ALL, fleet.new)
    fleet.on_hosts("start" if happens == "stop" else "thaw", SICK)
    wait_until(lambda: fleet.on_hosts("sessions", SICK).strip() == "0", 30)
    shown = fleet.inv("status")
    assert f"Live is {fleet.new} on all hosts." in shown.out, shown.text


def test_a_host_that_dies_while_others_prepare_leaves_live_traffic_alone(fleet):
    done = fleet.inv_at("before", "prepare", "freeze", f"promote --version {fleet.new}")
    assert done.code == 1
    assert "light002: prepare: it went silent" in done.text
    assert "Put back on light001, light003." in done.text
    all_old(fleet)
    fleet.on_hosts("thaw", SICK)
    wait_until(lambda: fleet.on_hosts("sessions", SICK).strip() == "0", 30)
    promotes_again(fleet)
