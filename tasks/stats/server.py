"""Counts by a ClickHouse server that has the log lines of all hosts: for where hosts are outgrown."""

from __future__ import annotations

from collections.abc import Callable

from ..model.environment import ClickHouse
from ..run import clickhouse
from ..run.tables import Tables
from . import queries
from .merge import Summary
from .queries import CLICKHOUSE, Asked


def summary(server: ClickHouse, asked: Asked, now: float, most_users: int) -> Summary:
    """What one host would tell that had all lines; raises Unreachable."""
    events = queries.events(asked, CLICKHOUSE, _source(server.table, asked), asked.slice(now))

    def ask(sql: str) -> bytes:
        return clickhouse.query(server, f"WITH events AS ({events}) {sql}")

    unreadable, _ = _row(ask, queries.trouble())
    (number,) = _row(ask, "SELECT uniq(visitor) FROM events")
    halved = max(0, (int(number) - 1) // most_users).bit_length()
    chosen = f"SELECT * FROM ({queries.users(asked)}) AS users"
    users = ask(f"{chosen} WHERE visitor < {1 << (64 - halved)}" if halved else chosen)
    return Summary(users, ask(queries.bins()), now, unreadable=int(unreadable), halved=halved)


def _source(table: str, asked: Asked) -> str:
    """The lines that may count, chosen by what such a table is usually sorted by."""
    end = "" if asked.ended is None else f' AND "time" <= {asked.ended!r}'
    return f'(SELECT * FROM {table} WHERE "app" = {CLICKHOUSE.quote(asked.app)} AND "time" >= {asked.began!r}{end})'


def _row(ask: Callable[[str], bytes], sql: str) -> tuple[int, ...]:
    (row,) = Tables({"answer": [ask(sql)]}).query("FROM answer")
    return row
