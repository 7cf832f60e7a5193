"""What depl makes known in Zabbix and removes again, beside other inventories; and a session that ends badly."""

import socket
from contextlib import contextmanager

import pytest

from tasks.errors import Refused, Unreachable
from tasks.plan import dashboard
from tasks.plan.monitoring import OF_APPS, OF_HOSTS, Watched, app_on
from tasks.run.company import zabbix

from ..notify.server import listening

WRONG = {"code": -32500, "message": "Application error.", "data": "Incorrect user name or password."}


class Zabbix:
    """The API of Zabbix 6.0 as far as it is asked: hosts, groups and dashboards by their numbers."""

    def __init__(self, server):
        self.tables = {"host": {}, "hostgroup": {}, "dashboard": {}}
        self.fails, self.url = {}, server.url
        server.answers["POST", "/api_jsonrpc.php"] = self._answer

    def names(self, table):
        return sorted(one.get("host") or one["name"] for one in self.tables[table].values())

    def _answer(self, server):
        asked = server.told[-1].json
        method, params = asked["method"], asked["params"]
        if method in self.fails:
            return 200, {"jsonrpc": "2.0", "id": asked["id"], **self.fails[method]}
        known = {
            "apiinfo.version": "6.0.14", "user.login": "session", "user.logout": True, "configuration.import": True,
            "template.get": [{"name": one, "templateid": one} for one in (OF_APPS, OF_HOSTS)],
            "hostinterface.get": [{"interfaceid": "1"}], "hostinterface.update": True, "item.get": [],
            "maintenance.get": [],
        }  # fmt: skip
        result = known[method] if method in known else self._stored(*method.split("."), params)
        return 200, {"jsonrpc": "2.0", "result": result, "id": asked["id"]}

    def _stored(self, table, verb, params):
        rows = self.tables[table]
        if verb == "create":
            number = f"{table}-{len(rows)}-{params.get('host') or params['name']}"
            rows[number] = params
            return {f"{table.removeprefix('host')}ids": [number], "hostids": [number]}
        if verb == "update":
            rows[params[f"{table}id"]] |= params
            return True
        if verb == "delete":
            for number in params:
                del rows[number]
            return True
        wanted = params.get("filter", {})
        names, numbers = wanted.get("host") or wanted.get("name"), params.get("groupids")
        tags = [{"tag": one["tag"], "value": one["value"]} for one in params.get("tags", ())]
        return [self._row(table, number, one) for number, one in rows.items()
                if (names is None or (one.get("host") or one["name"]) in names)
                and (numbers is None or number in numbers) and all(tag in one["tags"] for tag in tags)]  # fmt: skip

    def _row(self, table, number, one):
        key = "groupid" if table == "hostgroup" else f"{table}id"
        row = {**one, key: number}
        if table == "host":
            row["groups"] = [{**of, "name": self.tables["hostgroup"][of["groupid"]]["name"]} for of in one["groups"]]
        if table == "hostgroup":
            inside = self.tables["host"].items()
            row["hosts"] = [{"hostid": host} for host, of in inside if {"groupid": number} in of["groups"]]
        return row


@pytest.fixture
def known():
    with listening() as server:
        yield Zabbix(server)


@contextmanager
def session(known, password="s3cret"):
    with zabbix.connected(known.url, password, key="services.zabbix.password") as api:
        yield api


def watch(known, whose, *hosts, app="app1"):
    """Make hosts known for an environment, with an app on each."""
    watched = [Watched(one, "10.0.0.1", OF_HOSTS) for one in hosts]
    watched += [Watched(app_on(app, one), "10.0.0.1", OF_APPS, app) for one in hosts]
    with session(known) as api:
        return zabbix.watch(api, watched, {app: hosts}, whose)


def forget(known, whose, *keep, apps=()):
    with session(known) as api:
        return zabbix.forget(api, keep, apps, whose)


def shown(known):
    """The hosts that charts of each dashboard show."""
    return {one["name"]: dashboard.shown(one["pages"]) for one in known.tables["dashboard"].values()}


