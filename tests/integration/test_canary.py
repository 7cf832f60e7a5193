"""Canaries that go by their own verdict, under traffic of sticky users on real hosts: promoted, or put back."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from contextlib import contextmanager

import pytest

from .conftest import APP_HOSTS, PUSH, undone, variant, wait_until
from .own_app import OwnApp, own_app

pytestmark = [pytest.mark.integration, pytest.mark.long]

APP = "trial"
RULES = {
    "tolerated": {"failing": 2, "slow": 4}, "negligible": 1.5, "minimum_users": 60, "every": 2, "settle": 2,
    "patience": 180, "before": 15,
}  # fmt: skip
GOALS = {"bought": {"path": "/buy", "method": "POST", "header": "bought"}, "never": {"path": "/never"}}
USERS = 4000
A_SECOND = 120
"""Requests to each host."""
STEPS = ("--percent", "20,50,100", "--auto")


class Visitors(threading.Thread):
    """Users with cookies on one host: each request is by another one, in a time that they keep to."""

    def __init__(self, address: tuple[str, int], host: str, stop: threading.Event, seed: int) -> None:
        super().__init__()
        self.address, self.host, self.stop, self.chance = address, host, stop, random.Random(seed)
        self.lost: list[str] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection(*self.address, timeout=30)
        due = time.monotonic()
        while not self.stop.is_set():
            user = self.chance.randrange(USERS)
            buys = self.chance.random() < 0.2
            headers = {"Host": self.host, "Cookie": f"depl_{APP}={user:032x}"}
            try:
                connection.request("POST" if buys else "GET", "/buy" if buys else "/shop", headers=headers)
                connection.getresponse().read()
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
                connection.close()
            due = max(due + THREADS / A_SECOND, time.monotonic() - 1)
            time.sleep(max(0.0, due - time.monotonic()))
        connection.close()


THREADS = 4
"""For each host."""


@contextmanager
def traffic(sandbox):
    stop = threading.Event()
    clients = [
        Visitors(sandbox.address(host), f"{APP}.foo", stop, number) for number, host in enumerate(APP_HOSTS * THREADS)
    ]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        stop.set()
        for client in clients:
            client.join()
        assert not [one for client in clients for one in client.lost], "no visitor met a broken connection"


@pytest.fixture(scope="module")
def trial(sandbox, builds):
    versions = {"live": builds[0], "good": builds[1]}
    for version in versions.values():
        tag = f"deploy:5000/{APP}:{version}"
        line = f"docker tag deploy:5000/app1:{version} {tag} && {PUSH} {tag}"
        made = sandbox.ssh("deploy", f"docker pull -q deploy:5000/app1:{version} && {line}")
        assert made.code == 0, made.text
    versions["failing"] = variant(sandbox, builds[0], app=APP, of_app="app1", TESTAPP_FAILING_USERS="0.03")
    versions["slow"] = variant(
        sandbox, builds[0], app=APP, of_app="app1", TESTAPP_SLOW_REQUESTS="0.2", TESTAPP_SLOW_SECONDS="0.4"
    )
    versions["buying"] = variant(sandbox, builds[0], app=APP, of_app="app1", TESTAPP_BUYERS="0.4")
    with own_app(sandbox, APP, {}, canary=RULES, goals=GOALS) as there:
        there.versions = versions
        there.must("install", "--version", versions["live"])
        there.must("promote", "--version", versions["live"])
        with traffic(sandbox):
            yield there


@pytest.fixture
def beside(trial):
    """A version beside the live one, which has had traffic for a while."""

    def installed(name: str) -> str:
        trial.must("promote", "--version", trial.versions["live"])
        trial.must("prune")
        trial.must("install", "--version", trial.versions[name])
        time.sleep(RULES["before"])
        return trial.versions[name]

    return installed


def page(trial: OwnApp) -> str:
    """The comparison's page, as somebody would write and open it."""
    trial.must("compare", "--html", f"/tmp/{APP}.html")
    return trial.sandbox.on("deploy", f"cat /tmp/{APP}.html; rm /tmp/{APP}.html")


