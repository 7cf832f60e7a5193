"""The gate of conf/apps: what is refused names the file, the key and what is expected."""

import copy
from dataclasses import fields, replace

import pytest
import yaml

from tasks.errors import BadConfig, BadInput
from tasks.model.app import Migration
from tasks.model.rollout import Rules
from tasks.run import apps
from tasks.run.settings import PROJECT

from ..plan.world import ENVIRONMENT, TARGET

COMMENTED = yaml.safe_load((PROJECT / "conf/apps/app1.yml").read_text())


def job(schedule, **more):
    return {"command": ["x"], "schedule": schedule, **more}


def with_change(path, value):
    data = copy.deepcopy(COMMENTED)
    *folders, last = path.split(".")
    place = data
    for folder in folders:
        place = place[folder]
    place[last] = value
    return data


def with_package(**source):
    return {**COMMENTED, "source": source}


def test_the_commented_example_is_an_app_and_shows_every_key():
    app = apps.load("app1")
    assert app.web.command[0] == "python3"
    shown = set(COMMENTED)
    assert shown == {"source", "base", "packages", "wheels", "components", "health", "http", "environment",
                     "services", "smoke", "canary", "goals"}  # fmt: skip
    assert app.canary == Rules(), "the example shows the defaults"


def test_what_the_example_shows_as_a_comment_are_all_keys_with_their_defaults():
    block = (PROJECT / "conf/apps/app1.yml").read_text().partition("\n# migrate:\n")[2].partition("\n\n")[0]
    shown = yaml.safe_load("\n".join(line.removeprefix("#") for line in block.splitlines()))
    assert shown.keys() == {one.name for one in fields(Migration)}
    migrate = apps.parse("app1", with_change("migrate", shown), "x").migrate
    assert migrate == Migration(migrate.command)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("helth", {}, "app1.yml: helth: unknown key; known here: base, canary, components"),
        ("health.timeot", 3, "health.timeot: unknown key; known here: path, timeout"),
        ("health.timeout", "3", "health.timeout: expected a whole number, got '3'"),
        ("health.timeout", True, "health.timeout: expected a whole number"),
        ("health.timeout", 0, "health.timeout: expected 1 to 600 seconds"),
        ("health.path", "healthz; return 200", "health.path: expected a path"),
        ("components", {}, "components: there is no 'web'"),
        ("components.web", 3, "components.web: expected keys and values"),
        ("components.web.command", "gunicorn", "components.web.command: expected a list of texts"),
        ("components.web.command", [], "components.web.command: is empty"),
        ("components.web.memory", "lots", "components.web.memory: expected a size"),
        ("components.web.number", 2, "components.web.number: web is one container"),
        ("components.worker", {"command": ["x"], "number": 33}, "components.worker.number: expected 1 to 32"),
        ("components.worker", {"number": 2}, "components.worker.command: "),
        (
            "components",
            {"web.1": {"command": ["x"]}, **COMMENTED["components"]},
            r"components.web.1: a component's name",
        ),
        ("components.web.schedule", "* * * * *", "components.web.schedule: web runs always"),
        ("components.x", job("*/5 * * *"), r"components.x.schedule: expected five fields such as '\*/5"),
        ("components.x", job(""), "components.x.schedule: expected five fields"),
        ("components.x", job("0 * * * * *"), "components.x.schedule: expected five fields"),
        ("components.x", job("* * *\n* *"), "components.x.schedule: expected five fields"),
        ("components.x", job("61 * * * *"), "components.x.schedule: '61.*' is no cron line: bad minute"),
        ("components.x", job("0 0 31 2 *"), "components.x.schedule: '0 0 31 2 .*' is no cron line: bad day-of-month"),
        ("components.x", job("0 0 */31 2 MON#5"), "components.x.schedule: .* never comes true"),
        ("components.x", job(5), "components.x.schedule: expected text"),
        ("components.x", job("* * * * *", number=2), "components.x.number: a job is one container"),
        ("components.x", {"command": ["x"], "once": True}, "components.x.once: is for components with a schedule"),
        ("components.x", job("* * * * *", once="yes"), "components.x.once: expected true or false"),
        ("components.web.stop_signal", "KILL", "components.web.stop_signal: expected one of SIGTERM"),
        ("components.web.pids", 1, "components.web.pids: expected 2 to 32768"),
        ("base", "alpine", "base: expected slim or debian"),
        ("packages.run", ["libpq5; rm -rf /"], "packages.run: .* is no Debian package"),
        ("packages.stub", ["../x"], "packages.stub: .* is no library"),
        ("wheels.cpu", "x86 -fplugin=x", "wheels.cpu: .* is no value of -march"),
        ("wheels.optimise", "-Ofast", "wheels.optimise: expected one of -O0"),
        ("wheels.timeout", 0, "wheels.timeout: expected 1 to 86400 seconds"),
        ("wheels.timeout", "1h", "wheels.timeout: expected a whole number"),
        ("wheels.compile", ["-e ."], "wheels.compile: .* is no requirement's name"),
        ("source.path", "../elsewhere", "source.path: expected a path inside the source"),
        ("http.max_body", "20m; }", "http.max_body: expected a size"),
        ("environment", {"A B": "x"}, "environment: 'A B' is no name of a variable"),
        ("environment", {"A": "x\ny"}, "environment.A: a value is one line"),
        ("environment", {"DEPL_VERSION": "x"}, "DEPL_… is set by depl itself"),
        ("environment", {"A": 1}, "environment.A: expected text, got a number"),
        ("services", {"Da ta": {"kind": "redis"}}, "services.Da ta: a service's name has 1 to 30"),
        ("services", {"queue": {}}, "services.queue.kind: is missing"),
        ("services", {"queue": "redis"}, "services.queue: expected keys and values"),
        (
            "services",
            {"queue": {"kind": "mysql"}},
            "services.queue.kind: expected one of postgresql, redis, groonga, other, got 'mysql'",
        ),
        (
            "services",
            {"queue": {"kind": "redis", "host": "app1"}},
            "services.queue.host: unknown key; known here: kind",
        ),
        ("services", {"queue": {"kind": "redis", "variables": {"A B": "url"}}}, "queue.variables: 'A B' is no name of"),
        ("services", {"queue": {"kind": "redis", "variables": {"DEPL_X": "url"}}}, "queue.variables.DEPL_X: DEPL_"),
        ("migrate", "python3", "migrate: expected keys and values"),
        ("migrate", {}, "migrate.command: is missing"),
        ("migrate", {"command": []}, "migrate.command: is empty"),
        ("migrate", {"command": "x"}, "migrate.command: expected a list of texts"),
        ("migrate", {"command": ["x"], "timeout": 0}, "migrate.timeout: expected 1 to 86400 seconds"),
        ("migrate", {"command": ["x"], "timeout": "1h"}, "migrate.timeout: expected a whole number"),
        ("migrate", {"command": ["x"], "memory": "lots"}, "migrate.memory: expected a size"),
        ("migrate", {"command": ["x"], "pids": 1}, "migrate.pids: expected 2 to 32768"),
        ("migrate", {"command": ["x"], "number": 2}, "migrate.number: unknown key"),
        ("smoke", "/login", "smoke: expected a list of texts"),
        ("smoke", ["login"], "smoke: 'login' is no path such as /login"),
        ("smoke", ["/a b"], "smoke: '/a b' is no path"),
        ("components.worker", {"command": ["x"], "canary": "yes"}, "components.worker.canary: expected true or false"),
        ("components.x", job("* * * * *", canary=True), "components.x.canary: a job runs for what is live alone"),
        ("canary.alpha", 0.5, "canary.alpha: expected 0.0001 to 0.2"),
        ("canary.alpha", "0.05", "canary.alpha: expected a number, got '0.05'"),
        ("canary.alpha", True, "canary.alpha: expected a number"),
        ("canary.alpha", float("nan"), "canary.alpha: expected a number"),
        ("canary.tolerated.failing", 1, "canary.tolerated.failing: expected more than 1"),
        ("canary.tolerated.slow", 0.9, "canary.tolerated.slow: expected more than 1"),
        ("canary.negligible", -1, "canary.negligible: expected 0 to 100 per cent"),
        ("canary.minimum_users", 0, "canary.minimum_users: expected 1 to"),
        ("canary.every", 0, "canary.every: expected 1 to 3600 seconds"),
        ("canary.patience", 5, "canary.patience: expected `every` to"),
        ("canary.settle", -1, "canary.settle: expected 0 seconds to `patience`"),
        ("canary.settle", 86401, "canary.settle: expected 0 seconds to `patience`"),
        ("canary.before", 0, "canary.before: expected 1 to 86400 seconds"),
        ("canary.on_fail", "panic", "canary.on_fail: expected abort or hold, got 'panic'"),
        ("goals", {"Bought!": {"path": "/x"}}, "goals.Bought!: a goal's name"),
        ("goals", {"bought": {}}, "goals.bought: says nothing"),
        ("goals", {"bought": {"path": "x"}}, "goals.bought.path: expected a path"),
        ("goals", {"bought": {"path": "/*/x"}}, r"goals.bought.path: a \* stands at the end only"),
        ("goals", {"bought": {"method": "post"}}, "goals.bought.method: expected a method such as POST"),
        ("goals", {"bought": {"status": 700}}, "goals.bought.status: expected 100 to 599"),
        ("goals", {"bought": {"header": "a\nb"}}, "goals.bought.header: expected a short line"),
        ("goals", {"bought": {"url": "/x"}}, "goals.bought.url: unknown key; known here: header, method"),
    ],
)
def test_what_is_wrong_is_named(path, value, message):
    with pytest.raises(BadConfig, match=message) as refused:
        apps.parse("app1", with_change(path, value), "conf/apps/app1.yml")
    assert str(refused.value).startswith("conf/apps/app1.yml")
    assert len(str(refused.value).splitlines()) <= 3