# --- several inventories ---


def test_what_left_an_inventory_is_gone_with_its_dashboard(known):
    watch(known, "production", "web1")
    assert forget(known, "production", "web1") == ["app1 on web1", "dashboard depl: app1 in production"]
    assert known.names("host") == ["web1"]
    assert known.names("dashboard") == []
    assert known.names("hostgroup") == ["depl"]


def test_inventories_that_have_the_same_app_have_a_dashboard_of_it_each(known):
    assert "dashboard depl: app1 in production" in watch(known, "production", "web1")
    assert "dashboard depl: app1 in staging" in watch(known, "staging", "try1")
    assert known.names("dashboard") == ["depl: app1 in production", "depl: app1 in staging"]
    assert shown(known) == {"depl: app1 in production": {"app1 on web1", "web1"},
                            "depl: app1 in staging": {"app1 on try1", "try1"}}  # fmt: skip


def test_of_an_app_that_left_one_inventory_the_others_hosts_and_dashboard_stay(known):
    watch(known, "production", "web1")
    watch(known, "staging", "try1")
    assert forget(known, "production", "web1") == ["app1 on web1", "dashboard depl: app1 in production"]
    assert known.names("host") == ["app1 on try1", "try1", "web1"]
    assert known.names("dashboard") == ["depl: app1 in staging"]
    assert known.names("hostgroup") == ["depl", "depl/app1"]


def test_an_inventorys_problems_alone_are_on_its_dashboard(known):
    known.fails["item.get"] = {"result": [{"itemid": "41", "hosts": [{"hostid": "7", "host": "app1 on web1"}]}]}
    watch(known, "production", "web1")
    (page,) = next(iter(known.tables["dashboard"].values()))["pages"]
    (problems,) = [one for one in page["widgets"] if one["type"] == "problems"]
    assert {"type": 3, "name": "hostids", "value": "7"} in problems["fields"]


def test_a_host_of_another_inventory_is_not_taken_over(known):
    watch(known, "production", "web1")
    before = {number: dict(one) for number, one in known.tables["host"].items()}
    with pytest.raises(Refused) as refused:
        watch(known, "staging", "web1", app="shop")
    assert "Zabbix has web1 of the inventory production" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    assert known.tables["host"] == before
    assert known.names("hostgroup") == ["depl", "depl/app1"]


def test_a_host_that_people_made_and_one_of_the_inventory_itself_are_taken(known):
    watch(known, "production", "web1")
    for one in known.tables["host"].values():
        one["tags"] = [{"tag": "room", "value": "7"}]
    assert watch(known, "production", "web1") == []
    assert watch(known, "production", "web1") == []
    assert forget(known, "production") == ["app1 on web1", "web1", "dashboard depl: app1 in production"]


# --- dashboards of an earlier depl, which named no environment ---


def as_before(known, name):
    """Give a dashboard the name that it had before; its number."""
    ((number, found),) = [(number, one) for number, one in known.tables["dashboard"].items() if one["name"] == name]
    found["name"] = "depl: app1"
    return number


def test_a_dashboard_of_before_is_taken_over(known):
    watch(known, "production", "web1")
    number = as_before(known, "depl: app1 in production")
    assert watch(known, "production", "web1") == ["dashboard depl: app1 in production"]
    assert {number: "depl: app1 in production"} == {key: one["name"] for key, one in known.tables["dashboard"].items()}
    assert watch(known, "production", "web1") == []


def test_it_is_taken_over_from_hosts_that_leave_just_now_too(known):
    watch(known, "production", "web1")
    as_before(known, "depl: app1 in production")
    watch(known, "production", "web2")
    assert known.names("dashboard") == ["depl: app1 in production"]


def test_one_that_shows_another_inventorys_hosts_is_left_to_that(known):
    watch(known, "production", "web1")
    number = as_before(known, "depl: app1 in production")
    watch(known, "staging", "try1")
    assert known.names("dashboard") == ["depl: app1", "depl: app1 in staging"]
    watch(known, "production", "web1")
    assert known.names("dashboard") == ["depl: app1 in production", "depl: app1 in staging"]
    assert known.tables["dashboard"][number]["name"] == "depl: app1 in production"


