"""Files and links on a host. What is written comes through standard input, never as an argument."""

from __future__ import annotations

from . import Argv
from .onhost import WORD


def write(path: str, mode: str = "0644") -> Argv:
    """Write standard input to a file: the old content or the new, never half of it."""
    return (WORD, "write", path, mode)


def append(path: str) -> Argv:
    return (WORD, "append", path)


def folder(*paths: str) -> Argv:
    return (WORD, "folder", *paths)


def shared_folder(path: str, group: str) -> Argv:
    """A folder for its owner and a group: new files in it get the group too."""
    return ("install", "--directory", "--mode=2770", f"--group={group}", path)


def link(target: str, path: str) -> Argv:
    return (WORD, "link", target, path)


def rename(old: str, new: str) -> Argv:
    """rename(2): whoever looks sees the old or the new, at each moment."""
    return (WORD, "rename", old, new)


def copy(old: str, new: str) -> Argv:
    return ("cp", "--preserve", old, new)


def checksum(path: str) -> Argv:
    """Print a file's SHA-256 in hexadecimal digits, and its name behind that."""
    return ("sha256sum", "--", path)


def remove(*paths: str) -> Argv:
    """Remove files, links, and folders with all that is in them, where they are."""
    return (WORD, "remove", *paths)
