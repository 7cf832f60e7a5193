"""Zabbix in the sandbox is told of real deploys, and of hosts that leave and come back."""

import json
import time
from contextlib import contextmanager

import pytest

from ..integration.conftest import APP_HOSTS, PROJECT, inventory, wait_until
from .api import Api

pytestmark = pytest.mark.integration

PLACES = [f"app1 on {host}" for host in APP_HOSTS]


@pytest.fixture
def zabbix(infra):
    if not (PROJECT / "conf/inventory/vagrant/told.yml").exists():
        pytest.fail("Nobody is told of deploys here. Have them told: make setup_infra")
    return Api(infra)


def a_new_second():
    """From when on all is of what comes now: Zabbix is asked in whole seconds."""
    began = int(time.time()) + 1
    time.sleep(began - time.time())
    return began


def told(zabbix, place, since):
    return [value for _, value in zabbix.values(place, "depl.deploys", since)]


def test_a_deploy_is_a_value_and_an_event_that_is_over_on_each_host(infra, two, zabbix):
    old, new = two
    began = a_new_second()
    infra.must("promote", "--version", new)
    infra.must("rollback")
    said = [f"app1 {new} is live in vagrant, after {old}", f"app1 {old} is live again in vagrant, after {new}"]
    for place in PLACES:
        wait_until(lambda place=place: len(told(zabbix, place, began)) >= 2, 30)
        wait_until(lambda place=place: [over for _, over in zabbix.events(place, began)] == [True, True], 30)
        sentences = told(zabbix, place, began)
        assert [one[: len(start)] for one, start in zip(sentences, said, strict=True)] == said
        assert [name for name, _ in zabbix.events(place, began)] == sentences
        assert zabbix.open_problems(place) == []


def test_a_canarys_steps_are_told_with_its_share(infra, two, zabbix):
    _, new = two
    began = a_new_second()
    infra.must("canary", "--version", new, "--percent", "10")
    infra.must("canary", "--version", new, "--percent", "0")
    for place in PLACES:
        wait_until(lambda place=place: len(told(zabbix, place, began)) >= 2, 30)
        assert [float(value) for _, value in zabbix.values(place, "depl.share", began)] == [10, 0]
        first, last = told(zabbix, place, began)
        assert first.startswith(f"app1 {new} has 10 % of the users in vagrant")
        assert last.startswith(f"app1 {new} has no users any more in vagrant")


def test_an_install_is_told(infra, builds, two, zabbix):
    began = a_new_second()
    infra.must("install", "--version", builds[2])
    for place in PLACES:
        wait_until(lambda place=place: told(zabbix, place, began), 30)
        (said,) = told(zabbix, place, began)
        assert said.startswith(f"app1 {builds[2]} is installed in vagrant")


def quiet(zabbix, place):
    """Whether Zabbix itself says that a host is in maintenance; it looks once a minute."""
    (found,) = zabbix.ask("host.get", filter={"host": place}, output=["maintenance_status"])
    return found["maintenance_status"] == "1"


def test_a_drained_host_raises_no_alarm_until_it_is_back(infra, two, zabbix):
    infra.must("hosts.drain", "app2", "--app", "app1")
    try:
        windows = {name: hosts for name, hosts in zabbix.windows().items() if name.startswith("depl: ")}
        assert windows["depl: app1 on app2"] == ["app1 on app2"]
        assert not {"depl: app1", "depl: app1 on app1"} & set(windows)
        infra.must("hosts.drain", "app2", "--app", "app1")
        assert windows.items() <= zabbix.windows().items()
        assert len(zabbix.ask("maintenance.get", filter={"name": "depl: app1 on app2"})) == 1
        wait_until(lambda: quiet(zabbix, "app1 on app2"), 90)
        assert not quiet(zabbix, "app1 on app1")
    finally:
        infra.must("hosts.add", "app2", "--app", "app1")
    assert not {"depl: app2", "depl: app1 on app2"} & set(zabbix.windows())


@contextmanager
def down(infra):
    """Zabbix, gone for a while."""
    name = "service-zabbix"
    infra.on("infra", f"sudo supervisorctl stop {name}; sudo docker stop {name}")
    try:
        yield
    finally:
        infra.on("infra", f"sudo supervisorctl start {name}")
        wait_until(lambda: "ok" in healths(infra), 120)


def healths(infra):
    rows = json.loads(infra.must("infra.status", "--json"))["services"]
    return [row["health"] for row in rows if row["service"] == "zabbix"]


def test_a_deploy_goes_on_without_zabbix_and_is_told_by_the_next_verb_at_its_own_time(infra, two, zabbix):
    old, new = two
    began = a_new_second()
    with down(infra):
        ended = infra.inv("promote", "--version", new)
        promoted = time.time()
        assert ended.code == 0, ended.text
        notes = [line for line in ended.text.splitlines() if "not told" in line]
        assert len(notes) == 1, ended.text
        assert notes[0].startswith(
            "Note: zabbix was not told: Zabbix's server at zabbix.infra.foo:10051 takes no values"
        )
        assert infra.live() == {new}
    assert "not told" not in infra.inv("rollback").text
    for place in PLACES:
        wait_until(lambda place=place: len(told(zabbix, place, began)) >= 2, 30)
        first, last = zabbix.values(place, "depl.deploys", began)
        assert first[1].startswith(f"app1 {new} is live in vagrant")
        assert first[0] <= promoted < last[0]
        assert last[1].startswith(f"app1 {old} is live again in vagrant")


def test_the_agents_of_app_hosts_say_that_the_live_release_answers(infra, two, zabbix):
    for place in PLACES:
        wait_until(
            lambda place=place: (
                "1" in [value for _, value in zabbix.values(place, "depl.answers[{$APP}]", time.time() - 180)]
            ),
            240,
        )


def test_what_left_the_inventory_leaves_zabbix(infra, zabbix):
    gone = ["board on app1", "board on app2"]
    path = PROJECT / "conf/inventory/vagrant/group_vars/all.yml"  # another inventory's hosts are not its own to remove
    whole, placed = path.read_text(), "  board:\n    domains: [board.foo, board.localhost]\n"
    assert placed in whole
    try:
        path.write_text(whole.replace(placed, "", 1))
        said = infra.must("infra.apps")
        assert f"Gone: {', '.join(gone)}, dashboard depl: board in vagrant." in said
        assert zabbix.ask("host.get", filter={"host": gone}) == []
        assert {one["name"] for one in zabbix.ask("dashboard.get", search={"name": "depl: "}, output=["name"])} == {
            "depl: app1 in vagrant"
        }
        assert len(zabbix.ask("host.get", filter={"host": PLACES})) == 2
    finally:
        path.write_text(whole)
        infra.must("infra.apps")
    assert len(zabbix.ask("host.get", filter={"host": gone})) == 2


def test_hosts_that_another_inventory_made_known_are_refused_and_stay(infra, zabbix):
    with inventory("infra-other", lambda _, text: text) as environment:
        ended = infra.inv("infra.apps", environment=environment)
    assert ended.code == 1
    assert "vagrant" in ended.text
    assert "Traceback" not in ended.text
    assert len(zabbix.ask("host.get", filter={"host": PLACES})) == 2