def test_one_beside_its_successor_is_removed(known):
    watch(known, "production", "web1")
    as_before(known, "depl: app1 in production")
    known.tables["dashboard"]["12"] = {"name": "depl: app1 in production", "pages": []}
    assert watch(known, "production", "web1") == []
    assert list(known.tables["dashboard"]) == ["12"]


def test_one_of_an_app_that_left_the_inventory_is_gone(known):
    watch(known, "production", "web1")
    watch(known, "staging", "try1")
    as_before(known, "depl: app1 in production")
    assert forget(known, "production", "web1") == ["app1 on web1", "dashboard depl: app1"]
    assert known.names("dashboard") == ["depl: app1 in staging"]


def test_what_people_called_like_one_stays(known):
    known.tables["dashboard"]["12"] = {"name": "depl: app1", "pages": []}
    watch(known, "production", "web1")
    assert forget(known, "production") == ["app1 on web1", "web1", "dashboard depl: app1 in production"]
    assert known.names("dashboard") == ["depl: app1"]


# --- sessions ---


@pytest.mark.parametrize("answer", [{"error": WRONG}, {"result": []}, {}])
def test_what_was_read_is_kept_though_the_session_does_not_end(known, answer):
    known.fails["user.logout"] = answer
    with session(known) as api:
        found = api.host.get(output=["hostid"])
    assert found == []


def test_what_is_told_inside_a_session_is_told_though_that_does_not_end(known):
    known.fails["user.logout"] = {"error": WRONG}
    with pytest.raises(Refused, match="^not today$"), session(known):
        raise Refused("not today")


@pytest.mark.parametrize("answer", [{"result": [{}]}, {"result": 7}, {"result": [7]}, {"error": 7}, {"error": {}}])
@pytest.mark.parametrize("method", ["template.get", "host.get", "hostgroup.get", "item.get", "dashboard.get"])
def test_an_answer_of_another_form_is_told_in_words(known, method, answer):
    watch(known, "production", "web1")
    known.fails[method] = answer
    with pytest.raises(Unreachable, match=r"^Zabbix at http://.*\nIs it up\? inv infra\.status$"):
        watch(known, "production", "web1")


def test_a_refused_password_is_the_first_that_is_told_and_is_not_shown(known):
    known.fails["user.login"] = {"error": WRONG}
    with pytest.raises(Unreachable) as refused, session(known, "Planted-Secret"):
        pass
    first, second = str(refused.value).splitlines()
    assert first.startswith(f"Zabbix at {known.url} refuses user Admin with services.zabbix.password: ")
    assert "Incorrect user name or password" in first
    assert second == "Mend that: inv secrets.edit"
    assert "Planted-Secret" not in str(refused.value)


def test_a_password_that_nobody_set_is_named(known):
    with pytest.raises(Unreachable, match=r"nobody set services\.zabbix\.password"), session(known, ""):
        pass


def test_a_zabbix_that_is_not_there_is_named():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}", "http://zabbix.nowhere.invalid"):
        with pytest.raises(Unreachable) as refused, zabbix.connected(url, "x"):
            pass
        first, second = str(refused.value).splitlines()
        assert first.startswith(f"Zabbix at {url}: ")
        assert second == "Is it up? inv infra.status"


@pytest.mark.parametrize("answer", [(200, {"jsonrpc": "2.0"}), (200, None), (200, []), (200, {"result": []})])
def test_what_is_no_zabbix_is_named(answer):
    with listening() as server:
        server.answers["POST", "/api_jsonrpc.php"] = answer
        match = f"^Zabbix at {server.url}: "
        with pytest.raises(Unreachable, match=match) as refused, zabbix.connected(server.url, "x"):
            pass
    assert len(str(refused.value).splitlines()) == 2
