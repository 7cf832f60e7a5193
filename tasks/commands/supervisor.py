"""supervisord, through supervisorctl on its unix socket."""

from __future__ import annotations

from . import Argv

_FORGET = """said=$(supervisorctl update "$1") && exit
case $said in *"no such group"*) ;; *) echo "$said"; exit 1;; esac"""


def update(program: str) -> Argv:
    """Make supervisord do what the program's file says: start it where it is new or changed."""
    return ("supervisorctl", "update", program)


def forget(program: str) -> Argv:
    """End a program whose file is gone; fine where supervisord never knew it, as after an install cut short."""
    return ("sh", "-c", _FORGET, "forget", program)


def stop(program: str) -> Argv:
    """End the client that watches a container; the container itself goes on."""
    return ("supervisorctl", "stop", program)


def start(program: str) -> Argv:
    return ("supervisorctl", "start", program)
