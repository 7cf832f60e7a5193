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
SERVICES = "test-prefect-services"
IMAGE = """
FROM debian:bookworm-slim
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \\
    postgresql redis-server
"""
# Its data goes with it: an empty database for each run.
SERVE = """set -e
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
initdb --pgdata /data/db --auth-local=trust --auth-host=scram-sha-256
echo "host all all all scram-sha-256" >>/data/db/pg_hba.conf
printf "%s\\n" "create role prefect login password 'secret'" "create database prefect owner prefect" |
    postgres --single -D /data/db postgres
redis-server --requirepass secret --bind 0.0.0.0 --save "" --dir /data &
exec postgres -D /data/db -k /tmp -h 0.0.0.0
"""
MIGRATE = ("python3", "-m", "prefect", "server", "database", "upgrade", "-y")


class Package:
    """The app on one of the sandbox's hosts; `version` is installed, and not yet live."""

    def __init__(self, sandbox, environment, variables):
        self.sandbox, self.environment, self.variables = sandbox, environment, variables

    def must(self, *words):
        return self.sandbox.must(*words, environment=self.environment)

    def build(self):
        self.built = self.must("build")
        self.version = self.built.strip().splitlines()[-1].split()[1]
        self.image = f"deploy:5000/{APP}:{self.version}"

    def migrate(self):
        variables = {**DESCRIBED["environment"], **self.variables}
        options = [word for key, value in variables.items() for word in ("--env", f"{key}={value}")]
        limits = ("--network", "host", "--read-only", "--tmpfs", "/tmp")
        ended = self.sandbox.ssh("deploy", "docker", "run", "--rm", *limits, *options, self.image, *MIGRATE)
        assert ended.code == 0, ended.text

    def ask(self, path, data):
        """Post to its API, and return what it answers."""
        answer = self.sandbox.request("POST", DOMAIN, f"/api{path}", json=data)
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def variables(sandbox):
    """The way to a new database and a new queue on the deploy host."""
    sandbox.on_deploy(f"docker build -q --network host -t {SERVICES} - <<'END'\n{IMAGE}\nEND")
    start = ("docker", "run", "--detach", "--name", SERVICES, "--network", "host", "--user", "postgres")
    sandbox.ssh("deploy", "docker", "rm", "--force", SERVICES)
    ended = sandbox.ssh("deploy", *start, "--tmpfs", "/data:mode=1777", SERVICES, "sh", "-c", SERVE)
    assert ended.code == 0, ended.text
    try:
        wait_until(
            lambda: sandbox.ssh("deploy", "docker", "exec", SERVICES, "pg_isready", "-h", "127.0.0.1").code == 0, 60
        )
        address = sandbox.on("app1", "getent hosts deploy").split()[0]
        parts = {"HOST": address, "PORT": "5432", "USER": "prefect", "PASSWORD": "secret", "NAME": "prefect"}
        queue = f"redis://:secret@{address}:6379/0"
        yield {
            **{f"PREFECT_SERVER_DATABASE_{key}": value for key, value in parts.items()},
            "PREFECT_REDIS_MESSAGING_URL": queue,
            "PREFECT_SERVER_DOCKET_URL": queue,
        }
    finally:
        sandbox.ssh("deploy", "docker", "rm", "--force", SERVICES)


@pytest.fixture(scope="module")
def package(sandbox, variables):
    def edit(name, text):
        if name == "hosts.yml":
            return text.replace("    appservers:\n", "    first: {hosts: {app1: }}\n    appservers:\n")
        placed = {APP: {"domains": [DOMAIN], "hosts": "first", "environment": variables}}
        return re.sub(r"^depl_apps:.*", f"depl_apps: {json.dumps(placed)}\n", text, flags=re.M | re.S)

    sandbox.forget(APP)  # of a run that was killed: its database is gone
    try:
        with inventory(APP, edit) as environment:
            there = Package(sandbox, environment, variables)
            there.build()
            there.migrate()
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
    assert "worker of 1: 1 on app1." in package.must("status")


def test_a_package_has_no_commit_to_build(package):
    for words in ("--ref", "HEAD"), ("--dirty",):
        ended = package.sandbox.inv("build", *words, environment=package.environment)
        assert ended.code == 1
        assert f"{APP} is {PACKAGE} of the package index: it has no --ref and no --dirty." in ended.err


def test_a_version_that_the_index_has_not_is_told_in_the_first_line(package):
    description = PROJECT / "conf" / "apps" / f"{APP}-0.yml"
    description.write_text((description.with_name(f"{APP}.yml")).read_text().replace(PACKAGE, f"{APP}==0.0.0"))
    try:
        with inventory(
            description.stem, lambda _, text: text.replace("  app1:\n    dom", f"  {APP}-0:\n    dom")
        ) as there:
            ended = package.sandbox.inv("build", environment=there)
    finally:
        description.unlink()
    assert ended.code == 1
    first, *_ = ended.err.splitlines()
    assert first == f"wheels: Could not find a version that satisfies the requirement {APP}==0.0.0"
    assert "  │ ERROR: No matching distribution" in ended.err
