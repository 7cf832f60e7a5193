"""Whatever is killed: each host is on the old or the new release, and the next command says which."""

from __future__ import annotations

import shlex
import subprocess
import time

import pytest

from .conftest import APP_HOSTS, PROJECT, variant, wait_until

pytestmark = pytest.mark.integration


def kill_after(sandbox, seconds, *words):
    """Start a command on the deploy host and kill -9 its process there after a while."""
    with sandbox.start_inv(*words) as process:
        pid = process.stdout.readline().decode().strip()
        time.sleep(seconds)
        sandbox.ssh("deploy", f"kill -9 {pid}")
        process.wait(30)


def runs_everywhere(sandbox, version):
    """Whether an install has come to where it waits for a version's health."""
    name = f"app1-{version}-web"
    return all(name in sandbox.on(host, "sudo docker ps --format '{{.Names}}'").split() for host in APP_HOSTS)


@pytest.mark.parametrize("seconds", [0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2])
def test_a_killed_promote_leaves_every_host_on_the_old_or_the_new_release(sandbox, two, seconds):
    old, new = two
    kill_after(sandbox, seconds, "promote", "--version", new)
    served = {host: sandbox.get("app1.foo", "/version", host).json()["version"] for host in APP_HOSTS}
    assert set(served.values()) <= {old, new}
    said = sandbox.must("status")
    if len(set(served.values())) == 1:
        assert f"Live is {served['app1']} on all hosts." in said
    else:
        assert "The hosts do not agree on what is live" in said
        assert f"inv promote --version {new}" in said
    assert "is live" in sandbox.must("promote", "--version", new)
    assert sandbox.live() == {new}
    sandbox.must("rollback")
    assert sandbox.live() == {old}


@pytest.mark.parametrize("seconds", [0.6, 1.0, 1.5, 2.0, 2.5])
def test_a_killed_install_is_finished_by_the_next_one(sandbox, builds, two, seconds):
    third = builds[2]
    kill_after(sandbox, seconds, "install", "--version", third)
    assert sandbox.live() == {two[0]}
    sandbox.must("install", "--version", third)
    for host in APP_HOSTS:
        assert sandbox.get(f"{third}.app1.foo", "/version", host).json()["version"] == third
        slots = sandbox.on(host, f"ls /srv/depl/app1/releases | grep -c {third}")
        assert slots.strip() == "1"
    sandbox.on_deploy("true")
    for host in APP_HOSTS:
        remove_release(sandbox, host, third)


def remove_release(sandbox, host, version):
    """Take a release off a host by hand, as an engineer would."""
    name = f"app1-{version}-web"
    sandbox.on(
        host,
        f"cd /srv/depl && sudo rm -f app1/versions/{version} supervisor/{name}.conf && "
        f"sudo supervisorctl update {name} >/dev/null && sudo docker rm -f {name} >/dev/null && "
        f"for one in app1/releases/{version}@*; do sudo rm -f app1/slots/${{one##*@}}; sudo rm -rf $one; done",
    )


def test_the_next_command_says_what_was_cut_short(sandbox, two):
    old, new = two
    never_healthy = variant(sandbox, old, TESTAPP_UNHEALTHY="1")
    with sandbox.start_inv("install", "--version", never_healthy) as process:
        pid = process.stdout.readline().decode().strip()
        wait_until(lambda: runs_everywhere(sandbox, never_healthy), 60)
        sandbox.ssh("deploy", f"kill -9 {pid}")
        process.wait(30)
    try:
        assert f"install {never_healthy} by" in sandbox.must("status")
        said = sandbox.must("promote", "--version", new)
        assert f"install {never_healthy} by" in said
        assert "was cut" in said
        assert "cut short" not in sandbox.must("status"), "the newest work has come to its end"
    finally:
        for host in APP_HOSTS:
            remove_release(sandbox, host, never_healthy)


def test_a_lock_goes_with_its_process_and_names_its_holder(sandbox, two):
    about = '{"who": "ana@laptop", "since": "2026-11-22T12:00:00Z", "verb": "promote"}'
    lock = "exec 9>>/srv/depl/app1/lock; flock 9; cat >/srv/depl/app1/lock <<<$0; echo held; cat"
    command = shlex.join(["sudo", "-u", "depl", "bash", "-c", lock, about])
    with subprocess.Popen(
        ["ssh", "-F", f"{PROJECT}/.vagrant/ssh_config", "app1", command],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as holder:  # fmt: skip
        assert holder.stdout
        assert holder.stdout.readline().strip() == "held"
        refused = sandbox.inv("promote", "--version", two[1])
        holder.kill()
    assert refused.code == 1
    assert "locked on app1 by ana@laptop since 2026-11-22T12:00:00Z (promote)" in refused.text
    assert sandbox.live() == {two[0]}
    time.sleep(0.5)
    sandbox.must("promote", "--version", two[1])


@pytest.mark.parametrize("signal", ["TERM", "INT", "HUP"])
def test_an_install_that_is_stopped_puts_back_what_it_did(sandbox, two, signal):
    never_healthy = variant(sandbox, two[0], TESTAPP_UNHEALTHY="1")
    before = sandbox.status()["releases"]
    with sandbox.start_inv("install", "--version", never_healthy) as process:
        pid = process.stdout.readline().decode().strip()
        wait_until(lambda: runs_everywhere(sandbox, never_healthy), 60)
        sandbox.ssh("deploy", f"kill -{signal} {pid}")
        said = process.stdout.read().decode()
        process.wait(60)
    assert process.returncode == 1, said
    assert "Interrupted; what install had done was put back." in said
    assert "Traceback" not in said
    assert [row["version"] for row in sandbox.status()["releases"]] == [row["version"] for row in before]
    for host in APP_HOSTS:
        folders = "/srv/depl/supervisor /srv/depl/app1/releases /srv/depl/app1/versions"
        left = f"sudo docker ps -a --format '{{{{.Names}}}}'; ls {folders}"
        assert never_healthy not in sandbox.on(host, left)
