"""A ClickHouse server that misbehaves is told in words, and shown no password of another's."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from tasks.errors import StepFailed, Unreachable
from tasks.model.environment import ClickHouse
from tasks.run import clickhouse
from tasks.run.tables import Tables

WHOLE = b"PAR1 rows PAR1"


@contextmanager
def listening(answer: bytes):
    """A server that says the same to everybody; yields its address, and what it was told."""
    told = []

    class Same(StreamRequestHandler):
        def handle(self):
            head = b"".join(iter(self.rfile.readline, b"\r\n"))
            told.append(head)
            length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length"))
            self.rfile.read(int(length.split(b":")[1]))
            self.wfile.write(answer)

    with ThreadingTCPServer(("127.0.0.1", 0), Same) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", told
        server.shutdown()


def response(content: bytes, status: str = "200 OK", length: int | None = None, more: str = "") -> bytes:
    length = len(content) if length is None else length
    return f"HTTP/1.0 {status}\r\nContent-Length: {length}\r\n{more}\r\n".encode() + content


def test_a_whole_answer_is_given_as_it_came():
    with listening(response(WHOLE)) as (url, told):
        assert clickhouse.query(ClickHouse(url, password="secret"), "SELECT 1") == WHOLE
    assert b"secret" in told[0]


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (response(WHOLE, length=500), "IncompleteRead"),
        (b"SSH-2.0-OpenSSH_9\r\n", "BadStatusLine"),
        (b"", "RemoteDisconnected"),
        (response(b"PAR1 rows\nCode: 241. DB::Exception: Memory limit\n"), "the last it said: Code: 241"),
        (response(b""), "the last it said: nothing"),
        (response(b"Code: 1", "500 Oops", length=500), "refuses: "),
    ],
    ids=["cut off", "no HTTP", "nothing at all", "fails after its headers", "empty", "a refusal cut off"],
)
def test_a_broken_answer_is_told_in_words(answer, match):
    with listening(answer) as (url, _), pytest.raises(Unreachable, match=match) as told:
        clickhouse.query(ClickHouse(url), "SELECT 1")
    assert len(str(told.value).splitlines()) <= 3


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_the_password_is_not_carried_elsewhere(status):
    with listening(response(WHOLE)) as (elsewhere, told):
        with listening(response(b"", status, more=f"Location: {elsewhere}\r\n")) as (url, _):  # noqa: SIM117
            with pytest.raises(Unreachable, match=status[:3]):
                clickhouse.query(ClickHouse(url, password="secret"), "SELECT 1")
        assert not told


def test_a_table_that_is_broken_within_is_told_in_words():
    with pytest.raises(StepFailed, match="counts in users can't be read"):
        Tables({"users": [WHOLE]})