def shares(trial: OwnApp) -> dict[str, float]:
    found = json.loads(trial.must("status", "--json"))
    return {row["version"]: row["share"] for row in found["releases"] if row["share"]}


def evidence(trial: OwnApp, version: str) -> dict:
    folder = f"/var/lib/depl/evidence/{trial.environment.partition('=')[2]}/{APP}"
    return json.loads(trial.sandbox.on("deploy", f"cat $(ls -t {folder}/{version}-*.json | head -n 1)"))


def test_a_good_canary_is_promoted_step_by_step(trial, beside):
    good = beside("good")
    said = trial.must("canary", "--version", good, *STEPS)
    assert shares(trial) == {good: 100}
    assert "grow: " in said
    assert "promote: " in said
    found = evidence(trial, good)
    assert [stage[1] for stage in found["rollout"]["stages"]] == [200, 500]
    assert found["looks"][-1]["move"] == "promote"
    assert "PROMOTE" in page(trial)


def test_a_canary_that_fails_for_some_users_is_put_back_by_itself_and_says_why(trial, beside):
    failing = beside("failing")
    ended = trial.inv("canary", "--version", failing, *STEPS)
    assert ended.code == 1, ended.text
    assert f"{failing} was put back: all users have {trial.versions['live']} again." in ended.err
    assert "met an error" in ended.err
    assert shares(trial) == {trial.versions["live"]: 100}
    html = page(trial)
    assert "ABORT" in html
    assert "met an error" in html
    assert shares(trial) == {trial.versions["live"]: 100}
    again = trial.inv("canary", "--version", failing, *STEPS)
    assert again.code == 1
    assert f"{failing} was put back before: " in again.err
    last = evidence(trial, failing)["looks"][-1]
    assert (last["move"], last["decision"], last["kind"]) == ("abort", "abort", "failing")
    assert last["kinds"]["failing"]["evidence"] >= last["kinds"]["failing"]["boundary"]


def test_a_canary_with_a_slow_tail_is_put_back_by_itself_and_says_why(trial, beside):
    slow = beside("slow")
    ended = trial.inv("canary", "--version", slow, *STEPS)
    assert ended.code == 1, ended.text
    assert "met a request over" in ended.err
    assert shares(trial) == {trial.versions["live"]: 100}
    html = page(trial)
    assert "ABORT" in html
    assert "met a request over" in html


def test_a_walk_that_is_killed_goes_on_where_it_was(trial, beside):
    good = beside("good")
    walking = trial.sandbox.start_inv(
        "canary", "--app", APP, "--version", good, "--percent", "20,30,100", "--auto", environment=trial.environment
    )
    wait_until(lambda: good in shares(trial), 60)
    began = json.loads(trial.must("compare", "--json"))["began"]
    pid = walking.stdout.readline().decode().strip()
    trial.sandbox.on_deploy(f"kill -9 {int(pid)}")
    walking.communicate()
    trial.must("canary", "--version", good, "--percent", "20,30,100", "--auto")
    assert shares(trial) == {good: 100}
    assert evidence(trial, good)["rollout"]["stages"][0][0] == began


def test_a_canary_that_somebody_ends_is_not_brought_back_by_a_walk(trial, beside):
    good = beside("good")
    walking = trial.sandbox.start_inv(
        "canary", "--app", APP, "--version", good, "--percent", "1,100", "--auto", environment=trial.environment
    )
    wait_until(lambda: good in shares(trial), 60)
    trial.must("canary", "--percent", "0")
    said, _ = walking.communicate(timeout=60)
    assert walking.returncode == 1
    assert "was ended by somebody else (stopped)" in said.decode()
    assert shares(trial) == {trial.versions["live"]: 100}


