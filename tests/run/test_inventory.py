"""The gate of conf/inventory: Ansible's own answer, held to what depl knows."""

import copy
import subprocess
from dataclasses import fields, replace

import pytest
import yaml

from tasks.errors import BadConfig
from tasks.model.service import Service
from tasks.run import inventory
from tasks.run.settings import PROJECT

COMMON = {
    "depl_registry": "deploy:5000",
    "depl_apps": {"app1": {"domains": ["app1.foo"], "hosts": "appservers"}},
}
LISTING = {
    "_meta": {"hostvars": {"app1": {**COMMON, "ansible_host": "10.0.0.1", "ansible_port": 2222}, "app2": COMMON}},
    "all": {"children": ["ungrouped", "appservers", "everything"]},
    "appservers": {"hosts": ["app1", "app2"]},
    "everything": {"children": ["appservers"]},
}


def listing(**common):
    changed = copy.deepcopy(LISTING)
    for variables in changed["_meta"]["hostvars"].values():
        variables.update(common)
    return changed


def test_hosts_come_with_address_and_port_and_groups_with_their_children():
    found = inventory.parse("test", LISTING)
    assert [(host.name, host.address, host.port) for host in found.groups["appservers"]] == [
        ("app1", "10.0.0.1", 2222),
        ("app2", "app2", 22),
    ]
    assert found.groups["everything"] == found.groups["appservers"]


def test_balancers_are_a_group_that_may_be_missing():
    assert inventory.parse("test", LISTING).balancers == ()
    found = inventory.parse("test", {**LISTING, "balancers": {"hosts": ["b1"]}})
    assert [host.name for host in found.balancers] == ["b1"]


def test_a_balancer_holds_no_app():
    with pytest.raises(BadConfig, match=r"depl_apps\.app1\.hosts: app2 is a balancer"):
        inventory.parse("test", {**LISTING, "balancers": {"hosts": ["app2", "b1"]}})


def test_the_sandboxes_own_inventory_is_read_through_ansible():
    found = inventory.load("vagrant")
    assert [host.name for host in found.groups["appservers"]] == ["app1", "app2"]
    assert found.apps["app1"].domains[0] == "app1.foo"


@pytest.mark.parametrize(
    ("common", "message"),
    [
        ({"depl_slot": 8}, "depl_slot: unknown key; known: depl_registry"),
        ({"depl_slots": "8"}, "depl_slots: expected a whole number"),
        ({"depl_slots": 99}, "depl_slots: expected 4 to 10"),
        ({"depl_keep_installed": 7}, "depl_keep_installed: expected"),
        ({"depl_keep_built": 0}, "depl_keep_built: expected 1 to 10000"),
        ({"depl_registry": "x y"}, "depl_registry: expected host:port"),
        ({"depl_user": "root; id"}, "depl_user: .* is no user"),
        ({"depl_cache": "relative"}, "depl_cache: expected an absolute path"),
        ({"depl_apps": {"app1": {"domains": []}}}, r"depl_apps\.app1\.domains: is empty"),
        ({"depl_apps": {"app1": {"domains": ["a b"]}}}, r"depl_apps\.app1\.domains: 'a b' is no host name"),
        ({"depl_apps": {"app1": {"domains": ["a"], "hosts": "nope"}}}, "there is no group 'nope'"),
        ({"depl_apps": {"app1": {"domain": ["a"]}}}, r"depl_apps\.app1\.domain: unknown key|is missing"),
        ({"depl_apps": {"App 1": {"domains": ["a"]}}}, "an app's name has"),
        ({"depl_hsts": -1}, "depl_hsts: expected 0 to"),
        ({"depl_tls": {"a b": {"certificate": "/a", "key": "/b"}}}, r"depl_tls\.a b: expected a host name"),
        ({"depl_tls": {"*.*.foo": {"certificate": "/a", "key": "/b"}}}, "expected a host name, or a wildcard"),
        ({"depl_tls": {"a": {"certificate": "a.pem", "key": "/b"}}}, r"depl_tls\.a\.certificate: expected an absolute"),
        ({"depl_tls": {"a": {"certificate": "/a"}}}, r"depl_tls\.a\.key: is missing"),
        ({"depl_trusted_proxies": ["10.0.0.1/8"]}, "depl_trusted_proxies: '10.0.0.1/8' is no network"),
        ({"depl_preview_allow": {"networks": ["all"]}}, r"depl_preview_allow\.networks: 'all' is no network"),
        ({"depl_preview_allow": {"users": {"Ana": "long enough"}}}, r"depl_preview_allow\.users: a name has"),
        ({"depl_preview_allow": {"users": {"ana": "short"}}}, r"users\.ana: a password has 8 to 200"),
        ({"depl_clickhouse": {"url": "ftp://x"}}, r"depl_clickhouse\.url: expected http://host:port"),
        ({"depl_clickhouse": {"url": "file:///etc/passwd"}}, r"depl_clickhouse\.url: expected http://host:port"),
        ({"depl_clickhouse": {"table": "requests"}}, r"depl_clickhouse\.url: is missing"),
        ({"depl_clickhouse": {"url": "http://x", "table": "x; DROP TABLE x"}}, r"depl_clickhouse\.table: expected"),
        (
            {"depl_clickhouse": {"url": "http://x", "password": "a\r\nb"}},
            r"depl_clickhouse\.password: expected one line",
        ),
        ({"depl_names": {"-x": "app1"}}, "depl_names: '-x' is no host name"),
        ({"depl_names": {"a.foo:1": "app1"}}, "depl_names: 'a.foo:1' is no host name"),
        ({"depl_names": {"a.foo": "app9"}}, r"depl_names\.a\.foo: 'app9' is neither a host of the inventory nor an"),
        ({"depl_names": {"a.foo": "fe80::1%eth0"}}, r"depl_names\.a\.foo: 'fe80::1%eth0' is neither"),
        ({"depl_names": {"a.foo": ["app1"]}}, r"depl_names\.a\.foo: expected text, got a list"),
        ({"depl_names": ["a.foo"]}, "depl_names: expected keys and values"),
        ({"depl_default_app": "nope"}, "depl_default_app: depl_apps has no such app"),
        ({"ansible_host": "-oProxyCommand=id"}, "ansible_host: .* is no address"),
        ({"ansible_port": "22"}, "ansible_port: .* is no port"),
    ],
)
def test_what_is_wrong_is_named(common, message):
    with pytest.raises(BadConfig, match=message) as refused:
        inventory.parse("test", listing(**common))
    assert str(refused.value).startswith("conf/inventory/test")


