"""Queries of a ClickHouse server, by its HTTP interface; answers are Parquet."""

from __future__ import annotations

import urllib.parse

from ..errors import Unreachable, one_line
from ..model.environment import ClickHouse
from . import tables, web

SECONDS = 120
SETTINGS = {
    "default_format": "Parquet",
    "output_format_parquet_compression_method": "zstd",
    "readonly": "2",  # may choose these settings, and change nothing
}


def query(server: ClickHouse, sql: str) -> bytes:
    """Ask, and return the answer as a Parquet file; raises Unreachable with what the server says."""
    content = _answer(server, sql)
    if not tables.is_whole(content):
        # What fails after the first rows can be told at the end of the answer only.
        said = one_line((content[-2000:].decode(errors="replace").strip().splitlines() or ["nothing"])[-1])
        raise Unreachable(f"ClickHouse at {server.url} did not answer to the end; the last it said: {said[-300:]}")
    return content


def _answer(server: ClickHouse, sql: str) -> bytes:
    url = f"{server.url.rstrip('/')}/?{urllib.parse.urlencode(SETTINGS)}"
    who = {"X-ClickHouse-User": server.user, "X-ClickHouse-Key": server.password}
    try:
        return web.send("ClickHouse", url, sql.encode(), who, seconds=SECONDS)
    except Unreachable as error:
        error.message = f"{error}\nIs depl_clickhouse right?"
        raise
