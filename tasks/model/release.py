"""A Release is a Version installed on a Host, in one of the app's Slots."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .version import Version

_FOLDER = re.compile(r"(\d{4}(?:\.\d{2}){4})@(\d{1,2})", re.ASCII)


@dataclass(frozen=True, order=True)
class Release:
    """A version in a slot, written as on disk: 2026.11.22.12.05@3."""

    version: Version
    slot: int

    @classmethod
    def from_folder(cls, name: str) -> Release | None:
        """Read a folder's name; None for a folder that is no release."""
        found = _FOLDER.fullmatch(name)
        return cls(Version(found[1]), int(found[2])) if found else None

    def __str__(self) -> str:
        return f"{self.version}@{self.slot}"
