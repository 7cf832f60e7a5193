"""ClickHouse counts what DuckDB counts; asked as a server is, over HTTP, with the engine from PyPI behind it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import chdb.session
import pytest

from tasks.errors import Unreachable
from tasks.model.environment import ClickHouse
from tasks.stats import merge, server
from tasks.stats.queries import CLICKHOUSE

from .lines import ASKED, BEGAN, ROUTED, Host, by_hand, line, of, some, text

TABLE = """
    CREATE TABLE requests (
        time Float64, app LowCardinality(String), version LowCardinality(String), bucket String, user String, new UInt8,
        forced UInt8, method LowCardinality(String), path String, status UInt16, request_time Float64,
        upstream_time String, answered String, goal String, bytes UInt64
    ) ENGINE = MergeTree ORDER BY (app, time)
"""
NOW = BEGAN + 600


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    with chdb.session.Session(str(tmp_path_factory.mktemp("chdb"))) as session:
        session.query(TABLE)
        yield session


@contextmanager
def http(session):
    class Asked(BaseHTTPRequestHandler):
        def do_POST(self):
            sql = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if self.headers["X-ClickHouse-Key"] != "secret":
                return self.answer(403, b"Code: 516. DB::Exception: default: Authentication failed\n")
            try:
                return self.answer(200, session.query(sql, "Parquet").bytes())
            except RuntimeError as error:
                return self.answer(400, str(error).encode())

        def answer(self, status, content):
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Asked) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()


@pytest.fixture(scope="module")
def clickhouse(session):
    with http(session) as url:
        yield ClickHouse(url, password="secret")


def fill(session, tmp_path, lines):
    path = tmp_path / "lines"
    path.write_bytes(text(lines))
    session.query("TRUNCATE TABLE requests")
    session.query(f"INSERT INTO requests SELECT * FROM file('{path}', JSONEachRow)")


@pytest.mark.parametrize("asked", [ASKED, ROUTED], ids=["any bucket", "as routed"])
def test_both_engines_count_the_same(session, clickhouse, tmp_path, asked):
    lines = some(6000)
    fill(session, tmp_path, [*lines, line(app="other"), line(user="short")])
    found = merge.counts([server.summary(clickhouse, asked, NOW, 100_000)], asked, 30)
    assert of(found) == by_hand(lines, asked)
    assert found.trouble.unreadable == 1
    host = Host(tmp_path / "host")
    host.write(text(lines))
    assert found.ticks == host.count(asked).ticks


def test_every_time_falls_into_the_same_bin(session, clickhouse, tmp_path):
    lines = [line(request_time=ms / 1000) for ms in [*range(3000), *range(3000, 100_000, 37)]]
    fill(session, tmp_path, lines)
    found = merge.counts([server.summary(clickhouse, ASKED, NOW, 100_000)], ASKED, 30)
    assert of(found)[2] == by_hand(lines)[2]


def test_too_many_users_are_sampled(session, clickhouse, tmp_path):
    fill(session, tmp_path, [line(user=f"{number:032x}") for number in range(4000)])
    found = merge.counts([server.summary(clickhouse, ASKED, NOW, 1000)], ASKED, 30)
    assert found.sampled in (1 / 4, 1 / 8)  # their number is estimated
    assert abs(found.users("seen")[0] / found.sampled - 4000) < 800


def test_a_table_without_lines_counts_nothing(session, clickhouse):
    session.query("TRUNCATE TABLE requests")
    assert merge.counts([server.summary(clickhouse, ASKED, NOW, 1000)], ASKED, 30).ticks == ()


def test_what_the_server_says_is_told_in_a_line(clickhouse):
    for wrong, match in (
        (ClickHouse(clickhouse.url, password="wrong"), "Authentication failed"),
        (ClickHouse(clickhouse.url, "missing", password="secret"), "missing"),
        (ClickHouse("http://127.0.0.1:1"), "can't be reached"),
    ):
        with pytest.raises(Unreachable, match=match):
            server.summary(wrong, ASKED, NOW, 1000)


@pytest.mark.parametrize("hostile", ["'", "\\", "\\'", "' OR 1=1 --", "é\n\t", "x' UNION SELECT '"])
def test_text_stays_text(session, hostile):
    assert session.query(f"SELECT {CLICKHOUSE.quote(hostile)}", "RawBLOB").bytes().decode() == hostile
