"""Jobs at certain times over real docker and supervisord: on one host, each minute once, whatever is live meanwhile."""

import json
import time

import pytest

from .conftest import APP_HOSTS, wait_until
from .own_app import own_app
from .test_hosts import off

pytestmark = pytest.mark.integration

NOTES = "import os; open('/run/depl/jobs/ran', 'a').write(os.environ['DEPL_DUE'] + '\\n'); print('its own words')"
EVERY_MINUTE = {"schedule": "* * * * *", "memory": "64m", "pids": 32, "grace": 20}
COMPONENTS = {
    "minutely": {**EVERY_MINUTE, "command": ["python3", "-c", NOTES]},
    "broken": {**EVERY_MINUTE, "command": ["python3", "-c", "raise SystemExit(3)"]},
    "everywhere": {**EVERY_MINUTE, "command": ["python3", "-c", "print('here too')"], "once": False},
}
SECONDS = 75
"""By then a minute has begun, and its runs have ended."""


@pytest.fixture(scope="module")
def cron(sandbox):
    with own_app(sandbox, "cron", COMPONENTS) as there:
        for verb in ("buildinst", "buildinst"):
            there.must(verb)
        there.new, there.old = sorted({row["version"] for row in status(there)["releases"]}, reverse=True)[:2]
        there.installed = where(there)
        there.must("promote", "--version", there.old)
        yield there


def status(cron):
    return json.loads(cron.must("status", "--json"))


def where(cron, component="minutely"):
    return {host: cron.running(host, component) for host in APP_HOSTS}


def last(cron, component):
    """The last runs of a job that have come to their end, by host."""
    found = {row["host"]: row["last"] for row in status(cron)["jobs"] if row["component"] == component}
    return {host: run for host, run in found.items() if run and run["ended"]}


def minutes(cron):
    """The minutes for which the job ran, on whichever host, in order."""
    lines = [cron.sandbox.on(host, "sudo cat /srv/depl/cron/jobs/ran || true").split() for host in APP_HOSTS]
    stamps = [time.strptime(one, "%Y-%m-%dT%H:%MZ") for found in lines for one in found]
    return sorted(int(time.mktime(one)) // 60 for one in stamps)


def assert_each_minute_once(ran):
    assert ran == list(range(ran[0], ran[-1] + 1))


def test_a_promote_begins_a_job_on_one_host_or_where_it_is_wanted_on_each(cron):
    name = f"cron-{cron.old}"
    assert cron.installed == {"app1": [], "app2": []}
    assert where(cron) == {"app1": [f"{name}-minutely.1"], "app2": []}
    assert where(cron, "everywhere") == {host: [f"{name}-everywhere.1"] for host in APP_HOSTS}


def test_a_run_is_told_by_status_and_log(cron):
    wait_until(lambda: last(cron, "minutely") and len(last(cron, "everywhere")) == 2, SECONDS)
    assert last(cron, "minutely")["app1"]["exit"] == 0
    said = cron.must("status")
    assert "minutely (* * * * *) on app1: last run exit code 0 after " in said
    assert "; next in " in said
    log = cron.must("logs", "--component", "minutely")
    assert log.index(" begins") < log.index("its own words") < log.index("ended: exit code 0 after ")


def test_a_run_that_failed_is_told_with_its_exit_code(cron):
    wait_until(lambda: last(cron, "broken"), SECONDS)
    assert last(cron, "broken")["app1"]["exit"] == 3
    assert "broken (* * * * *) on app1: LAST RUN FAILED: exit code 3 after " in cron.must("status")
    assert "ended: exit code 3 after " in cron.must("logs", "--component", "broken")


def test_promotes_and_rollbacks_run_each_minute_once(cron):
    before, changes = len(minutes(cron)), 0
    while len(minutes(cron)) < before + 2 or changes < 4:
        cron.must("promote", "--version", cron.new)
        cron.must("rollback")
        changes += 2
    assert_each_minute_once(minutes(cron))
    assert where(cron)["app2"] == []


def test_a_drain_hands_a_job_over_and_a_host_that_comes_back_leaves_it_there(cron):
    said = cron.must("hosts.drain", "app1")
    assert "minutely runs on app2 now" in said
    there = {"app1": [], "app2": [f"cron-{cron.old}-minutely.1"]}
    assert where(cron) == there
    assert len(where(cron, "everywhere")["app1"]) == 1, "only what one host runs for all has moved"
    known = len(minutes(cron))
    wait_until(lambda: len(minutes(cron)) > known, SECONDS)
    assert_each_minute_once(minutes(cron))
    cron.must("promote", "--version", cron.old)
    cron.must("hosts.add", "app1")
    assert where(cron) == there
    assert "minutely (* * * * *) on app2: last run exit code 0" in cron.must("status")


def test_a_dead_hosts_job_begins_elsewhere_and_ends_there_when_it_comes_back(cron):
    name = f"cron-{cron.old}-minutely.1"
    assert where(cron)["app2"] == [name]
    with off(cron.sandbox, "app2", "cron.foo"):
        said = cron.must("hosts.drain", "app2")
        assert "app2 can't be reached. What its jobs missed meanwhile is not made up for." in said
        assert cron.running("app1", "minutely") == [name]
    wait_until(lambda: cron.running("app2", "minutely") == [name], 60)
    assert f"app2: {name} runs though app1 runs it.  end it: inv prune" in cron.must("status")
    cron.must("hosts.add", "app2")
    assert where(cron) == {"app1": [name], "app2": []}
    assert "runs though" not in cron.must("status")
