"""The program that writes figures of apps for monitoring, over folders, links, logs and a socket as on a host."""

import json
import runpy
import socketserver
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

PROGRAM = Path(__file__).parents[1] / "templates" / "host" / "figures.py"
LIVE, CANARY = "2026.11.22.12.05", "2026.11.23.09.00"


class Host:
    """An app's files below a folder, as nginx and depl leave them on a host."""

    def __init__(self, folder):
        self.root, self.logs, self.out = folder / "depl", folder / "log", folder / "out"
        for one in (self.root / "app1" / "routes" / "1", self.logs, self.out):
            one.mkdir(parents=True)
        self.live = self.root / "app1" / "releases" / f"{LIVE}@0"
        (self.live / "run").mkdir(parents=True)
        (self.root / "app1" / "live").symlink_to("routes/1")

    def route(self, canary=0, control=0, table=None):
        """Route so many buckets to a canary and its control; `table` is what the table's description says instead."""
        routes = self.root / "app1" / "routes" / "1"
        arms = {"live": f"{LIVE}@0", "canary": f"{CANARY}@1" if canary else None, "control": f"{LIVE}@2"}
        (routes / "table.json").write_text(json.dumps(arms) if table is None else table)
        for bucket in range(1000):
            arm = "canary" if bucket < canary else "control" if bucket < canary + control else "live"
            (routes / f"{bucket:03}").symlink_to(f"../../releases/{arms[arm]}")

    def log(self, *lines, name="depl-app1.log"):
        text = "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in lines)
        (self.logs / name).write_text(text)

    def figures(self):
        argv = [sys.executable, "-I", str(PROGRAM), str(self.out), str(self.root), str(self.logs)]
        subprocess.run(argv, check=True, capture_output=True)
        return json.loads((self.out / "app1.json").read_text())


@pytest.fixture
def host():
    with TemporaryDirectory() as folder:  # a short path: a socket's has 107 characters
        yield Host(Path(folder))


def request(version=LIVE, status=200, took=0.1, ago=10.0, **more):
    return {"time": time.time() - ago, "version": version, "status": status, "request_time": took, **more}


@pytest.fixture
def answering(host):
    """Something that answers on the live release's socket, with the status that it is told."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(answering.status)
            self.end_headers()

        def log_message(self, *_):
            pass

    class Server(socketserver.ThreadingUnixStreamServer):
        def get_request(self):
            found, _ = super().get_request()
            return found, ("local", 0)

    with Server(str(host.live / "run" / "web.sock"), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        answering.status = 200
        yield answering
        server.shutdown()


def test_what_is_live_answers_or_does_not(host, answering):
    host.route()
    assert host.figures()["live"]["answers"] == 1
    answering.status = 503
    assert host.figures()["live"]["answers"] == 0


def test_a_live_release_without_a_socket_does_not_answer(host):
    host.route()
    found = host.figures()
    assert (found["live"]["version"], found["live"]["answers"]) == (LIVE, 0)


def test_the_canarys_share_is_that_of_the_buckets(host):
    host.route(canary=25)
    found = host.figures()
    assert (found["live"]["version"], found["canary_share"]) == (LIVE, 2.5)


@pytest.mark.parametrize("control", [0, 250])
def test_a_canary_that_most_users_have_is_not_taken_for_what_is_live(host, answering, control):
    host.route(canary=750, control=control)
    found = host.figures()
    assert found["live"] == found["live"] | {"version": LIVE, "answers": 1}
    assert found["canary_share"] == 75


def test_a_canarys_control_is_no_canary(host):
    host.route(canary=50, control=50)
    assert host.figures()["canary_share"] == 5


@pytest.mark.parametrize("torn", ["", '{"live": "20', "[]", "{}", '{"live": 5}'])
def test_without_a_description_what_most_users_have_is_live(host, answering, torn):
    host.route(canary=25, table=torn)
    found = host.figures()
    assert (found["live"]["version"], found["live"]["answers"], found["canary_share"]) == (LIVE, 1, 2.5)


@pytest.fixture(params=["UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "NZST-12NZDT,M9.5.0,M4.1.0/3"])
def zone(request, monkeypatch):
    """A host's zone, one without summer time and two with it, a half of the year each."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        ("2026-01-22T12:05:00.123456789Z", 1769083500),
        ("2026-07-22T12:05:00.123456789Z", 1784721900),
        ("0001-01-01T00:00:00Z", -62135596800),
        ("", 0),
    ],
)
def test_when_a_container_started_is_known_in_summer_and_winter_of_every_zone(zone, moment, seconds):
    assert runpy.run_path(str(PROGRAM))["seconds"](moment) == seconds


def test_errors_and_the_95th_percentile_are_counted_by_version(host):
    host.route()
    host.log(*(request(took=number / 100) for number in range(1, 101)),
             *(request(CANARY, status=500 if number < 3 else 200) for number in range(12)))  # fmt: skip
    live, canary = host.figures()["versions"]
    assert (live["version"], live["requests"], live["errors"], live["p95"]) == (LIVE, 100, 0, 0.95)
    assert (canary["version"], canary["requests"], canary["errors"]) == (CANARY, 12, 25)


def test_only_the_last_five_minutes_of_live_traffic_count(host):
    host.route()
    host.log(request(ago=3000), request(ago=400), request(), request(preview=1), request(version=""))
    assert host.figures()["requests"] == 1


def test_a_rotated_log_still_counts(host):
    host.route()
    host.log(request(ago=200), name="depl-app1.log.1")
    host.log(request())
    assert host.figures()["requests"] == 2


@pytest.mark.parametrize("line", ["", "{", "[]", '{"time": "x"}', '{"version": "1", "time": null}', "\x00" * 50])
def test_a_line_that_nginx_did_not_write_stops_nothing(host, line):
    host.route()
    host.log(request(), line, request())
    assert host.figures()["requests"] == 2


def test_a_log_of_many_blocks_is_read_from_its_end(host):
    host.route()
    host.log(*(request(ago=900, path="x" * 400) for _ in range(6000)), *(request() for _ in range(7)))
    assert host.figures()["requests"] == 7
