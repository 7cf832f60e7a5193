"""Queries of a ClickHouse server, by its HTTP interface; answers are Parquet."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request

from ..errors import Unreachable, one_line
from ..model.environment import ClickHouse
from . import tables

SECONDS = 120
SETTINGS = {
    "default_format": "Parquet",
    "output_format_parquet_compression_method": "zstd",
    "readonly": "2",  # may choose these settings, and change nothing
}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Elsewhere the password would be shown to whoever is there."""

    def redirect_request(self, *_: object) -> None:
        return None


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
    request = urllib.request.Request(url, sql.encode(), who)  # noqa: S310 - the inventory's gate lets http and https in
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=SECONDS) as answer:
            content: bytes = answer.read()
            return content
    except urllib.error.HTTPError as error:
        said = one_line((_said(error).strip().splitlines() or [str(error)])[0])
        raise Unreachable(f"ClickHouse at {server.url} refuses: {said[:300]}\nIs depl_clickhouse right?") from None
    except http.client.HTTPException as error:
        raise Unreachable(
            f"ClickHouse at {server.url} breaks off or speaks no HTTP: {one_line(repr(error))[:300]}\n"
            "Is depl_clickhouse right?"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise Unreachable(
            f"ClickHouse at {server.url} can't be reached: {reason}.\nIs depl_clickhouse right?"
        ) from None


def _said(error: urllib.error.HTTPError) -> str:
    with error:
        try:
            return error.read(2000).decode(errors="replace")
        except (OSError, http.client.HTTPException):
            return ""
