"""supervisord, through supervisorctl on its unix socket."""

from __future__ import annotations

from . import Argv


def update(program: str) -> Argv:
    """Make supervisord do what the program's file says: start it where it is new, end it where it is gone."""
    return ("supervisorctl", "update", program)


def stop(program: str) -> Argv:
    """End the client that watches a container; the container itself goes on."""
    return ("supervisorctl", "stop", program)


def start(program: str) -> Argv:
    return ("supervisorctl", "start", program)