@pytest.mark.parametrize(
    ("service", "message"),
    [
        ({"kind": "redis"}, "host: is missing"),
        ({"kind": "mysql"}, "kind: expected one of postgresql, redis, groonga, other, got 'mysql'"),
        ({"host": "db9"}, "host: there is no host 'db9' in a group of the inventory"),
        ({"hosts": "app1"}, "hosts: unknown key"),
        ({"memory": "lots"}, "memory: expected a size such as 256m"),
        ({"pids": 1}, "pids: expected 2 to 32768"),
        ({"grace": 0}, "grace: expected 1 to 600 seconds"),
        ({"port": 65536}, "port: expected 1 to 65535"),
        ({"keep_backups": 0}, "keep_backups: expected 1 to 1000"),
        ({"listen": "app1"}, "listen: 'app1' is no IP address"),
        ({"listen": "fe80::1%eth0"}, "listen: 'fe80::1%eth0' is no IP address"),
        ({"image": "--privileged"}, "image: '--privileged' is no image"),
        ({"settings": {"A B": "1"}}, "settings: 'A B' is no setting"),
        ({"settings": {"a": "x\ny"}}, "settings.a: a value is one line"),
        ({"settings": {"a": 5}}, "settings.a: expected text, got a number"),
        ({"kind": "groonga", "settings": {"a": "x"}}, "settings: groonga has none here"),
        ({"environment": {"A B": "x"}}, "environment: 'A B' is no name of a variable"),
        ({"command": ["x"]}, "command: is for services of kind 'other' only"),
        ({"data": "/x"}, "data: is for services of kind 'other' only"),
        ({"kind": "other", "port": 25}, "image: a service of kind 'other' needs one"),
        ({"kind": "other", "image": "x"}, "port: say port or socket, or nothing can reach it"),
        ({"kind": "other", "image": "x", "socket": "../x"}, "socket: expected a file's name"),
        ({"kind": "other", "image": "x", "port": 25, "data": "x"}, "data: expected an absolute path"),
        ({"kind": "other", "image": "x", "port": 25, "user": -1}, "user: expected a user's number"),
        ({"kind": "other", "image": "x", "port": 25, "stop_signal": "KILL"}, "stop_signal: expected one of SIGTERM"),
        (
            {"kind": "other", "image": "x", "port": 25, "settings": {"a": "b"}},
            "settings: a service of kind 'other' has",
        ),
        ({"kind": "other", "image": "x", "port": 25, "health": ["a\0"]}, "health: has characters that no command"),
        ({"kind": "other", "image": "x", "port": 25, "backup": "x"}, "backup: expected a list of texts"),
    ],
)
def test_what_is_wrong_with_a_service_is_named(service, message):
    whole = service if "host" in message and "missing" in message else {"kind": "postgresql", "host": "app1", **service}
    with pytest.raises(BadConfig) as refused:
        inventory.parse("test", listing(depl_services={"database": whole}))
    assert str(refused.value).startswith(f"conf/inventory/test: depl_services.database.{message}")


