"""The way to a service, as each app wants it written."""

from urllib.parse import unquote, urlsplit

import pytest

from tasks.model.service import KINDS, PARTS, Service, Space, fill, password_of, way

DATABASE = Service(kind="postgresql", host="db")
FOLDER = "/run/services/x"


@pytest.mark.parametrize(("folder", "host"), [(None, "db.internal"), ("/run/depl/database", "/run/depl/database")])
def test_one_text_with_parts_leads_by_socket_and_by_tcp(folder, host):
    parts = way(DATABASE, "app1", "secret", folder, "db.internal")
    wish = "x://{user}:{password}@/{name}?host={host}&port={port}"
    assert fill(wish, parts) == f"x://app1:{parts['password']}@/app1?host={host}&port=5432"
    assert fill("url", parts) == parts["url"]


def test_braces_in_a_part_are_text():
    parts = way(Service(kind="other", host="db"), "app1", "a{user}b", None, "db.internal")
    assert fill("{password}", parts) == "a{user}b"


@pytest.mark.parametrize("kind", [*KINDS, "other"])
@pytest.mark.parametrize("folder", [None, FOLDER])
def test_every_way_has_all_parts_as_text(kind, folder):
    found = way(Service(kind, "db", socket="x.sock", port=7), "app1", "secret", folder, "db.internal")
    assert found.keys() == set(PARTS)
    assert all(isinstance(part, str) for part in found.values())
    assert not [part for part in found.values() if "{" in part]


@pytest.mark.parametrize("kind", KINDS)
def test_by_socket_no_host_is_asked_and_by_tcp_no_socket(kind):
    by_socket, by_tcp = (way(Service(kind, "db"), "app1", "secret", one, "db.internal") for one in (FOLDER, None))
    assert "db.internal" not in "".join(by_socket.values())
    assert FOLDER in unquote(by_socket["url"])
    assert (urlsplit(by_tcp["url"]).hostname, urlsplit(by_tcp["url"]).port) == ("db.internal", KINDS[kind].port)
    assert by_tcp["socket"] == ""


def test_each_app_has_a_password_of_its_own_that_tells_nothing_of_the_services():
    passwords = {password_of("secret", app) for app in ("app1", "app2")} | {password_of("other", "app1")}
    assert len(passwords) == 3
    assert all(len(one) == 40 and one.isalnum() and "secret" not in one for one in passwords)
    assert way(DATABASE, "app1", "secret", None, "h")["password"] == password_of("secret", "app1")


def test_another_database_changes_the_name_and_not_the_user():
    found = way(DATABASE, "app1", "secret", FOLDER, "h", Space("copy"))
    assert (found["user"], found["name"]) == ("app1", "copy")
    assert "@/copy?" in found["url"]


def test_another_port_counts_by_tcp_alone_since_sockets_are_named_after_their_own():
    other = Service("postgresql", "db", port=6543)
    assert way(other, "app1", "s", None, "h")["port"] == "6543"
    assert ":6543/" in way(other, "app1", "s", None, "h")["url"]
    assert way(other, "app1", "s", FOLDER, "h")["port"] == "5432"
    assert way(other, "app1", "s", FOLDER, "h")["socket"] == f"{FOLDER}/.s.PGSQL.5432"


@pytest.mark.parametrize("kind", [*KINDS, "other"])
def test_an_address_with_colons_stands_in_brackets_in_a_url_only(kind):
    found = way(Service(kind, "db", port=99), "app1", "s", None, "2001:db8::1")
    assert urlsplit(found["url"]).hostname == "2001:db8::1"
    assert urlsplit(found["url"]).port == 99
    assert found["host"] == "2001:db8::1"


def test_a_service_of_others_is_led_to_by_its_socket_or_its_port():
    with_socket = Service("other", "db", socket="mail.sock")
    assert way(with_socket, "app1", "pw", FOLDER, "h")["url"] == f"unix://{FOLDER}/mail.sock"
    assert way(Service("other", "db", port=25), "app1", "pw", None, "h")["url"] == "tcp://h:25"
    assert way(with_socket, "app1", "pw", FOLDER, "h")["password"] == "pw"


def test_settings_are_words_of_the_kinds_own_command_line():
    settings = {"work_mem": "8MB", "max_connections": "{9}"}
    assert Service("postgresql", "db", settings=settings).arguments == (
        "start", "-c", "max_connections={9}", "-c", "work_mem=8MB",
    )  # fmt: skip
    assert Service("redis", "db", settings={"maxmemory": "1 gb"}).arguments == ("start", "--maxmemory", "1 gb")
    assert Service("other", "db", command=("a", "b")).arguments == ("a", "b")