def test_a_bad_canary_is_taken_off_the_hosts_that_answer_while_another_does_not(trial, beside):
    failing = variant(trial.sandbox, trial.versions["live"], app=APP, TESTAPP_FAILING_USERS="0.2")
    trial.versions["failing for many"] = failing
    beside("failing for many")
    rule = "INPUT -p tcp --dport 22 -s $(getent ahostsv4 deploy | cut -d' ' -f1 | head -n 1) -j REJECT"
    walking = trial.sandbox.start_inv(
        "canary", "--app", APP, "--version", failing, *STEPS, environment=trial.environment
    )
    wait_until(lambda: failing in shares(trial), 60)
    time.sleep(3)  # or the lock of the command that began it is cut off too, and stays for a while
    with undone(trial.sandbox, "app2", f"sudo iptables -I {rule}", f"sudo iptables -D {rule}"):
        said, _ = walking.communicate(timeout=120)
    assert walking.returncode == 1
    assert "But for app2, which did not answer: when up, inv canary --percent 0." in said.decode()
    left = {row["host"] for row in json.loads(trial.must("status", "--json"))["releases"] if row["state"] == "canary"}
    assert left == {"app2"}
    trial.must("canary", "--percent", "0")
    assert shares(trial) == {trial.versions["live"]: 100}


def test_of_an_ab_test_each_arm_has_its_share_and_its_goals(trial, beside):
    buying = beside("buying")
    live = trial.versions["live"]
    said = trial.must("ab.start", "--version", live, "--version", buying, "--percent", "50")
    assert f"{buying} gets 50 %" in said
    wait_until(lambda: json.loads(trial.must("compare", "--json"))["verdict"]["word"] == "decided", 120)
    found = json.loads(trial.must("compare", "--json"))
    (bought,) = [one for one in found["goals"] if one["goal"] == "bought"]
    assert bought["state"] == "more"
    assert bought["low"] > 0
    assert any("never" in one for one in found["warnings"]), "a goal that nothing matched is a warning"
    refused = trial.inv("canary", "--version", buying, "--percent", "20")
    assert refused.code == 1
    assert "inv ab.stop" in refused.err
    trial.must("ab.stop")
    assert shares(trial) == {live: 100}
    assert "Nothing to do" in trial.must("ab.stop")


def test_a_control_arm_is_compared_with_in_a_fresh_process_and_never_becomes_the_newest(trial, beside):
    good = beside("good")
    trial.must("canary", "--version", good, "--percent", "20", "--control")
    found = json.loads(trial.must("status", "--json"))
    states = {row["state"]: row for row in found["releases"] if row["share"]}
    assert {state: row["share"] for state, row in states.items()} == {"live": 60.0, "canary": 20.0, "control": 20.0}
    wait_until(lambda: json.loads(trial.must("compare", "--json"))["arms"][2]["users"] > 100, 60)
    arms = json.loads(trial.must("compare", "--json"))["arms"]
    assert [one["role"] for one in arms] == ["live", "canary", "control"]
    assert arms[2]["version"] == states["control"]["version"]
    trial.must("canary", "--percent", "0")
    assert states["control"]["version"] not in trial.must("promote")
    assert trial.live() == {good}


def test_a_testers_version_is_forced_and_left_out_of_the_statistics(trial, beside):
    good = beside("good")
    name = f"{APP}.foo"
    answer = trial.sandbox.get(name, "/version", headers={"X-Depl-Version": good})
    assert answer.json()["version"] == good
    cookie = trial.sandbox.get(name, "/version", headers={"Cookie": f"depl_version={good}"})
    assert cookie.json()["version"] == good
    missing = trial.sandbox.get(name, headers={"X-Depl-Version": "2001.01.01.00.00"})
    assert (missing.status_code, "is not installed" in missing.text) == (404, True)
    line = trial.sandbox.on("app1", f"sleep 1.5; sudo grep /version /var/log/nginx/depl-{APP}.log | tail -n 1")
    assert json.loads(line)["forced"] == 1
