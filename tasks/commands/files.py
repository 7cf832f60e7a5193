"""Files and links on a host. What is written comes through standard input, never as an argument."""

from __future__ import annotations

from . import Argv

_WRITE = 'umask 077; cat >"$1.new" && chmod "$2" "$1.new" && sync "$1.new" && mv -T "$1.new" "$1"'


def write(path: str, mode: str = "0644") -> Argv:
    """Write standard input to a file: the old content or the new, never half of it."""
    return ("sh", "-c", _WRITE, "write", path, mode)


def append(path: str) -> Argv:
    return ("tee", "--append", path)


def folder(*paths: str) -> Argv:
    return ("mkdir", "--parents", *paths)


def shared_folder(path: str, group: str) -> Argv:
    """A folder for its owner and a group: new files in it get the group too."""
    return ("install", "--directory", "--mode=2770", f"--group={group}", path)


def link(target: str, path: str) -> Argv:
    return ("ln", "--symbolic", "--force", "--no-dereference", target, path)


def rename(old: str, new: str) -> Argv:
    """rename(2): whoever looks sees the old or the new, at each moment."""
    return ("mv", "--no-target-directory", old, new)


def copy(old: str, new: str) -> Argv:
    return ("cp", "--preserve", old, new)


def remove(*paths: str) -> Argv:
    return ("rm", "--recursive", "--force", *paths)
