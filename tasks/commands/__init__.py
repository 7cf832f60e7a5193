"""Builders of argument lists: what is run, as data. Never a shell string; nothing runs here."""

from typing import TypeAlias

Argv: TypeAlias = tuple[str, ...]
