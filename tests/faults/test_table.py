"""The table of faults is what docs/reliability.md shows, and each of its rows can be run by name."""

from __future__ import annotations

import re
from pathlib import Path

from . import test_killed
from .table import AGAIN, FAULTS, KILLED, NOTHING, markdown

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


def test_the_page_shows_this_table():
    assert markdown() in PAGE.read_text("utf-8"), "print it: python -m tests.faults.table"


def test_names_are_unique_and_fit_a_command_line():
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names) >= 30
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)


def test_each_verb_that_is_killed_has_its_test():
    assert all(callable(getattr(test_killed, f"test_killed_{verb}")) for verb in KILLED)


def test_what_is_to_be_typed_is_said():
    """A row that asks for a command has it, or a pointer to it, in what depl prints."""
    for fault in FAULTS:
        if fault.type not in (NOTHING, AGAIN, "`inv promote --version V`"):
            assert fault.says, fault.name
