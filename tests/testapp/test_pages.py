"""Test the app's pages, without a server."""

import hashlib
import time
from typing import Any

import pytest
from flask.testing import FlaskClient
from testapp.app import create_app
from testapp.settings import Settings

VERSION = "2026.11.22.12.05"


def client(**settings: Any) -> FlaskClient:
    return create_app(Settings(version=VERSION, **settings)).test_client()


@pytest.mark.parametrize(
    ("host", "greeting"),
    [
        ("app1.foo", "Hello from base domain\n"),
        ("app1.localhost:8080", "Hello from base domain\n"),
        ("foo.app1.foo", "Hello from foo\n"),
        ("FOO.app1.localhost:8080", "Hello from foo\n"),
        ("food.app1.foo", "Hello from base domain\n"),
    ],
)
def test_greeting_depends_on_the_host_name(host: str, greeting: str) -> None:
    assert client().get("/", headers={"Host": host}).text == greeting


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({}, 200),
        ({"unhealthy": True}, 503),
        ({"healthy_after": 3600.0}, 503),
        ({"healthy_after": 3600.0, "started": 0.0}, 200),
    ],
)
def test_health(settings: dict[str, object], status: int) -> None:
    assert client(**settings).get("/healthz").status_code == status


def test_version_names_the_release_and_the_process() -> None:
    answer = client(app="app1", commit="abc1234", hostname="box", started=0.25).get("/version")
    assert answer.json == {
        "version": VERSION,
        "app": "app1",
        "commit": "abc1234",
        "hostname": "box",
        "started": "1970-01-01T00:00:00.250+00:00",
        "pid": answer.json["pid"],
    }


@pytest.mark.parametrize("path", ["/", "/healthz", "/fail", "/no-such-page", "/slow?seconds=x"])
def test_every_answer_carries_the_version(path: str) -> None:
    assert client().get(path).headers["X-Version"] == VERSION


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/fail", 500),
        ("POST", "/fail?status=503", 503),
        ("GET", "/fail?status=200", 400),
        ("GET", "/slow?seconds=soon", 400),
        ("GET", "/slow?seconds=nan", 400),
        ("GET", "/slow?seconds=61", 400),
        ("GET", "/slow?seconds=-1", 400),
        ("GET", "/stream?chunks=0", 400),
        ("GET", "/stream?chunks=1.5", 400),
        ("GET", "/stream?interval=inf", 400),
        ("GET", "/events?chunks=1001", 400),
        ("POST", "/echo", 400),
        ("GET", "/echo", 405),
        ("GET", "/socket", 400),
        ("GET", "/no-such-page", 404),
    ],
)
def test_an_error_is_one_line(method: str, path: str, status: int) -> None:
    answer = client().open(path, method=method)
    assert answer.status_code == status
    assert answer.text.endswith("\n")
    assert answer.text.count("\n") == 1


def test_slow_sleeps_as_long_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("testapp.app.time.sleep", slept.append)
    assert client().get("/slow?seconds=7.5").text == "Slept 7.5 s\n"
    assert slept == [7.5]


def test_stream_pauses_between_its_chunks_only(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("testapp.app.time.sleep", slept.append)
    answer = client().get("/stream?chunks=3&interval=2")
    assert answer.text == "chunk 1 of 3\nchunk 2 of 3\nchunk 3 of 3\n"
    assert "Content-Length" not in answer.headers
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert slept == [2, 2]


def test_events_carry_the_version() -> None:
    answer = client().get("/events?chunks=2&interval=0")
    assert answer.mimetype == "text/event-stream"
    assert answer.text == f"id: 1\ndata: {VERSION}\n\nid: 2\ndata: {VERSION}\n\n"


@pytest.mark.parametrize("body", [b"{}", b'{"a": [1, 2.5, null]}', b'"' + b"x" * 1_000_000 + b'"'])
def test_echo_proves_that_the_body_arrived(body: bytes) -> None:
    answer = client().post("/echo", data=body)
    assert answer.json == {"sha256": hashlib.sha256(body).hexdigest(), "length": len(body)}


def test_seen_tells_who_asks() -> None:
    found = client().get("/seen", headers={"Host": "app1.foo", "X-Forwarded-Proto": "https"}).json
    assert found == {"Host": "app1.foo", "X-Forwarded-For": None, "X-Forwarded-Proto": "https", "Authorization": None}


def test_native_tells_which_builds_are_used() -> None:
    answer = client().get("/native").json
    # A developer's machine may use psycopg's ready-made wheel; an image must say "c".
    assert answer["psycopg"]["implementation"] in {"c", "binary"}
    assert answer["ujson"]["file"].endswith(".so")


def test_settings_come_from_the_environment() -> None:
    settings = Settings.from_env(
        {
            "DEPL_VERSION": VERSION,
            "DEPL_APP": "app1",
            "DEPL_COMMIT": "abc1234",
            "TESTAPP_UNHEALTHY": "1",
            "TESTAPP_HEALTHY_AFTER": "2.5",
        }
    )
    assert (settings.version, settings.app, settings.commit) == (VERSION, "app1", "abc1234")
    assert (settings.unhealthy, settings.healthy_after) == (True, 2.5)


def test_a_missing_setting_ends_the_app() -> None:
    with pytest.raises(KeyError, match="TESTAPP_REQUIRED_SETTING"):
        Settings.from_env({"TESTAPP_CRASH": "1"})


def as_users(count: int, method: str, page: str, **settings: Any) -> list[Any]:
    """What so many users get, one after the other."""
    browser = create_app(Settings(version=VERSION, **settings)).test_client(use_cookies=False)
    return [browser.open(page, method=method, headers={"Cookie": f"depl_app1={n:032x}"}) for n in range(count)]


def test_the_shop_fails_for_the_same_users_and_for_about_as_many_as_it_was_told() -> None:
    found = [answer.status_code for answer in as_users(400, "GET", "/shop", failing_users=0.2)]
    assert 40 <= found.count(500) <= 120
    assert found.count(500) + found.count(200) == 400
    assert [answer.status_code for answer in as_users(400, "GET", "/shop", failing_users=0.2)] == found


def test_who_buys_something_is_told_by_a_header() -> None:
    answers = as_users(100, "POST", "/buy", buyers=0.5)
    goals = [answer.headers.get("X-Depl-Goal") for answer in answers]
    assert 20 <= goals.count("bought") <= 80
    assert all((answer.text == "Bought\n") == (goal == "bought") for answer, goal in zip(answers, goals, strict=True))


def test_the_shop_is_slow_where_it_was_told_to_be() -> None:
    began = time.monotonic()
    assert client(slow_requests=1.0, slow_seconds=0.05).get("/shop").status_code == 200
    assert time.monotonic() - began >= 0.05
