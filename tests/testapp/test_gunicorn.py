"""Test the app under its own gunicorn configuration, on a real unix socket."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Request, TextMessage

TESTAPP = Path(__file__).parents[2] / "testapp"
VERSION = "2026.11.22.12.05"


class Client(HTTPConnection):
    """An HTTP client on a unix socket. It does not retry."""

    def __init__(self, path: Path) -> None:
        super().__init__("app1.foo", timeout=10)
        self.path = path

    def connect(self) -> None:
        self.sock = dial(self.path)

    def fetch(self, url: str) -> HTTPResponse:
        self.request("GET", url)
        return self.getresponse()


def dial(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(10)
    try:
        sock.connect(str(path))
    except OSError:
        sock.close()
        raise
    return sock


@contextmanager
def serving(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the server until it is healthy, and end it whatever happens."""
    server = start(path)
    try:
        await_health(path)
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.communicate()


def start(path: Path, **env: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gunicorn", "-c", "python:testapp.gunicorn"]
    return subprocess.Popen(
        [*command, "testapp.wsgi:app"],
        cwd=TESTAPP,
        env={**os.environ, "DEPL_VERSION": VERSION, "DEPL_SOCKET": str(path), **env},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def await_health(path: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            with closing(Client(path)) as client:
                assert client.fetch("/healthz").status == 200
            return
        except OSError:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a server that tests may share because they leave it running."""
    path = tmp_path_factory.mktemp("shared") / "web.sock"
    with serving(path):
        yield path


def test_connection_stays_open_between_requests(server: Path) -> None:
    with closing(Client(server)) as client:
        assert client.fetch("/").read() == b"Hello from base domain\n"
        used = client.sock
        time.sleep(3)  # gunicorn's own default is to close after 2 s
        assert client.fetch("/").read() == b"Hello from base domain\n"
        assert client.sock is used


def test_stream_is_chunked(server: Path) -> None:
    with closing(Client(server)) as client:
        answer = client.fetch("/stream?chunks=2&interval=0")
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert answer.read() == b"chunk 1 of 2\nchunk 2 of 2\n"


def test_any_user_may_connect(server: Path) -> None:
    assert server.stat().st_mode & 0o777 == 0o777


def test_request_in_flight_survives_sigterm(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with serving(path) as server, closing(Client(path)) as client:
        client.request("GET", "/slow?seconds=1.5")
        time.sleep(0.5)
        server.send_signal(signal.SIGTERM)
        assert client.getresponse().read() == b"Slept 1.5 s\n"
        assert server.wait(timeout=10) == 0


def test_stale_socket_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with serving(path) as server:
        # The whole group of processes, as a host that loses power takes them.
        os.killpg(server.pid, signal.SIGKILL)
    assert path.is_socket()
    with serving(path):
        pass


def test_websocket_greets_echoes_and_says_goodbye(server: Path) -> None:
    for _ in range(50):  # the goodbye once got lost in some of them
        greet_echo_goodbye(server)


def greet_echo_goodbye(server: Path) -> None:
    ws = WSConnection(ConnectionType.CLIENT)
    with dial(server) as wire:

        def hear() -> Iterator[object]:
            while data := wire.recv(4096):
                ws.receive_data(data)
                yield from ws.events()

        heard = hear()
        wire.sendall(ws.send(Request(host="app1.foo", target="/socket")))
        assert isinstance(next(heard), AcceptConnection)
        assert next(heard) == TextMessage(data=VERSION)
        wire.sendall(ws.send(TextMessage(data="hello")))
        assert next(heard) == TextMessage(data="hello")
        wire.sendall(ws.send(CloseConnection(code=1000)))
        assert isinstance(next(heard), CloseConnection)


def test_crash_at_start_is_seen_by_who_started_it(tmp_path: Path) -> None:
    process = start(tmp_path / "web.sock", TESTAPP_CRASH="1")
    _, log = process.communicate(timeout=20)
    assert process.returncode == 1
    assert log.endswith("KeyError: 'TESTAPP_REQUIRED_SETTING'\n")
