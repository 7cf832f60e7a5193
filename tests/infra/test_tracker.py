"""Errors of real containers in the real error tracker: under their release, their environment and their arm."""

import pytest

from ..integration.conftest import APP_HOSTS, variant, wait_until
from ..integration.own_app import own_app
from .api import BUGSINK, Project

pytestmark = pytest.mark.integration

APP = "stumbler"
BESIDE = f"""
depl_names: {{{BUGSINK}: infra}}
depl_notify:
  tracker: {{kind: bugsink, url: "http://{BUGSINK}"}}
"""
WORKER = {"command": ["python3", "-m", "testapp.worker"], "memory": "64m", "canary": True}


class Reported(Project):
    """The app's project, and what came there."""

    def __init__(self, infra):
        super().__init__(infra, APP)
        self.seen = set()
        self.new()

    def new(self):
        """What came since this was asked: release, environment and arm of each event."""
        issues = self.ask("GET", f"/issues/?project={self.number}")
        there = {one["id"] for issue in issues for one in self.ask("GET", f"/events/?issue={issue['id']}")}
        data = [self.ask("GET", f"/events/{one}/")["data"] for one in sorted(there - self.seen)]
        self.seen |= there
        return [(one["release"], one["environment"], dict(one["tags"])["arm"]) for one in data]

    def releases(self):
        return [one["version"] for one in self.ask("GET", f"/releases/?project={self.number}")]


@pytest.fixture(scope="module")
def project(infra):
    return Reported(infra)


@pytest.fixture(scope="module")
def app(infra, builds, project):
    """An app that reports to its project: one version live, another one installed."""
    there = [variant(infra, builds[-1], app=APP, of_app="app1", NUMBER=str(number)) for number in range(2)]
    with own_app(infra, APP, {"worker": WORKER}, BESIDE, environment={"SENTRY_DSN": project.dsn}) as own:
        own.versions = there
        own.must("install", "--version", there[0])
        own.must("promote", "--version", there[0])
        own.must("install", "--version", there[1])
        yield own


def stumble(app, *versions, preview=False):
    """Have each of these versions fail once on each host: for one of its users, or in its preview."""
    for version in versions:
        name = f"{version}.{APP}.foo" if preview else f"{APP}.foo"
        for host in APP_HOSTS:
            users = ({"Cookie": f"depl_{APP}={user:032x}"} for user in range(200))
            its = next(one for one in users if asked(app, name, "/version", host, one).json()["version"] == version)
            assert asked(app, name, "/raise", host, its).status_code == 500


def asked(app, name, path, host, headers):
    return app.sandbox.get(name, path, host, headers=headers)


def told(project, count):
    """The events that came, once there are as many: release and arm of each, sorted."""
    found = []
    wait_until(lambda: found.extend(project.new()) or len(found) >= count, 60)
    assert {environment for _, environment, _ in found} == {APP}
    return sorted((release, arm) for release, _, arm in found)


def on_each_host(*pairs):
    return sorted(pairs * len(APP_HOSTS))


def arms_of_workers(app):
    """What the workers of each version read, by the version."""
    script = "import os; print(os.environ['DEPL_VERSION'], open(os.environ['DEPL_ARM_FILE']).read())"
    found = [app.sandbox.on(host, f'sudo docker exec {name} python3 -c "{script}"').split()
             for host in APP_HOSTS for name in app.running(host)]  # fmt: skip
    assert len(found) == len(APP_HOSTS) * len(dict(found))
    return dict(found)


def test_an_error_in_a_canary_is_found_under_its_release_and_its_arm(app, project):
    """One story, since each step is the next one's beginning."""
    old, new = app.versions
    stumble(app, old)
    stumble(app, new, preview=True)
    assert told(project, 4) == on_each_host((old, "live"), (new, "none"))

    app.must("canary", "--version", new, "--percent", "50")
    stumble(app, old, new)
    stumble(app, new, preview=True)
    assert told(project, 6) == on_each_host((old, "live"), (new, "canary"), (new, "canary"))
    assert arms_of_workers(app) == {old: "live", new: "canary"}

    app.must("canary", "--percent", "0")
    stumble(app, new, preview=True)
    assert told(project, 2) == on_each_host((new, "none"))

    app.must("canary", "--version", new, "--percent", "50")
    app.must("promote", "--version", new)
    stumble(app, new)
    stumble(app, old, preview=True)
    assert told(project, 4) == on_each_host((new, "live"), (old, "none"))
    assert arms_of_workers(app) == {new: "live"}

    app.must("rollback")
    stumble(app, old)
    assert told(project, 2) == on_each_host((old, "live"))


def test_a_promote_is_a_release_in_the_project_of_the_apps_name(app, project):
    said = app.must("promote", "--version", app.versions[1])
    assert "was not told" not in said
    assert app.versions[1] in project.releases()
