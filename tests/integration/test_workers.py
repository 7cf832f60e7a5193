"""Workers over real docker and supervisord: up with their release, at work until its traffic has gone, never left."""

import re

import pytest

from .conftest import APP_HOSTS, PUSH, wait_until
from .own_app import OwnApp, own_app

pytestmark = pytest.mark.integration

APP = "jobs"
WORKER = {"command": ["python3", "-m", "testapp.worker"], "number": 2, "memory": "64m", "pids": 32, "grace": 20}
SICK = "2001.01.01.00.00"


def everything(jobs: OwnApp, host):
    """All containers on a host, and all programs that supervisord has a file for."""
    return jobs.sandbox.on(host, "ls /srv/depl/supervisor; sudo docker ps --all --format '{{.Names}}'")


def workers(version):
    return [f"{APP}-{version}-worker.{number}" for number in (1, 2)]


@pytest.fixture(scope="module")
def jobs(sandbox, builds):
    old, new = builds[:2]
    for version, more in ((old, ""), (new, ""), (SICK, "ENV TESTAPP_WORKER_CRASH=1\n")):
        like = f"FROM deploy:5000/app1:{old if version == SICK else version}\n{more}"
        tag = f"deploy:5000/{APP}:{version}"
        made = sandbox.ssh("deploy", f"docker build -q -t {tag} - && {PUSH} {tag}", input=like)
        assert made.code == 0, made.text
    with own_app(sandbox, APP, {"worker": WORKER}) as there:
        there.old, there.new = old, new
        for version in (new, old):
            there.must("install", "--version", version)
        there.installed = there.running()
        there.promoted = there.must("promote", "--version", old)
        yield there


@pytest.fixture
def at_rest(jobs):
    """The old version live with its workers, before each test."""
    jobs.must("promote", "--version", jobs.old)
    return jobs


def test_an_installed_release_runs_no_worker_and_a_promoted_one_all_of_them(jobs):
    assert jobs.installed == []
    assert "✓ workers" in jobs.promoted
    for host in APP_HOSTS:
        assert jobs.running(host) == workers(jobs.old)
    said = jobs.must("status")
    assert "worker of 2: 2 on app1, 2 on app2." in said
    assert re.search(r"app1 │ .* job \d+ done", jobs.must("logs", "--component", "worker.2"))


def test_workers_that_lose_their_traffic_finish_the_job_that_they_have(at_rest):
    jobs, logs = at_rest, "/tmp/depl-test-worker"
    for host in APP_HOSTS:
        for name in workers(jobs.old):
            jobs.sandbox.on(host, f"sudo docker logs --follow --tail 1 {name} >{logs}.{name[-1]} 2>&1 </dev/null &")
    jobs.must("promote", "--version", jobs.new)
    assert jobs.live() == {jobs.new}
    for host in APP_HOSTS:
        assert jobs.running(host) == workers(jobs.new)
        for number in (1, 2):
            lines = jobs.sandbox.on(host, f"cat {logs}.{number}; rm {logs}.{number}").splitlines()
            assert len(lines) > 3
            last = lines[-1].split()
            assert last[-1] == "done", lines[-3:]
        assert f"{jobs.old}-worker" not in everything(jobs, host)
    assert "Nothing to do" in jobs.must("promote", "--version", jobs.new)


def test_a_rollback_brings_the_former_workers_back(at_rest):
    at_rest.must("promote", "--version", at_rest.new)
    said = at_rest.must("rollback")
    assert said.index("✓ flip") < said.index("✓ workers") < said.index("✓ hand over")
    for host in APP_HOSTS:
        assert at_rest.running(host) == workers(at_rest.old)


def test_a_worker_that_does_not_stay_up_puts_the_promote_back(at_rest):
    at_rest.must("install", "--version", SICK)
    ended = at_rest.inv("promote", "--version", SICK)
    assert ended.code == 1
    assert re.search(rf"wait for {APP}-{SICK}-worker\.[12]: exited", ended.text)
    assert "no queue to take jobs from" in ended.text
    assert "Put back on app1, app2." in ended.text
    assert at_rest.live() == {at_rest.old}
    for host in APP_HOSTS:
        assert at_rest.running(host) == workers(at_rest.old)
        assert f"{SICK}-worker" not in everything(at_rest, host)


def test_a_worker_that_is_killed_comes_back(at_rest):
    (name, _) = workers(at_rest.old)
    at_rest.sandbox.on("app1", f"sudo docker kill {name}")
    wait_until(lambda: at_rest.running() == workers(at_rest.old))


def test_a_worker_that_somebody_removed_is_told_and_started_again(at_rest):
    (name, _) = workers(at_rest.old)
    at_rest.sandbox.on("app1", f"sudo docker rm --force {name}")
    said = at_rest.must("status")
    assert f"worker of 2: 1 on app1, 2 on app2: {name} on app1 is not there." in said
    assert f"start again: inv promote --version {at_rest.old}" in said
    at_rest.must("promote", "--version", at_rest.old)
    assert at_rest.running() == workers(at_rest.old)


def test_workers_of_a_promote_that_was_killed_are_told_and_ended_by_prune(at_rest):
    at_rest.killed("before", "flip", "promote", "--version", at_rest.new)
    assert at_rest.live() == {at_rest.old}
    assert f"{APP}-{at_rest.new}-worker.1" in at_rest.must("status")
    at_rest.must("prune")
    for host in APP_HOSTS:
        assert at_rest.running(host) == workers(at_rest.old)
