"""What real pip says of an index that answers with an error, and of one that lacks a package."""

import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tasks.run.pip import is_offline, lacking, unanswered


class Index(BaseHTTPRequestHandler):
    """An index all of whose pages answer with the status in their address."""

    def do_GET(self):
        self.send_response(int(self.path.split("/")[1]))
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def index():
    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def pip(folder, address, **more):
    """What pip says when it is to get what is not there."""
    words = ("wheel", "--no-cache-dir", "--retries", "0", "--wheel-dir", str(folder), "--index-url", address, "X_y==1")
    own = {name: value for name, value in os.environ.items() if not re.match("PIP_|.*_proxy$", name, re.IGNORECASE)}
    environment = {**own, "PIP_CONFIG_FILE": "/dev/null", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **more}
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode
    return done.stdout + done.stderr


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_pip_tells_only_when_asked_for_more_that_an_index_answered_with_an_error(index, tmp_path, status):
    address = f"{index}/{status}/simple"
    plain = pip(tmp_path, address)
    assert lacking(plain) == {"x-y"}
    assert not is_offline(plain)
    more = pip(tmp_path, address, PIP_VERBOSE="2")
    assert "x-y" in {unanswered(line) for line in more.splitlines()}
    assert is_offline(more)


@pytest.mark.parametrize("status", [200, 403, 404, 410])
def test_an_index_that_has_no_such_package_did_answer(index, tmp_path, status):
    more = pip(tmp_path, f"{index}/{status}/simple", PIP_VERBOSE="2")
    assert lacking(more) == {"x-y"}
    assert {unanswered(line) for line in more.splitlines()} == {""}
    assert not is_offline(more)


@pytest.mark.parametrize("log", ["error: command '/usr/local/bin/gcc' failed", "ERROR: Cannot install a and b==1", ""])
def test_what_fails_for_another_reason_lacks_no_package(log):
    assert not lacking(log)
