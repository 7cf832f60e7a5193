"""An answer is taken whole, or it is said in one sentence why it was not."""

import socketserver
import threading
import time
from contextlib import contextmanager

import pytest

from tasks.errors import Unreachable
from tasks.run import web


@contextmanager
def speaking(*pieces, pause=0.0):
    """A server on this machine that answers with these bytes, one piece after the other, and hangs up."""

    class Mouth(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(65536)
            try:
                for piece in pieces:
                    self.request.sendall(piece)
                    time.sleep(pause)
            except OSError:
                pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mouth) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        (HEAD % 6, b"abc", b"def"),
        (CHUNKED, b"3\r\nabc\r\n", b"3\r\ndef\r\n0\r\n\r\n"),
        (b"HTTP/1.0 200 OK\r\n\r\n", b"abc", b"def"),
    ],
)
def test_an_answer_in_pieces_is_taken_whole(pieces):
    with speaking(*pieces, pause=0.05) as url:
        assert web.send("it", url) == b"abcdef"


@pytest.mark.parametrize("pieces", [(HEAD % 600, b"abc"), (CHUNKED, b"30\r\nabc"), (b"SSH-2.0-x\r\n",), ()])
def test_an_answer_that_breaks_off_is_none(pieces):
    with speaking(*pieces) as url, pytest.raises(Unreachable, match="^it at http://127.0.0.1:[0-9]+ "):
        web.send("it", url)


def test_an_answer_that_comes_byte_by_byte_is_not_waited_for():
    with speaking(HEAD % 6000, *[b"x"] * 6000, pause=0.05) as url, pytest.raises(Unreachable, match="timed out"):
        web.send("it", url, seconds=0.3)


def test_an_answer_without_end_is_not_read_to_it():
    megabyte = b"x" * 1024 * 1024
    with (
        speaking(HEAD % (100 * len(megabyte)), *[megabyte] * 100) as url,
        pytest.raises(Unreachable, match="answers with more than 8388608 bytes"),
    ):
        web.send("it", url, seconds=60)
