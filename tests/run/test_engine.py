"""What a failed build says first."""

import threading
import time
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingUnixStreamServer

import pytest
from docker.errors import APIError
from urllib3.exceptions import ProtocolError

from tasks.errors import DeplError, StepFailed
from tasks.run.engine import Engine, in_words, reason
from tasks.staging.raising import is_to_blame

NOT_THERE = "Could not find a version that satisfies the requirement x==9"
CONFLICT = "Cannot install a and b==1 because these package versions have conflicting dependencies."
NO_WHEEL = "Failed building wheel for ujson"


@pytest.mark.parametrize(
    ("first", "log"),
    [
        (NOT_THERE, ["Collecting x", f"ERROR: {NOT_THERE} (from versions: 1, 2)", "ERROR: No matching distribution"]),
        (CONFLICT, [f"ERROR: {CONFLICT}", "The conflict is caused by:", "ERROR: ResolutionImpossible: for help …"]),
        (NO_WHEEL, ["error: subprocess-exited-with-error", f"ERROR: {NO_WHEEL}"]),
        ("", ["libx.so.1: cannot open shared object file"]),
    ],
)
def test_pips_own_reason_comes_first(first, log):
    assert reason(log) == first


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (APIError("500 Server Error", explanation="mkdir /var: no space left on device"), "mkdir /var: no space left"),
        (APIError("500 Server Error"), "500 Server Error"),
        (ProtocolError("Connection broken"), "Connection broken"),
        (OSError(28, "No space left on device", "/var/lib/depl/x"), "No space left on device: '/var/lib/depl/x'"),
    ],
)
def test_what_docker_or_the_disk_refuses_is_told_and_blamed_on_nobody(error, said):
    with (
        pytest.raises(DeplError, match=f"(?s)^build can't go on, on this machine: .*{said}.*\n.*df -h") as raised,
        in_words("build"),
    ):
        raise error
    assert not isinstance(raised.value, StepFailed)
    assert len(str(raised.value).splitlines()) == 2


def test_what_failed_for_a_reason_of_its_own_keeps_it():
    with pytest.raises(StepFailed, match=r"^wheels: x$"), in_words("build"):
        raise StepFailed("wheels: x")


# --- builds of Dockerfiles ---


class Docker(ThreadingUnixStreamServer):
    """A Docker that says `lines` of a build, each after a `pause`, and then nothing until it is hung up on."""

    daemon_threads = True
    lines, pause, answers, ends = 1, 0.0, True, False

    def __init__(self, path):
        super().__init__(str(path), _Asked)
        self.hung_up = threading.Event()


class _Asked(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return ""

    def log_message(self, *_):
        pass

    def do_GET(self):
        body = b'{"ApiVersion": "1.41"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        try:
            self._tell()
        except OSError:
            self.server.hung_up.set()
        self.close_connection = True

    def _tell(self):
        if self.server.answers:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for number in range(self.server.lines):
                text = b'{"stream": "Step %d"}' % number
                self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
                self.wfile.flush()
                time.sleep(self.server.pause)
        if self.server.ends:
            self.wfile.write(b"0\r\n\r\n")
        elif not self.connection.recv(1):
            self.server.hung_up.set()


@pytest.fixture
def docker(tmp_path, monkeypatch):
    with Docker(tmp_path / "docker.sock") as server:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize(
    ("of", "log"),
    [
        ({}, "Step 0"),
        ({"lines": 1000, "pause": 0.05}, "Step 0\nStep 1\n"),
        ({"answers": False}, ""),
    ],
    ids=["silent", "talkative", "without an answer"],
)
def test_a_build_of_docker_that_does_not_end_is_broken_off_and_blamed_on_nobody(docker, of, log):
    vars(docker).update(of)
    began = time.monotonic()
    with pytest.raises(StepFailed) as raised:
        Engine("x").build("base image", "FROM x", {}, "x:1", lambda _: None, limit=1)
    assert time.monotonic() - began < 5
    assert str(raised.value).splitlines()[:2] == [
        "base image: Docker's build of it took more than 1 s, and was broken off.",
        "Do the mirror of packages and the registry of its base answer? Then the same again.",
    ]
    assert raised.value.log.startswith(log)
    assert not is_to_blame(raised.value)
    assert docker.hung_up.wait(5), "else Docker goes on with it"


def test_a_build_of_docker_that_ends_in_time_is_left_alone(docker):
    vars(docker).update(lines=3, ends=True)
    said = []
    Engine("x").build("base image", "FROM x", {}, "x:1", said.append, limit=30)
    assert said == ["Step 0", "Step 1", "Step 2"]
