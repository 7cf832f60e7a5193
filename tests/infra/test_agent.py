"""TeamCity's agent on the deploy host, as the example's inventory has it, over a stand-in for JetBrains' image.

What is tested is what a build may do there: the same as who deploys. No server and no real agent was started.
"""

import json

import pytest
import yaml

from ..integration.conftest import APP_HOSTS, PROJECT, inventory
from .agent import DOCKERFILE, RUN_AGENT
from .conftest import destroy, home

pytestmark = pytest.mark.integration

NAME, BASE = "teamcity-agent", "stand-in-agent:1"
VAGRANT = "DEPL_ENVIRONMENT=vagrant"


def example():
    text = (PROJECT / "conf/inventory/production.example/group_vars/all.yml").read_text()
    block = text.partition("\n# depl_infra:\n")[2].partition("\n\n")[0]
    return yaml.safe_load("\n".join(line.removeprefix("#") for line in block.splitlines()))["services"][NAME]


def here(text):
    """A path of the example's deploy user as one of the sandbox's."""
    return text.replace("/home/admin", "/home/vagrant")


@pytest.fixture(scope="module")
def described(infra):
    """The example's agent with this host's numbers; builds find a checkout in it."""
    group = int(infra.on_deploy("stat --format=%g /var/run/docker.sock"))
    user = int(infra.on_deploy("id --user"))
    mounts = {here(path): inside for path, inside in example()["mounts"].items()} | {"/vagrant": "/vagrant"}
    return example() | {"base": BASE, "user": user, "groups": [group], "mounts": mounts, "memory": "1g"}


def with_agent(service):
    def edit(name, text):
        found = yaml.safe_load(text)
        if name == "hosts.yml":
            found["all"]["children"]["infraservers"]["hosts"]["deploy"] = {}
        else:
            found["depl_infra"]["services"][NAME] = service
        return yaml.safe_dump(found)

    return edit


@pytest.fixture(scope="module")
def agent(infra, described):
    for file, text in (("Dockerfile", DOCKERFILE), ("run-agent.sh", RUN_AGENT)):
        infra.on_deploy(f"mkdir -p /tmp/agent && cat > /tmp/agent/{file} <<'END'\n{text}END")
    infra.on_deploy(f"chmod +x /tmp/agent/run-agent.sh && docker build --quiet --tag {BASE} /tmp/agent")
    with inventory("agent", with_agent(described)) as environment:
        infra.on_deploy(f"cd /vagrant && {environment} conf/ansible/bootstrap services", timeout=1800)
        yield environment
    infra.on("deploy", f"rm -f /srv/depl/supervisor/service-{NAME}.conf; sudo supervisorctl update >/dev/null;"
                       f"docker rm -f service-{NAME}; sudo rm -rf {home(NAME)} /srv/depl/nginx/infra.conf;"
                       "sudo systemctl disable --now depl-infra-page.timer")  # fmt: skip
    # The page names what is on other hosts.
    infra.on_deploy("cd /vagrant && DEPL_ENVIRONMENT=vagrant conf/ansible/bootstrap services", timeout=1200)


def in_build(infra, *argv):
    """What a build step of the agent prints: as its user, with its environment, in a checkout.

    An agent's own checkouts are its user's; the sandbox's isn't, which git is told to accept.
    """
    trusted = "--env GIT_CONFIG_COUNT=1 --env GIT_CONFIG_KEY_0=safe.directory --env GIT_CONFIG_VALUE_0=/vagrant"
    options = f"--workdir /vagrant --env {VAGRANT} --env TEAMCITY_VERSION=2025.07 {trusted}"
    return infra.on_deploy(f"docker exec {options} service-{NAME} {' '.join(argv)}")


def test_its_verbs_see_what_those_of_the_deploy_host_see(infra, agent):
    told = in_build(infra, "/opt/depl/venv/bin/inv", "status", "--app", "app1", "--json")
    there, here = json.loads(told), json.loads(infra.must("status", "--app", "app1", "--json", environment=VAGRANT))
    assert there["live"] == here["live"]
    assert set(here["live"]) == set(APP_HOSTS)


def test_it_builds_and_pushes_as_the_deploy_host_does(infra, agent):
    told = in_build(infra, "/opt/depl/venv/bin/inv", "build", "--app", "app1")
    version = told.rpartition("name='depl.version' value='")[2].partition("'")[0]
    assert infra.on_deploy(f"docker pull --quiet deploy:5000/app1:{version}").strip() == f"deploy:5000/app1:{version}"


def test_it_decrypts_with_the_deploy_hosts_key(infra, agent):
    code = "from tasks.run import secrets; print(len(secrets.load('vagrant').services))"
    assert int(in_build(infra, "/opt/depl/venv/bin/python", "-c", f'"{code}"')) > 0


def test_the_server_knows_it_again_after_its_data_were_destroyed(infra, agent):
    before = infra.on("deploy", f"sudo cat {home(NAME)}/data/buildAgent.properties")
    assert "serverUrl=https://teamcity.example.com" in before
    infra.must("infra.backup", "--service", NAME, environment=agent)
    destroy(infra, NAME, "deploy")
    infra.must("infra.restore", NAME, environment=agent)
    assert infra.on("deploy", f"sudo cat {home(NAME)}/data/buildAgent.properties") == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"groups": []}, "it may not use Docker: put "),
        ({"mounts": {"/var/run/docker.sock": "/var/run/docker.sock"}}, "it has no /var/lib/depl, depl's cache"),
    ],
)
def test_what_it_lacks_is_said_when_it_comes_up_and_the_former_one_stays(infra, agent, described, change, said):
    with inventory("agent-lacking", with_agent(described | change | {"timeout": 5})) as environment:
        ended = infra.inv("infra.up", environment=environment)
    assert ended.code == 1
    assert said in ended.text
    assert "Traceback" not in ended.text
    assert "Nothing to do" in infra.must("infra.up", environment=agent)
