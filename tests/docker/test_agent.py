"""The image of TeamCity's agent, built by depl's own builder over a stand-in for JetBrains' image: what it can do.

JetBrains' image and a server were not at hand. The stand-in has what is taken out of theirs, at the same paths.
"""

import os
import subprocess
import time

import pytest

from tasks.model.infra import InfraService
from tasks.plan import services
from tasks.run.engine import Engine
from tasks.run.images import wheels_of_depl
from tasks.run.settings import PROJECT

from ..infra.agent import DOCKERFILE, RUN_AGENT

pytestmark = pytest.mark.integration

BASE, IMAGE = "depl-test-agent-base:1", "depl-test-agent:1"


class Quiet:
    """Where a phase says what it does, and nobody looks."""

    def now(self, text):
        pass

    tell = now


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    engine = Engine("test-agent")
    engine.build("stand-in", DOCKERFILE, {"run-agent.sh": RUN_AGENT.encode()}, BASE, print)
    wanted = (PROJECT / "requirements.txt").read_bytes()
    service = InfraService(
        recipe="teamcity-agent", base=BASE, user=os.getuid() or 1000, data="/data/teamcity_agent/conf"
    )
    recipe = services.recipe(service, wanted)
    wheels = wheels_of_depl(engine, tmp_path_factory.mktemp("cache"), wanted, Quiet())
    engine.build("agent", recipe.dockerfile, {**recipe.files, **wheels}, IMAGE, print)
    yield IMAGE
    for image in (IMAGE, BASE):
        engine.forget(image)


def run(*argv, options=()):
    return subprocess.run(
        ["docker", "run", "--rm", *options, IMAGE, *argv], capture_output=True, text=True, check=False, timeout=120
    )


def in_checkout(*argv):
    here = f"type=bind,source={PROJECT},target=/checkout,readonly"
    return run(*argv, options=("--mount", here, "--workdir", "/checkout", "--env", "DEPL_ENVIRONMENT=vagrant"))


@pytest.mark.parametrize("argv", [("--list",), ("status", "--help"), ("branch.sync", "--help")])
def test_a_fresh_one_runs_depls_verbs_in_a_checkout(agent, argv):
    done = in_checkout("/opt/depl/venv/bin/inv", *argv)
    assert (done.returncode, done.stderr) == (0, "")
    assert argv[0].removeprefix("--").partition(".")[0] in done.stdout.lower()


def test_it_reads_the_inventory_by_ansible_as_a_deploy_host_does(agent):
    code = "from tasks.run import inventory; print(inventory.load('vagrant').registry)"
    done = in_checkout("/opt/depl/venv/bin/python", "-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "deploy:5000\n", "")


def test_it_has_what_verbs_start(agent):
    for argv in (("git", "--version"), ("ssh", "-V"), ("ansible-playbook", "--version")):
        assert run(*argv).returncode == 0, argv


def test_it_is_nobody_who_may_anything_by_itself(agent):
    assert run("id", "--user").stdout.strip() not in ("", "0")
    said = run("health").stderr
    assert "it has no /var/run/docker.sock: put it into `mounts`" in said


def test_it_tells_builds_where_its_verbs_are(agent):
    assert run("printenv", "DEPL_VENV").stdout.strip() == "/opt/depl/venv"


def test_its_authorisation_survives_a_new_container(agent, tmp_path):
    kept = tmp_path / "conf"
    kept.mkdir(mode=0o777)
    kept.chmod(0o777)
    given = ("--env", "SERVER_URL=https://teamcity.example.com", "--env", "AGENT_NAME=deploy")
    mount = ("--mount", f"type=bind,source={kept},target=/data/teamcity_agent/conf")
    for _ in range(2):
        name = subprocess.run(
            ["docker", "run", "--detach", *given, *mount, IMAGE], capture_output=True, text=True, check=True
        ).stdout.strip()
        try:
            until = time.monotonic() + 20
            while not (kept / "buildAgent.properties").exists() and time.monotonic() < until:
                time.sleep(0.1)
        finally:
            subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=True)
    lines = (kept / "buildAgent.properties").read_text().splitlines()
    assert lines.count("authorizationToken=given-once") == 1
    assert "serverUrl=https://teamcity.example.com" in lines
