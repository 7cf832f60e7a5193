"""What every verb has around it: lines that machines may read, no questions, and failures that are told."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

from invoke import Collection, Exit

from ..errors import DeplError
from . import lines, settings
from .report import make

UNATTENDED = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
    "SSH_ASKPASS_REQUIRE": "never",
    "DEBIAN_FRONTEND": "noninteractive",
    "PYTHONUNBUFFERED": "1",
}
"""How programs that we start are told that nobody sits here."""


def framed(tasks: Collection) -> Collection:
    """Put the frame around each task of a collection; returns the collection."""
    for name in tasks.task_names:
        task = tasks[name]
        task.body = _framed(name, task.body)
    return tasks


def _framed(verb: str, body: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(body)
    def within(*words: Any, **options: Any) -> None:
        lines.guard()
        _ask_nobody()
        try:
            body(*words, **options)
        except Exit as ended:
            if isinstance(ended, DeplError):
                make(aside=bool(options.get("json"))).problem(verb, ended)
            raise
        except Exception as error:
            make(aside=bool(options.get("json"))).problem(verb, error)
            raise

    return within


def _ask_nobody() -> None:
    """Let no program that we start wait for an answer where there is no terminal to answer at."""
    if settings.under_teamcity():
        # An agent's builds may hold a pipe open that nobody ever writes to.
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
    if not _is_terminal():
        for name, value in UNATTENDED.items():
            os.environ.setdefault(name, value)


def _is_terminal() -> bool:
    return bool(sys.stdin) and not sys.stdin.closed and sys.stdin.isatty()
