"""supervisord, through supervisorctl on its unix socket."""

from __future__ import annotations

from . import Argv

_FORGET = """said=$(supervisorctl update "$1") && exit
case $said in *"no such group"*) ;; *) echo "$said"; exit 1;; esac"""


def forget(program: str) -> Argv:
    """End a program whose file is gone; fine where supervisord never knew it, as after an install cut short."""
    return ("sh", "-c", _FORGET, "forget", program)
