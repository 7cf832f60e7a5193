"""What changed between two versions: commits, and the issues that they name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_KEY = re.compile(r"(?<![A-Za-z0-9_-])[A-Z][A-Z0-9]{1,9}-[1-9]\d{0,6}(?![\w-])", re.ASCII)
"""An issue's key as Jira has them: two to ten letters and digits, a letter first, then a number."""
_NO_KEYS = ("SHA", "UTF", "ISO", "RFC", "CVE", "AES", "HTTP", "TLS", "PEP", "CWE", "MD")


@dataclass(frozen=True)
class Change:
    """A commit: its full id, its author's name, its time in seconds since 1970, its message."""

    commit: str
    author: str
    at: float
    message: str

    @property
    def subject(self) -> str:
        return self.message.partition("\n")[0]

    @property
    def keys(self) -> tuple[str, ...]:
        """The issues that its message names, in the order in which it does."""
        found = _KEY.findall(self.message)
        return tuple(dict.fromkeys(key for key in found if key.partition("-")[0] not in _NO_KEYS))


@dataclass(frozen=True)
class Changes:
    """What leads from one version's code to another's: what came in, and what went out where that is not its successor.

    Newest first. `why` says why nothing more is known, such as a commit that is not in the repository here.
    """

    came: tuple[Change, ...] = ()
    went: tuple[Change, ...] = ()
    why: str = ""

    @property
    def authors(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.author for one in self.came))

    @property
    def keys(self) -> tuple[str, ...]:
        return keys_of(self.came)

    @property
    def summary(self) -> str:
        """In one line: how many commits, by whom, about which issues."""
        if self.why:
            return self.why
        parts = [_counted(len(self.came))] if self.came or not self.went else []
        parts += [f"{_counted(len(self.went))} less"] if self.went else []
        by = f" by {_few(self.authors)}" if self.authors else ""
        about = f" ({_few(self.keys)})" if self.keys else ""
        return f"{', '.join(parts)}{by}{about}"


def keys_of(changes: Iterable[Change]) -> tuple[str, ...]:
    """All issues that commits name, each once."""
    return tuple(dict.fromkeys(key for one in changes for key in one.keys))


def _counted(number: int) -> str:
    return f"{number or 'no'} commit{'' if number == 1 else 's'}"


def _few(names: tuple[str, ...], most: int = 4) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
