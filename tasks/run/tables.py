"""SQL over tables that came as Parquet, in memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from ..errors import StepFailed, one_line

MAGIC = b"PAR1"
"""What a Parquet file begins and ends with."""


def is_whole(content: bytes) -> bool:
    """Whether a Parquet file was not cut off."""
    return len(content) > 2 * len(MAGIC) and content.startswith(MAGIC) and content.endswith(MAGIC)


class Tables:
    """Tables by name, each made of any number of Parquet files of the same columns; raises StepFailed."""

    def __init__(self, tables: Mapping[str, Sequence[bytes]]) -> None:
        # Only here: it takes 0.1 s to import, and most verbs count nothing.
        import duckdb

        self._engine = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"})
        for name, files in tables.items():
            with ExitStack() as stack:
                paths = [stack.enter_context(_InMemory(content)).path for content in files]
                try:
                    self._engine.execute(f"CREATE TABLE {name} AS SELECT * FROM read_parquet(?)", [paths])
                except duckdb.Error as error:
                    said = (str(error).splitlines() or [repr(error)])[0]
                    raise StepFailed(f"The counts in {name} can't be read: {one_line(said)[:300]}") from None

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self._engine.execute(sql).fetchall()


class _InMemory:
    """A file that is on no disk: DuckDB reads Parquet from files only."""

    def __init__(self, content: bytes) -> None:
        self._file = os.memfd_create("table")
        with open(self._file, "wb", closefd=False) as out:
            out.write(content)
        self.path = f"/proc/self/fd/{self._file}"

    def __enter__(self) -> _InMemory:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)
