"""Tables for people. rich draws them, fitted to the terminal; a log, or NO_COLOR, gets the same without colours."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence

WIDE = 160
"""Columns where there is no terminal to ask: a log wraps nothing."""


def clear() -> None:
    """Begin a terminal's screen anew; in a log, leave a line between."""
    sys.stdout.write("\x1b[H\x1b[2J" if sys.stdout.isatty() else "\n")


def show(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under heads; columns whose head starts with '>' are numbers and lean right."""
    # Only here, since the other verbs need no table and rich takes 50 ms to import.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    plain = not sys.stdout.isatty() or bool(os.environ.get("NO_COLOR"))
    width = shutil.get_terminal_size((WIDE, 24)).columns if sys.stdout.isatty() else WIDE
    console = Console(width=width, highlight=False, force_terminal=False if plain else None)
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for head in heads:
        table.add_column(head.lstrip(">"), justify="right" if head.startswith(">") else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)
