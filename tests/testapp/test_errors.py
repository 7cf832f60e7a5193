"""Errors of the test app as an error tracker gets them, and as visitors do: they never wait for it."""

import json
import os
import signal
import socket
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from ..run.notify.server import Server, listening
from .test_gunicorn import TESTAPP, VERSION, Client, await_health, start


@contextmanager
def reporting(folder: Path, dsn: str, **env: str) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """The app's server, told of an error tracker."""
    path = folder / "web.sock"
    server = start(path, SENTRY_DSN=dsn, DEPL_ARM_FILE=str(folder / "arm"), **env)
    try:
        await_health(path)
        yield path, server
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
        server.communicate()


@pytest.fixture
def tracker() -> Iterator[tuple[Server, "Queue[Any]"]]:
    """An error tracker and the events that it got."""
    events: Queue[Any] = Queue()

    def take(server: Server) -> tuple[int, object]:
        told = server.told[-1]
        body = zlib.decompress(told.body, 47) if told.headers.get("content-encoding") == "gzip" else told.body
        _, item, event, *_ = body.splitlines()
        assert json.loads(item)["type"] == "event"
        events.put(json.loads(event))
        return 200, {}

    with listening() as server:
        server.answers["POST", "/api/1/envelope/"] = take
        yield server, events


def dsn(server: Server) -> str:
    return f"{server.url.replace('//', '//k3y@')}/1"


def stumble(path: Path) -> int:
    with closing(Client(path)) as client:
        client.request("GET", "/raise", headers={"Cookie": "depl_app1=wh0", "Authorization": "Bearer s3cret"})
        return client.getresponse().status


def test_an_error_says_its_release_its_environment_and_the_arm_of_that_moment(tmp_path, tracker):
    server, events = tracker
    with reporting(tmp_path, dsn(server), SENTRY_RELEASE=VERSION, SENTRY_ENVIRONMENT="production") as (path, _):
        arms = []
        for arm in ("", "canary\n", "live\n"):
            if arm:
                (tmp_path / "arm").write_text(arm)
            assert stumble(path) == 500
            event = events.get(timeout=20)
            assert (event["release"], event["environment"]) == (VERSION, "production")
            assert event["exception"]["values"][-1]["value"] == "Raised on demand"
            arms.append(event["tags"]["arm"])
    assert arms == ["none", "canary", "live"]


def test_nothing_of_who_asked_is_told(tmp_path, tracker):
    server, events = tracker
    with reporting(tmp_path, dsn(server)) as (path, _):
        stumble(path)
        told = json.dumps(events.get(timeout=20))
    assert "wh0" not in told
    assert "s3cret" not in told


def test_an_error_just_before_the_end_is_told(tmp_path, tracker):
    server, events = tracker
    with reporting(tmp_path, dsn(server)) as (path, process):
        stumble(path)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    assert events.get(timeout=20)["exception"]


@pytest.mark.parametrize("state", ["nobody there", "never answers"])
def test_neither_requests_nor_the_end_wait_for_a_dead_tracker(tmp_path, state):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        if state == "nobody there":
            silent.close()
        with reporting(tmp_path, f"http://k3y@127.0.0.1:{port}/1") as (path, process):
            assert [stumble(path) for _ in range(20)] == [500] * 20
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0


def test_without_an_address_nothing_of_the_sdk_is_loaded():
    said = "import sys, testapp.wsgi; print('sentry_sdk' in sys.modules)"
    env = {**os.environ, "SENTRY_DSN": "", "DEPL_VERSION": VERSION}
    done = subprocess.run([sys.executable, "-c", said], cwd=TESTAPP, env=env, capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
