"""What a failed build says first."""

import tarfile
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingUnixStreamServer

import pytest
from docker.errors import APIError
from urllib3.exceptions import ProtocolError

from tasks.errors import DeplError, StepFailed
from tasks.run.engine import Engine, _context, in_words, reason
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
    """A Docker that says `lines` of a build, each before a `pause`, then `last`; until it is hung up on, or `ends`."""

    daemon_threads = True
    lines, pause, answers, ends = 1, 0.0, True, False
    last: tuple[bytes, ...] = ()

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
                self._say(b'{"stream": "Step %d"}' % number)
                time.sleep(self.server.pause)
            for text in self.server.last:
                self._say(text)
        if self.server.ends:
            self.wfile.write(b"0\r\n\r\n")
        elif not self.connection.recv(1):
            self.server.hung_up.set()

    def _say(self, text):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
        self.wfile.flush()


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
    assert time.monotonic() - began < 30
    assert str(raised.value).splitlines()[:2] == [
        "base image: Docker's build of it took more than 1 s, and was broken off.",
        "Is Docker well, and does what it fetches from answer? Then the same again.",
    ]
    assert raised.value.log.startswith(log)
    assert not is_to_blame(raised.value)
    assert docker.hung_up.wait(5), "else Docker goes on with it"


def test_a_build_of_docker_that_ends_in_time_is_left_alone(docker):
    vars(docker).update(lines=3, ends=True)
    said = []
    Engine("x").build("base image", "FROM x", {}, "x:1", said.append, limit=30)
    assert said == ["Step 0", "Step 1", "Step 2"]


def test_a_build_of_docker_that_has_made_its_image_is_not_broken_off_for_coming_late(docker):
    made = (b'{"aux": {"ID": "sha256:0"}}', b'{"stream": "Successfully built 0\\n"}')
    vars(docker).update(lines=2, pause=1.2, last=made, ends=True)
    said = []
    Engine("x").build("base image", "FROM x", {}, "x:1", said.append, limit=2)
    assert said[-1] == "Successfully built 0"


def test_what_docker_builds_from_may_lie_on_the_disk_and_needs_no_room_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/dev/full")
    layer = tmp_path / "layer"
    layer.write_bytes(b"x" * 100_000)
    with _context("FROM x", {"app.tar": layer, "say": b"hello"}) as packed, tarfile.open(fileobj=packed) as found:
        contents = {name: found.extractfile(name).read() for name in found.getnames()}
    assert contents == {"Dockerfile": b"FROM x", "app.tar": layer.read_bytes(), "say": b"hello"}
