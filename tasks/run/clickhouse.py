"""Queries of a ClickHouse server, by its HTTP interface; answers are Parquet."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request

from ..errors import Unreachable, one_line
from ..model.environment import ClickHouse

SECONDS = 120
SETTINGS = {
    "default_format": "Parquet",
    "output_format_parquet_compression_method": "zstd",
    "readonly": "2",  # may choose these settings, and change nothing
}


def query(server: ClickHouse, sql: str) -> bytes:
    """Ask, and return the answer as a Parquet file; raises Unreachable with what the server says."""
    url = f"{server.url.rstrip('/')}/?{urllib.parse.urlencode(SETTINGS)}"
    who = {"X-ClickHouse-User": server.user, "X-ClickHouse-Key": server.password}
    request = urllib.request.Request(url, sql.encode(), who)  # noqa: S310 - the inventory's gate lets http and https in
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            content: bytes = answer.read()
            return content
    except urllib.error.HTTPError as error:
        said = one_line((error.read(2000).decode(errors="replace").strip().splitlines() or [str(error)])[0])
        raise Unreachable(f"ClickHouse at {server.url} refuses: {said[:300]}\nIs depl_clickhouse right?") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise Unreachable(
            f"ClickHouse at {server.url} can't be reached: {reason}.\nIs depl_clickhouse right?"
        ) from None