def test_a_services_name_is_one_that_a_folder_can_have():
    with pytest.raises(BadConfig, match=r"depl_services.../x: a service's name has 1 to 30"):
        inventory.parse("test", listing(depl_services={"../x": {"kind": "redis", "host": "app1"}}))


def test_the_example_shows_every_key_of_a_service_with_its_default():
    text = (PROJECT / "conf/inventory/production.example/group_vars/all.yml").read_text()
    block = text.partition("\n# depl_services:\n")[2].partition("\n\n")[0]
    shown = yaml.safe_load("\n".join(line.removeprefix("#") for line in block.splitlines()))
    assert {key for one in shown.values() for key in one} == {one.name for one in fields(Service)}
    common = {**COMMON, "depl_services": shown}
    found = inventory.parse("test", {"_meta": {"hostvars": {"app1.example.com": common}},
                                     "appservers": {"hosts": ["app1.example.com"]}}).services  # fmt: skip
    assert found["database"] == replace(Service("postgresql", "app1.example.com"), settings=found["database"].settings)
    mail = found["mail"]
    assert mail == Service("other", mail.host, image=mail.image, port=mail.port)


def test_a_default_app_is_one_that_is_placed():
    assert inventory.parse("test", listing(depl_default_app="app1")).default_app == "app1"


def test_a_value_that_differs_between_hosts_is_refused():
    changed = copy.deepcopy(LISTING)
    changed["_meta"]["hostvars"]["app2"] = {**COMMON, "depl_slots": 4}
    changed["_meta"]["hostvars"]["app1"]["depl_slots"] = 8
    with pytest.raises(BadConfig, match="app2 has another value"):
        inventory.parse("test", changed)


def test_an_empty_inventory_is_refused():
    with pytest.raises(BadConfig, match="there is no host in it"):
        inventory.parse("test", {"_meta": {"hostvars": {}}})


def test_a_file_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    folder = tmp_path / "conf" / "inventory" / "test"
    folder.mkdir(parents=True)
    (folder / "hosts.yml").symlink_to(tmp_path / ("x" * 300))
    (folder / "socket.yml").symlink_to("/proc/self/mem")
    monkeypatch.setattr(inventory, "PROJECT", tmp_path)
    with pytest.raises(BadConfig, match=r"conf/inventory/test: .* can't be read: "):
        inventory.load("test")


def test_an_inventory_that_ansible_does_not_come_to_an_end_with_is_named(tmp_path, monkeypatch):
    def hang(argv, *, timeout, **_):
        raise subprocess.TimeoutExpired(argv, timeout)

    (tmp_path / "conf" / "inventory" / "test").mkdir(parents=True)
    monkeypatch.setattr(inventory, "PROJECT", tmp_path)
    monkeypatch.setattr(inventory.subprocess, "run", hang)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(BadConfig, match=r"conf/inventory/test: ansible-inventory: no end after 60 s"):
        inventory.load("test")


@pytest.mark.parametrize(
    "environment",
    [
        {"PW": 5333333333},
        {"PW": ["s3cret"]},
        {"PW": {"__ansible_vault": "s3cret"}},
        {"PW": "s3cret\nx"},
        {"PW=s3cret": None},
        {"PW=s3cret": "x"},
        {"PW: s3cret": "x"},
        "PW=s3cret",
        ["PW=s3cret"],
    ],
)
def test_a_secret_in_the_wrong_form_is_not_in_the_message(environment):
    apps = {"app1": {"domains": ["a"], "environment": environment}}
    for common in ({"depl_apps": apps}, {"depl_preview_allow": {"users": environment}}):
        with pytest.raises(BadConfig, match=r"depl_apps.app1.environment|depl_preview_allow.users") as refused:
            inventory.parse("test", listing(**common))
        assert "s3cret" not in str(refused.value)
        assert "5333333333" not in str(refused.value)