def test_a_missing_command_is_named():
    data = copy.deepcopy(COMMENTED)
    del data["components"]["web"]["command"]
    with pytest.raises(BadConfig, match=r"components\.web\.command: is missing"):
        apps.parse("app1", data, "conf/apps/app1.yml")


@pytest.mark.parametrize("data", [None, [], "text", 3])
def test_a_file_that_is_no_description_is_refused(data):
    with pytest.raises(BadConfig):
        apps.parse("app1", data, "conf/apps/app1.yml")


@pytest.mark.parametrize("name", ["nope", "../app1", "app1\n", "", "$(id)"])
def test_an_unknown_app_is_refused_with_those_that_are_known(name):
    with pytest.raises(BadInput, match="app1"):
        apps.choose(name, ENVIRONMENT)


def test_the_only_app_of_an_environment_needs_no_name():
    assert len(apps.names()) > 1
    assert apps.choose(None, ENVIRONMENT) == "app1"
    assert apps.choose("prefect", ENVIRONMENT) == "prefect"


def test_where_an_environment_has_several_apps_they_are_named():
    several = replace(ENVIRONMENT, apps={"app2": TARGET.placement, **ENVIRONMENT.apps})
    with pytest.raises(BadInput, match="Which app. vagrant places: app1, app2"):
        apps.choose(None, several)


