"""The company's own services on the host infra: Zabbix and Bugsink, as people and hosts use them."""

import json
import re
import shutil
import subprocess
import time
import uuid

import pytest

from tasks.run import secrets

from ..browser import browser
from ..integration.conftest import PROJECT, inventory, wait_until
from . import api
from .api import BUGSINK, ZABBIX, Api, variable
from .conftest import destroy

pytestmark = pytest.mark.integration

DATABASES = ("bugsink-database", "zabbix-database")
PAGE = "infra.foo"
IN_BROWSERS = "zabbix.infra.localhost"  # which open a name below foo by TLS alone


def status(infra):
    told = infra.must("infra.status", "--json", environment="DEPL_ENVIRONMENT=vagrant")
    return {row["service"]: row for row in json.loads(told)["services"]}


def dsn(infra, app="app1"):
    return json.loads(infra.must("infra.apps", "--json"))[app]["dsn"]


def report(infra, message):
    """Send an error by the address that depl was told."""
    api.report(infra, dsn(infra), "ValueError", message, "2026.11.22.12.05")


def issues(infra):
    token = variable(infra, "bugsink", "API_TOKEN")
    project = dsn(infra).rpartition("/")[2]
    where = f"/api/canonical/0/issues/?project={project}"
    found = infra.get(BUGSINK, where, "infra", headers={"Authorization": f"Bearer {token}"}).json()
    return json.dumps(found["results"])


def test_a_second_setup_changes_nothing(infra):
    done = subprocess.run(["make", "setup_infra"], cwd=PROJECT, capture_output=True, text=True, check=True)
    recap = re.findall(r"^(\w+) +: ok=\d+ +changed=(\d+) .* failed=(\d+)", done.stdout, re.MULTILINE)
    assert recap == [(host, "0", "0") for host in ("app1", "app2", "deploy", "infra")]


def test_services_are_told_and_a_second_up_does_nothing(infra):
    assert {name: row["health"] for name, row in status(infra).items()} == dict.fromkeys(
        ("bugsink", "zabbix", *DATABASES), "ok"
    )
    assert "Nothing to do" in infra.must("infra.up")
    assert "Nothing to do: all apps are known." in infra.must("infra.apps")


def test_the_page_shows_all_services_with_version_and_health(infra):
    text = infra.get(PAGE, host="infra").text
    for shown in ("Zabbix) 6.0", ">2.6.", "PostgreSQL) 15", f"http://{ZABBIX}", f"http://{BUGSINK}", "are healthy"):
        assert shown in text


def test_nobody_reaches_them_but_by_nginx(infra):
    listening = infra.on("infra", "sudo ss -Hltn")
    found = {line.split()[3] for line in listening.splitlines()}
    reached = {one.rpartition(":")[2] for one in found if not one.startswith(("127.", "[::1]"))}
    assert reached - {"22", "80", "443", "10050"} == {"10051"}  # Zabbix's own, for values that are sent


def test_an_error_is_found_and_survives_the_destruction_of_its_data(infra):
    word = f"planted-{uuid.uuid4().hex[:8]}"
    report(infra, word)
    wait_until(lambda: word in issues(infra), 30)
    infra.must("infra.backup", "--service", "bugsink")
    destroy(infra, "bugsink-database")
    wait_until(lambda: status(infra)["bugsink-database"]["health"] != "ok", 30)
    infra.must("infra.restore", "bugsink")
    wait_until(lambda: word in issues(infra), 60)
    report(infra, f"{word}-again")
    wait_until(lambda: f"{word}-again" in issues(infra), 30)


def test_zabbix_survives_the_destruction_of_its_data(infra):
    before = {one["name"] for one in Api(infra).ask("dashboard.get", output=["name"])}
    assert "depl: app1 in vagrant" in before
    infra.must("infra.backup", "--service", "zabbix")
    destroy(infra, "zabbix-database")
    wait_until(lambda: status(infra)["zabbix-database"]["health"] != "ok", 30)
    infra.must("infra.restore", "zabbix")
    wait_until(lambda: status(infra)["zabbix"]["health"] == "ok", 90)
    assert {one["name"] for one in Api(infra).ask("dashboard.get", output=["name"])} == before
    assert "Nothing to do: all apps are known." in infra.must("infra.apps")


def test_hosts_tell_zabbix_their_figures(infra):
    def told():
        (one,) = Api(infra).ask("item.get", host="deploy", filter={"key_": "vfs.fs.size[/,pused]"}, output="extend")
        return int(one["lastclock"]) > time.time() - 180 and 0 < float(one["lastvalue"]) < 100

    wait_until(told, 180)


