"""What TeamCity reads of each verb on real hosts: messages as documented, balanced blocks, numbers, named problems."""

from __future__ import annotations

import threading

import pytest

from tests.teamcity import Output, read

from .conftest import APP_HOSTS, variant, wait_until
from .own_app import own_app
from .test_zero_loss import Client, visitors

pytestmark = [pytest.mark.integration, pytest.mark.long]

APP = "served"
ORDER = "##teamcity[buildNumber 'mine']"


class Server:
    """Runs verbs as a build server does, and reads what they print."""

    def __init__(self, app) -> None:
        self.sandbox, self.name = app.sandbox, app.name
        self._about = f"{app.environment} TEAMCITY_VERSION=2025.07"

    def run(self, *words: str, ends: int = 0) -> Output:
        ended = self.sandbox.inv(*words, environment=self._about, timeout=900)
        assert ended.code == ends, ended.text
        assert "\x1b" not in ended.text, "colours are for terminals"
        assert read(ended.err).messages == []
        return read(ended.out)

    def inv(self, verb: str, *words: str, ends: int = 0) -> Output:
        return self.run(verb, "--app", self.name, *words, ends=ends)


@pytest.fixture(scope="module")
def server(sandbox):
    with own_app(sandbox, APP, {}) as app:
        yield Server(app)


@pytest.fixture(scope="module")
def outputs(server):
    """Two versions: how they were built and installed, and how the first became live."""
    found = {}
    for name in ("old", "new"):
        found[f"build {name}"] = built = server.inv("build")
        found[f"install {name}"] = server.inv("install", "--version", built.one("buildNumber"))
    old = found["build old"].one("buildNumber")
    found["promote old"] = server.inv("promote", "--version", old)
    return found


@pytest.fixture(scope="module")
def versions(outputs):
    return outputs["build old"].one("buildNumber"), outputs["build new"].one("buildNumber")


@pytest.fixture(scope="module")
def sick(server, versions):
    """A version that dies at its start, and writes an order into its log."""
    return variant(server.sandbox, versions[0], app=APP, of_app=APP, TESTAPP_HEALTHY_AFTER=ORDER)


def test_a_build_tells_its_version_its_size_and_how_long_it_took(outputs, versions):
    said = outputs["build old"]
    assert said.all("setParameter") == [{"name": "depl.version", "value": versions[0]}]
    assert {"depl.imageMegabytes", "depl.buildSeconds"} <= said.statistics().keys()
    assert f"Version {versions[0]} is built and pushed" in said.all("buildStatus")[-1]["text"]
    assert "wheels" in [one["name"] for one in said.all("blockOpened")]


def test_install_and_promote_tell_what_is_there_now(outputs, versions):
    installed, promoted = outputs["install old"], outputs["promote old"]
    assert {installed.one("buildNumber"), promoted.one("buildNumber")} == {versions[0]}
    assert f"Version {versions[0]} is successfully installed: http" in installed.all("buildStatus")[-1]["text"]
    assert f"Version {versions[0]} is live: http" in promoted.all("buildStatus")[-1]["text"]
    assert "depl.installSeconds" in installed.statistics()
    assert "depl.promoteSeconds" in promoted.statistics()


def test_moving_traffic_tells_that_no_request_was_lost(server, versions):
    with visitors([server.sandbox.address(host) for host in APP_HOSTS], host=f"{APP}.foo"):
        moved = [
            server.inv("promote", "--version", versions[1]),
            server.inv("rollback"),
            server.inv("canary", "--version", versions[1], "--percent", "20"),
            server.inv("canary", "--version", versions[1], "--percent", "0"),
        ]
    for said in moved:
        numbers = said.statistics()
        assert numbers["depl.requestsLost"] == 0
        assert numbers["depl.requests"] > 50, "visitors were there"
        assert f"0 of {numbers['depl.requests']:,.0f} requests lost" in said.all("buildStatus")[-1]["text"]


def test_requests_that_nginx_answers_itself_are_lost(server, versions):
    """The live container of one host is down when a promote begins."""
    old, new = versions
    sandbox, stop = server.sandbox, threading.Event()
    client = Client(sandbox.address("app1"), stop, host=f"{APP}.foo")
    name = f"{APP}-{old}-web"
    sandbox.on("app1", f"sudo supervisorctl stop {name} && sudo docker kill {name}")
    client.start()
    try:
        wait_until(lambda: any("502" in failure for failure in client.failures))
        said = server.inv("promote", "--version", new)
    finally:
        stop.set()
        client.join(60)
    lost = said.statistics()["depl.requestsLost"]
    assert 0 < lost <= len(client.failures)
    assert f"{lost:,.0f} of " in said.all("buildStatus")[-1]["text"]
    server.inv("install", "--version", old)
    server.inv("promote", "--version", old)


def test_a_failed_install_shows_its_log_and_keeps_its_name(server, versions, sick):
    first, again = (server.inv("install", "--version", sick, ends=1) for _ in range(2))
    assert first.problems() == again.problems()
    assert len(first.problems()) == 1
    assert any(one["name"].startswith("log of what failed") for one in first.all("blockOpened"))
    assert any("#\\u0023teamcity[buildNumber" in line for line in first.plain)
    assert first.one("buildNumber") == sick


def test_what_is_refused_has_a_name_of_its_own(server, versions, sick):
    refused = [
        server.inv(verb, "--version", "1999.01.01.00.00", *more, ends=1)
        for verb, *more in (("promote",), ("install",), ("migrate",), ("canary", "--percent", "5", "--auto"))
    ]
    again = server.inv("promote", "--version", "1998.01.01.00.00", ends=1)
    assert len({one.problems()[0] for one in refused}) == len(refused)
    assert again.problems() == refused[0].problems()
    assert again.problems() != server.inv("install", "--version", sick, ends=1).problems()


def test_an_app_gives_a_server_no_orders_by_its_log(server, versions):
    container = f"$(sudo docker ps --quiet --filter label=depl.app={APP} --filter label=depl.version={versions[0]})"
    program = f'open("/proc/1/fd/1", "w").write("\\n{ORDER}\\n")'.replace("'", "\\x27")
    server.sandbox.on("app1", f"sudo docker exec {container} python3 -c '{program}'")
    said = server.inv("logs")
    assert said.messages == []
    assert any("teamcity[buildNumber" in line for line in said.plain), said.plain


LOOKS = [
    ("status",),
    ("audit",),
    ("compare", "--html", f"/tmp/{APP}.html"),
    ("prune",),
]


@pytest.mark.parametrize("words", LOOKS, ids=lambda words: words[0])
def test_verbs_that_look_or_tidy_write_nothing_that_a_server_misreads(server, versions, words):
    server.inv("canary", "--version", versions[1], "--percent", "20")
    try:
        said = server.inv(*words)
    finally:
        server.inv("canary", "--version", versions[1], "--percent", "0")
    if words[0] == "compare":
        assert said.all("publishArtifacts") == [{"": f"/tmp/{APP}.html"}]


def test_verbs_that_know_no_app_do_neither(server, versions):
    for words in (
        ("hosts.drain", "app2", "--app", APP), ("hosts.add", "app2", "--app", APP), ("services.status",),
        ("--dry", "secrets.rotate"), ("--dry", "bootstrap", "--only", "appserver"),
    ):  # fmt: skip
        server.run(*words)
    (problem,) = server.run("secrets.edit", ends=1).problems()
    assert problem.startswith("depl_secrets_edit_Refused_")