def test_an_app_that_is_placed_and_not_described_is_refused():
    with pytest.raises(BadInput, match="'app2' is no app"):
        apps.choose(None, replace(ENVIRONMENT, apps={"app2": TARGET.placement}))


@pytest.mark.parametrize("name", apps.names())
def test_every_example_is_an_app(name):
    assert apps.load(name).name == name


def test_the_code_may_lie_at_the_top_of_a_repository():
    assert apps.parse("app1", with_change("source.path", "."), "x").source.path == "."
    assert apps.parse("app1", {**COMMENTED, "source": {}}, "x").source.path == "."


@pytest.mark.parametrize("pin", ["x==1", "zope.interface==7.0.1", "a_b[c,d-e]==1!2.0rc1+x_64"])
def test_a_package_is_named_to_the_last_digit(pin):
    package = apps.parse("app1", with_package(package=pin, requirements=[pin]), "x").source
    assert (package.package, package.requirements) == (pin, (pin,))


@pytest.mark.parametrize(
    "loose", ["x", "x>=1", "x==1.*", "x==", "x ==1", "x==1; python_version>'3'", "x==1\n", "x @ https://a/b", "-r x==1"]
)
def test_a_package_without_an_exact_version_is_refused(loose):
    for source in {"package": loose}, {"package": "x==1", "requirements": [loose]}:
        with pytest.raises(BadConfig, match="expected an exact version such as x==1.2.3"):
            apps.parse("app1", with_package(**source), "x")


