"""A Release is a Version installed on a Host, in one of the app's Slots."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import BadInput
from .version import Version

_FOLDER = re.compile(r"([0-9.]+)@(0|[1-9]\d?)", re.ASCII)


@dataclass(frozen=True, order=True)
class Release:
    """A version in a slot, written as on disk: 2026.11.22.12.05@3."""

    version: Version
    slot: int

    @classmethod
    def from_folder(cls, name: str) -> Release | None:
        """Read a folder's name; None for a folder that is no release."""
        found = _FOLDER.fullmatch(name)
        try:
            return cls(Version.parse(found[1]), int(found[2])) if found else None
        except BadInput:
            return None

    def __str__(self) -> str:
        return f"{self.version}@{self.slot}"
