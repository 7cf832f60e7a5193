"""Workers over real docker and supervisord: up with their release, at work until its traffic has gone, never left."""

import re

import pytest
import yaml

from .conftest import APP_HOSTS, PROJECT, inventory, wait_until

pytestmark = pytest.mark.integration

APP = "jobs"
PLACED = """  app1:
    domains: [app1.foo, foo.app1.foo, app1.localhost, foo.app1.localhost]
    hosts: appservers
"""
WORKER = {"command": ["python3", "-m", "testapp.worker"], "number": 2, "memory": "64m", "pids": 32, "grace": 20}
SICK = "2001.01.01.00.00"


class Jobs:
    """An app of its own with two workers on each host; `old` is live, `new` is installed."""

    def __init__(self, sandbox, environment, old, new):
        self.sandbox, self.environment, self.old, self.new = sandbox, environment, old, new

    def inv(self, verb, *words):
        return self.sandbox.inv(verb, "--app", APP, *words, environment=self.environment)

    def must(self, verb, *words):
        ended = self.inv(verb, *words)
        assert ended.code == 0, ended.text
        return ended.text

    def running(self, host="app1"):
        """The names of the workers that run on a host."""
        wanted = f"--filter label=depl.app={APP} --filter label=depl.component=worker"
        return sorted(self.sandbox.on(host, f"sudo docker ps {wanted} --format '{{{{.Names}}}}'").split())

    def all(self, host):
        """All containers on a host, and all programs that supervisord has a file for."""
        return self.sandbox.on(host, "ls /srv/depl/supervisor; sudo docker ps --all --format '{{.Names}}'")

    def live(self):
        return {self.sandbox.get("jobs.foo", "/version", host).json()["version"] for host in APP_HOSTS}


def workers(version):
    return [f"{APP}-{version}-worker.{number}" for number in (1, 2)]


@pytest.fixture(scope="module")
def jobs(sandbox, builds):
    description = PROJECT / "conf" / "apps" / f"{APP}.yml"
    app = yaml.safe_load(description.with_name("app1.yml").read_text())
    app["components"]["worker"] = WORKER
    old, new = builds[:2]
    for version, more in ((old, ""), (new, ""), (SICK, "ENV TESTAPP_WORKER_CRASH=1\n")):
        like = f"FROM deploy:5000/app1:{old if version == SICK else version}\n{more}"
        tag = f"deploy:5000/{APP}:{version}"
        made = sandbox.ssh("deploy", f"docker build -q -t {tag} - && docker push -q {tag}", input=like)
        assert made.code == 0, made.text

    def edit(name, text):
        return text.replace(PLACED, f"  {APP}:\n    domains: [jobs.foo]\n    hosts: appservers\n")

    description.write_text(yaml.safe_dump(app))
    try:
        with inventory(APP, edit) as environment:
            there = Jobs(sandbox, environment, old, new)
            for version in (new, old):
                there.must("install", "--version", version)
            there.installed = there.running()
            there.promoted = there.must("promote", "--version", old)
            yield there
    finally:
        description.unlink()
        sandbox.forget(APP)


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
        assert f"{jobs.old}-worker" not in jobs.all(host)
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
    assert f"wait for {APP}-{SICK}-worker.1: exited" in ended.text
    assert "no queue to take jobs from" in ended.text
    assert "Put back on app1, app2." in ended.text
    assert at_rest.live() == {at_rest.old}
    for host in APP_HOSTS:
        assert at_rest.running(host) == workers(at_rest.old)
        assert f"{SICK}-worker" not in at_rest.all(host)


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
    words = ("promote", "--app", APP, "--version", at_rest.new)
    with at_rest.sandbox.start_inv(*words, environment=at_rest.environment) as process:
        pid = process.stdout.readline().decode().strip()
        wait_until(lambda: set(workers(at_rest.new)) <= set(at_rest.running()))
        at_rest.sandbox.ssh("deploy", f"kill -9 {pid}")
        process.wait(30)
    assert at_rest.live() == {at_rest.old}
    assert f"{APP}-{at_rest.new}-worker.1" in at_rest.must("status")
    at_rest.must("prune")
    for host in APP_HOSTS:
        assert at_rest.running(host) == workers(at_rest.old)