@pytest.mark.parametrize("beside", [{"path": "testapp"}, {"repository": "/srv/x"}])
def test_a_package_has_no_folder_beside_it(beside):
    with pytest.raises(BadConfig, match="source: has a package: `path` and `repository` are for code from git"):
        apps.parse("app1", with_package(package="x==1", **beside), "x")


@pytest.mark.parametrize("wish", ["url", "x+{user}:{password}@/{name}?host={host}", "{socket}"])
def test_a_variable_may_be_given_a_part_of_the_way_or_a_text_with_parts(wish):
    services = {"database": {"kind": "postgresql", "variables": {"A": wish}}}
    assert apps.parse("app1", with_change("services", services), "x").services["database"].variables == {"A": wish}


@pytest.mark.parametrize("wish", ["", "URL", "plain text", "{}", "{url!r}", "{secret}", "{url}{url.x}"])
def test_a_variable_that_asks_for_no_part_is_refused(wish):
    services = {"database": {"kind": "postgresql", "variables": {"A": wish}}}
    with pytest.raises(BadConfig, match=r"services.database.variables.A: expected one of url, .* or a text with some"):
        apps.parse("app1", with_change("services", services), "x")


def test_requirements_stand_where_they_belong():
    with pytest.raises(BadConfig, match=r"source.requirements: is for a package"):
        apps.parse("app1", with_change("source.requirements", ["x==1"]), "x")
    data = with_package(package="x==1") | {"wheels": {"requirements": "other.txt"}}
    with pytest.raises(BadConfig, match=r"source.requirements: a package's requirements are a list here"):
        apps.parse("app1", data, "x")


@pytest.mark.parametrize("text", ["environment: {A: [s3cret", "environment:\n  A: s3cret: x", "A: 's3cret\n\tb: @c"])
def test_a_broken_file_is_told_by_its_line_and_not_by_what_stands_there(tmp_path, monkeypatch, text):
    monkeypatch.setattr(apps, "PROJECT", tmp_path)
    (tmp_path / "app1.yml").write_text(text)
    with pytest.raises(BadConfig, match=r"app1.yml: line \d: ") as refused:
        apps.yaml_of(tmp_path / "app1.yml")
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("components:\n  job: {command: [a]}\n  job: {}\n", "components.job: stands twice, again in line 3"),
        ("health: {path: /a}\nhealth: {path: /b}\n", "health: stands twice, again in line 2"),
        ("services:\n  queue: {kind: redis,\n    kind: other}\n", "services.queue.kind: stands twice, again in line 3"),
    ],
)  # fmt: skip
def test_what_stands_twice_is_refused_since_yaml_would_lose_the_first(tmp_path, monkeypatch, text, place):
    monkeypatch.setattr(apps, "PROJECT", tmp_path)
    (tmp_path / "app1.yml").write_text(text)
    with pytest.raises(BadConfig, match=f"app1.yml: {place}"):
        apps.yaml_of(tmp_path / "app1.yml")
