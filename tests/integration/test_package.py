"""An app that nobody here wrote: from the package index to live traffic, by its description and a place for it."""

import json
import re
import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import yaml

from .conftest import PROJECT, inventory, wait_until

pytestmark = pytest.mark.integration

APP, DOMAIN = "prefect", "prefect.foo"
DESCRIBED = yaml.safe_load((PROJECT / "conf" / "apps" / f"{APP}.yml").read_text())
PACKAGE = DESCRIBED["source"]["package"]
VERSION = PACKAGE.partition("==")[2]


class Package:
    """The app on the sandbox's hosts, app1 beside its services; `version` is installed, and not yet live."""

    def __init__(self, sandbox, environment):
        self.sandbox, self.environment = sandbox, environment

    def must(self, *words):
        return self.sandbox.must(*words, environment=self.environment)

    def build(self):
        self.built = self.must("build")
        self.version = self.built.strip().splitlines()[-1].split()[1]
        self.image = f"deploy:5000/{APP}:{self.version}"

    def ask(self, path, data):
        """Post to its API, and return what it answers."""
        answer = self.sandbox.request("POST", DOMAIN, f"/api{path}", json=data)
        assert answer.is_success, answer.text
        return answer.json()


def placing(app):
    """An edit of the inventory: this is the app that is meant; board stays, since services serve what is placed."""
    apps = {app: {"domains": [DOMAIN]}, "board": {"domains": ["board.foo"]}}
    placed = f"depl_default_app: {app}\ndepl_apps: {json.dumps(apps)}\n"
    return lambda _, text: re.sub(r"^depl_default_app:.*?(?=^depl_services)", placed, text, flags=re.M | re.S)


@pytest.fixture(scope="module")
def package(sandbox):
    sandbox.forget(APP)  # of a run that was killed
    try:
        with inventory(APP, placing(APP)) as environment:
            there = Package(sandbox, environment)
            there.must("services.up")
            there.build()
            there.installed = there.must("install", "--version", there.version)
            yield there
    finally:
        sandbox.forget(APP)


def test_the_image_says_which_package_it_is_made_of(package):
    said = package.sandbox.on_deploy(f"docker inspect --format '{{{{json .Config.Labels}}}}' {package.image}")
    labels = json.loads(said)
    assert labels["org.opencontainers.image.revision"] == PACKAGE
    assert labels["org.opencontainers.image.source"] == f"pkg:pypi/{APP}@{VERSION}"
    assert "not pinned" not in package.built


def test_the_package_is_a_layer_apart_from_what_it_brings(package):
    history = package.sandbox.on_deploy(f"docker history --format '{{{{.Size}}}} {{{{.CreatedBy}}}}' {package.image}")
    assert len(re.findall(r"MB .*ADD", history)) == 2
    program = "import prefect, uvicorn; print(prefect.__version__)"
    run = package.sandbox.ssh("deploy", "docker", "run", "--rm", "--read-only", package.image, "python3", "-c", program)
    assert run.out.strip() == VERSION


def test_an_installed_version_answers_at_its_own_url(package):
    preview = f"{package.version}.{DOMAIN}"
    assert f"http://{preview}" in package.installed
    assert package.sandbox.get(preview, "/api/admin/version").json() == VERSION
    assert "Prefect" in package.sandbox.get(preview).text


def test_what_is_asked_of_its_api_its_worker_does(package):
    """The schedule goes through web into the database, the worker makes runs of it, and web shows them."""
    package.must("promote", "--version", package.version)
    assert package.sandbox.get(DOMAIN, "/api/admin/version").json() == VERSION
    flow = package.ask("/flows/", {"name": f"test {time.time()}"})
    schedule = {"schedule": {"interval": 60}, "active": True}
    made = package.ask("/deployments/", {"name": "minutely", "flow_id": flow["id"], "schedules": [schedule]})
    wanted = {"deployments": {"id": {"any_": [made["id"]]}}}
    wait_until(lambda: package.ask("/flow_runs/count", wanted) > 0, 90)
    (run,) = package.ask("/flow_runs/filter", {**wanted, "limit": 1})
    assert run["state"]["type"] == "SCHEDULED"


def test_what_web_puts_into_the_queue_its_worker_stores(package):
    package.must("promote", "--version", package.version)
    name = f"test.{time.time()}"
    event = {
        "id": str(uuid4()),
        "event": name,
        "occurred": datetime.now(UTC).isoformat(),
        "resource": {"prefect.resource.id": "test"},
    }
    answer = package.sandbox.request("POST", DOMAIN, "/api/events", json=[event])
    assert answer.is_success, answer.text
    wanted = {"filter": {"event": {"name": [name]}}}
    wait_until(lambda: package.ask("/events/filter", wanted)["total"] == 1, 60)
    assert "worker of 1: 1 on app1, 1 on app2." in package.must("status")


def test_a_package_has_no_commit_to_build(package):
    for words in ("--ref", "HEAD"), ("--dirty",):
        ended = package.sandbox.inv("build", *words, environment=package.environment)
        assert ended.code == 1
        assert f"{APP} is {PACKAGE} of the package index: it has no --ref and no --dirty." in ended.err


def test_a_version_that_the_index_has_not_is_told_in_the_first_line(package):
    description = PROJECT / "conf" / "apps" / f"{APP}-0.yml"
    description.write_text((description.with_name(f"{APP}.yml")).read_text().replace(PACKAGE, f"{APP}==0.0.0"))
    try:
        with inventory(description.stem, placing(description.stem)) as there:
            ended = package.sandbox.inv("build", environment=there)
    finally:
        description.unlink()
    assert ended.code == 1
    first, *_ = ended.err.splitlines()
    assert first == f"wheels: Could not find a version that satisfies the requirement {APP}==0.0.0"
    assert "  │ ERROR: No matching distribution" in ended.err
