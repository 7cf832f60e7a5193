"""Canaries whose own statistics are healthy wait for what error tracker and monitoring have against them."""

from __future__ import annotations

import re
import time
import uuid
from contextlib import contextmanager

import pytest

from ..integration.conftest import PROJECT, variant, wait_until
from ..integration.own_app import own_app
from ..integration.test_canary import APP, RULES, evidence, shares, traffic
from .api import BUGSINK, ZABBIX, Api, Project, report
from .test_infra import status

pytestmark = [pytest.mark.integration, pytest.mark.long]

RULES = {**RULES, "patience": 150, "listen": ["tracker", "monitoring"]}
STEPS = ("--percent", "20,100", "--auto")
MONITORING = f'  zabbix: {{url: "http://{ZABBIX}"}}\n'
NOTIFY = f"""
depl_notify:
  tracker: {{kind: bugsink, url: "http://{BUGSINK}"}}
{MONITORING}"""
KEY = "depl.test"
SENDER = """
from zabbix_utils import Sender
print(Sender("zabbix.infra.foo", 10051).send_value("app1", "{}", "{}").processed)
"""


class Bugs(Project):
    """The app's project, where errors are planted."""

    def plant(self, release):
        """Have an issue of a kind of its own, of a release; its message."""
        word = uuid.uuid4().hex[:8]
        report(self.infra, self.dsn, f"Error{word}", f"planted-{word}", release)
        wait_until(lambda: self.issue(f"planted-{word}"), 30)
        return f"planted-{word}"

    def resolve(self, message):
        self.ask("POST", f"/issues/{self.issue(message)}/resolve/")


@pytest.fixture(scope="module")
def bugs(infra):
    return Bugs(infra, APP)


@pytest.fixture(scope="module")
def trial(infra, builds, bugs):
    with own_app(infra, APP, {}, NOTIFY, canary=RULES) as there:
        there.first = variant(infra, builds[0], app=APP, of_app="app1", NUMBER="0")
        there.must("install", "--version", there.first)
        there.must("promote", "--version", there.first)
        with traffic(infra):
            yield there


@pytest.fixture
def canary(trial):
    """A version that does as well as the live one, installed beside it."""
    trial.must("promote", "--version", trial.first)
    trial.must("prune")
    version = variant(trial.sandbox, trial.first, app=APP, NUMBER=uuid.uuid4().hex)
    trial.must("install", "--version", version)
    time.sleep(RULES["before"])
    return version


@contextmanager
def walking(trial, version):
    """A walk that is on its way: its process, once the version has visitors."""
    words = ("canary", "--app", APP, "--version", version, *STEPS)
    process = trial.sandbox.start_inv(*words, environment=trial.environment)
    try:
        wait_until(lambda: version in shares(trial), 60)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def waits_for(process, word):
    """What a walk said until it waited for this; it ends with its patience at the latest."""
    said = ""
    for line in process.stdout:
        said += line.decode()
        if "wait: new in" in said.splitlines()[-1] and word in said.splitlines()[-1]:
            return said
    pytest.fail(f"It did not wait for {word}:\n{said}")


def ended(process):
    """How a walk ended, and what it said until then; it ends with its patience at the latest."""
    with process.stdout as rest:  # not communicate(), which forgets what is in the buffer after a line was read
        said = rest.read()
    return process.wait(), said.decode()


def test_it_waits_for_an_issue_that_is_new_in_it_and_goes_on_when_that_is_resolved(trial, bugs, canary):
    everybodys = bugs.plant(trial.first)
    with walking(trial, canary) as process:
        new = bugs.plant(canary)
        waited = waits_for(process, new)
        assert shares(trial)[canary] == 20
        bugs.resolve(new)
        code, said = ended(process)
    assert code == 0, waited + said
    assert evidence(trial, canary)["looks"][-1]["move"] == "promote"
    assert shares(trial) == {canary: 100}
    assert f"(http://{BUGSINK}/issues/issue/" in waited
    assert everybodys not in waited
    assert (waited + said).count("To overrule:") == 1
    page = re.search(r"page: (\S+)", said)[1]
    assert new in trial.sandbox.on("deploy", f"grep 'It waited from' {page}")


def test_when_its_patience_is_over_it_keeps_its_share_and_the_same_command_goes_on_later(trial, bugs, canary):
    with walking(trial, canary) as process:
        new = bugs.plant(canary)
        code, said = ended(process)
    assert code == 1, said
    assert f"{canary} keeps its 20 %: More than 150 s at 20 %, and new in the error tracker: " in said
    assert f"Or overrule it: inv promote --version {canary}" in said
    assert shares(trial)[canary] == 20
    bugs.resolve(new)
    trial.must("canary", "--version", canary, *STEPS)
    assert shares(trial) == {canary: 100}


@pytest.fixture
def trigger(infra):
    """A trigger of the host app1, for a value that the test sends."""
    api = Api(infra)
    wanted = {"key_": KEY, "name": "sent by a test", "type": 2, "value_type": 3, "hostid": api.host("app1")}
    (item,) = api.ask("item.create", **wanted)["itemids"]
    api.ask("trigger.create", description="planted by a test", expression=f"last(/app1/{KEY})=1", priority=3)
    try:
        wait_until(lambda: send(infra, 0), 120)
        yield api
    finally:
        api.ask("item.delete", item)


def send(infra, value):
    """Whether Zabbix took a value: it knows a new item after a while."""
    program = SENDER.format(KEY, value)
    return infra.ssh("deploy", "/opt/depl/venv/bin/python -", input=program).out.strip() == "1"


def test_it_waits_for_a_trigger_that_became_a_problem_and_goes_on_when_that_is_acknowledged(trial, trigger, canary):
    with walking(trial, canary) as process:
        assert send(trial.sandbox, 1)
        waited = waits_for(process, "planted by a test on app1")
        assert shares(trial)[canary] == 20
        (problem,) = trigger.ask("problem.get", search={"name": "planted by a test"}, output=["eventid"])
        trigger.ask("event.acknowledge", eventids=[problem["eventid"]], action=2)
        code, said = ended(process)
    assert code == 0, waited + said
    assert shares(trial) == {canary: 100}
    assert f"new in Zabbix: planted by a test on app1 (http://{ZABBIX}/tr_events.php?triggerid=" in waited


def test_a_tracker_that_is_away_is_told_once_and_holds_nothing_up(infra, trial, canary):
    name = "service-bugsink"
    infra.on("infra", f"sudo supervisorctl stop {name}; sudo docker stop {name}")
    try:
        said = trial.must("canary", "--version", canary, *STEPS)
    finally:
        infra.on("infra", f"sudo supervisorctl start {name}")
    assert shares(trial) == {canary: 100}
    assert said.count("Note: the error tracker can't be asked: ") == 1
    wait_until(lambda: status(infra)["bugsink"]["health"] == "ok", 120)


def test_what_it_is_to_listen_to_and_can_not_is_named_before_anything_is_changed(trial, canary):
    before = shares(trial)
    settings = PROJECT / "conf/inventory" / APP / "group_vars/all.yml"
    text = settings.read_text()
    settings.write_text(text.replace(MONITORING, ""))
    refused = trial.inv("canary", "--version", canary, *STEPS)
    settings.write_text(text)
    assert refused.code == 1
    assert f"conf/apps/{APP}.yml: canary.listen: names monitoring, but " in refused.err
    assert "has no depl_notify.zabbix" in refused.err
    assert shares(trial) == before