def test_an_apps_dashboard_is_shown_in_a_browser(infra, two, tmp_path):
    if not shutil.which("chromium"):
        pytest.fail("There is no browser. Install it: conf/sandbox/browser")
    infra.must("promote", "--version", two[1])
    said = f"app1 {two[1]} is live in vagrant, after {two[0]}"
    (found,) = Api(infra).ask("dashboard.get", filter={"name": "depl: app1 in vagrant"}, output=["dashboardid"])
    address, port = infra.address("infra")
    password = variable(infra, "zabbix", "PASSWORD")
    with browser("chromium", "--no-proxy-server", f"--host-resolver-rules=MAP {IN_BROWSERS} {address}:{port}") as tab:
        tab.open(f"http://{IN_BROWSERS}/", 1400)
        tab.run(f"document.querySelector('#name').value = 'Admin';"
                f"document.querySelector('#password').value = {json.dumps(password)};"
                f"document.querySelector('#enter').click()")  # fmt: skip
        tab.await_event("Page.loadEventFired")
        tab.open(
            f"http://{IN_BROWSERS}/zabbix.php?action=dashboard.view&dashboardid={found['dashboardid']}",
            1400,
            height=2600,
        )
        drawn = "[...document.querySelectorAll('.dashboard-grid-widget-head h4, .dashboard-grid-widget-header h4')]"
        wait_until(lambda: "Errors per version, %" in str(tab.run(f"{drawn}.map(one => one.textContent).join()")), 60)
        wait_until(
            lambda: tab.run("document.querySelectorAll('svg.svg-graph-widget, .svg-graph svg, svg').length") > 3, 60
        )
        wait_until(lambda: said in str(tab.run("document.body.innerText")), 90)
        wait_until(lambda: not tab.run("document.querySelectorAll('.is-loading').length"), 60)
        picture = tab.picture()
    (tmp_path / "zabbix.png").write_bytes(picture)
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 20_000


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("socket: web.sock\n      publish", "publish", "depl_infra.services.zabbix.port: say port or socket"),
        (
            "[zabbix.infra.foo,",
            f"[{BUGSINK},",
            f"depl_infra.services.zabbix.domains: {BUGSINK} is bugsink's",
        ),
        ("      needs:\n        zabbix-database:", "      environment:\n        zabbix:", "zabbix.environment"),
    ],
)
def test_what_can_not_be_is_named_with_its_path(infra, old, new, said):
    def edit(_, text):
        return text.replace(old, new)

    with inventory("infra-broken", edit) as environment:
        ended = infra.inv("infra.up", environment=environment)
    assert ended.code == 1
    assert said in ended.text
    assert "Traceback" not in ended.text


def test_a_wrong_password_is_named(infra):
    with inventory("infra-password", lambda _, text: text) as environment:
        recipients = secrets.read("infra-password").recipients
        secrets.update("infra-password", recipients, {"services.zabbix.password": "not-the-one-that-it-has"})
        ended = infra.inv("infra.apps", environment=environment)
    assert ended.code == 1
    assert f"Zabbix at http://{ZABBIX}" in ended.text
    assert "password" in ended.text
    assert "Traceback" not in ended.text


@pytest.mark.parametrize("lost", ["ansible_host: nowhere.invalid", "ansible_port: 1"])
def test_a_host_of_services_that_does_not_answer_is_named_and_deploys_go_on(infra, lost):
    def edit(name, text):
        return text.replace("        infra:\n", f"        infra: {{{lost}}}\n") if name == "hosts.yml" else text

    verbs = (["infra.status"], ["infra.up"], ["infra.backup"], ["infra.restore", "zabbix"], ["infra.logs", "zabbix"])
    with inventory("infra-lost", edit) as environment:
        for words in verbs:
            ended = infra.inv(*words, environment=environment)
            assert ended.code == 1, words
            assert "infra (" in ended.text, words
            assert "can't be reached" in ended.text, words
            assert "Traceback" not in ended.text, words
        infra.must("status", "--app", "app1", environment=environment)


def test_a_service_that_does_not_answer_is_named(infra):
    name = "service-zabbix-database"
    infra.on("infra", f"sudo supervisorctl stop {name}; sudo docker stop {name}")
    try:
        wait_until(lambda: status(infra)["zabbix"]["health"] != "ok", 60)
        assert "zabbix on infra" in infra.must("infra.status")
    finally:
        infra.on("infra", f"sudo supervisorctl start {name}")
    wait_until(lambda: status(infra)["zabbix"]["health"] == "ok", 90)
