"""The registry's disk: old versions leave with a prune, their layers with the collection, and pushes wait for it."""

import json
import subprocess
from contextlib import contextmanager

import pytest

from .conftest import PUSH, variant, wait_until
from .own_app import own_app

pytestmark = pytest.mark.integration

APP = "shelf"
LOCK = "/var/lib/depl/registry.lock"
UNIT = "depl-registry-layers.service"
LARGE, SMALL = 20_000_000, 1_000_000


@pytest.fixture(scope="module")
def shelf(sandbox, builds):
    """An app with a small version, which is live, and a large one; one beside those that hosts need is kept."""

    def made(size):
        layer = f"import os; open('/ballast', 'wb').write(os.urandom({size}))"
        lines = "USER 0", f"RUN {json.dumps(['python3', '-c', layer])}", "USER 10001:10001"
        return variant(sandbox, builds[0], *lines, app=APP, of_app="app1")

    with own_app(sandbox, APP, {}, beside="depl_keep_built: 1") as there:
        there.old, there.kept = made(LARGE), made(SMALL)
        there.must("install", "--version", there.kept)
        there.must("promote", "--version", there.kept)
        yield there


def bytes_on_disk(sandbox):
    return int(sandbox.on_deploy("sudo du --summarize --bytes /var/lib/docker-registry").split()[0])


def collect(sandbox):
    sandbox.on_deploy(f"sudo systemctl start {UNIT}")


@contextmanager
def held(sandbox, *kind):
    """Somebody on the deploy host holds the registry's lock, as the collection or a push does."""
    program = ["sudo", "flock", *kind, LOCK, "sh", "-c", "'echo held; exec cat'"]
    argv = [*sandbox.ssh_argv("deploy"), " ".join(program)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        try:
            yield
        finally:
            holder.stdin.close()
            holder.wait(30)


def test_an_old_version_leaves_the_registry_and_its_disk_and_what_is_kept_can_still_be_installed(sandbox, shelf):
    dry = sandbox.inv("--dry", "prune", "--app", APP, environment=shelf.environment)
    (would,) = [line for line in dry.out.splitlines() if line.startswith("Would remove from the registry: ")]
    assert shelf.old in would
    assert shelf.kept not in would

    before = bytes_on_disk(sandbox)
    assert "versions from the registry." in shelf.must("prune")
    collect(sandbox)
    assert before - bytes_on_disk(sandbox) > 0.9 * LARGE
    said = sandbox.on_deploy(f"sudo journalctl --unit {UNIT} --lines 5 --output cat")
    assert "The registry had " in said

    refused = shelf.inv("install", "--version", shelf.old)
    assert refused.code == 1
    assert f"has no {APP} {shelf.old}; the newest there: " in refused.text
    # What was there, and is not any more, is pushed whole: nobody remembers it.
    sandbox.on_deploy(f"{PUSH} deploy:5000/{APP}:{shelf.old}")
    sandbox.forget(APP)
    for version in (shelf.old, shelf.kept):
        shelf.must("install", "--version", version)
    shelf.must("promote", "--version", shelf.kept)
    assert shelf.live() == {shelf.kept}


def test_a_push_waits_for_a_collection_says_so_and_succeeds(sandbox, shelf):
    with held(sandbox, "--exclusive"):
        build = sandbox.start_inv("build", "--app", APP, environment=shelf.environment)
        said = []
        for line in build.stdout:
            said.append(line.decode())
            if "Waiting for the registry" in said[-1]:
                break
        assert build.poll() is None, "".join(said)
    with build:
        said.append(build.stdout.read().decode())
    assert build.returncode == 0, "".join(said)
    assert "is built and pushed" in said[-1]
    assert "".join(said).count("Waiting for the registry") == 1
    version = said[-1].strip().splitlines()[-1].split()[1]
    collect(sandbox)
    assert f"Version {version} is successfully installed" in shelf.must("install", "--version", version)


def test_a_collection_waits_for_pushes(sandbox, shelf):
    def state():
        return sandbox.ssh("deploy", f"systemctl is-active {UNIT}").out.strip()

    with held(sandbox, "--shared"):
        sandbox.on_deploy(f"sudo systemctl start --no-block {UNIT}")
        wait_until(lambda: sandbox.on_deploy("pgrep --full '[f]lock --timeout' || true"), 10)
        assert state() == "activating"
    wait_until(lambda: state() == "inactive", 20)
    assert sandbox.on_deploy(f"systemctl show --property Result {UNIT}") == "Result=success\n"
