"""Notices that wait: a file for each receiver, kept until it was told, whatever is killed meanwhile."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import NamedTemporaryFile

from ...model.change import Change, Changes
from ...model.notice import Notice

OLDEST = 7 * 86400
"""Seconds after which nobody is told any more."""


class Spool:
    """The folder of an environment's waiting notices, on the deploy host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, receiver: str, notice: Notice) -> None:
        """Keep a notice for a receiver; raises OSError."""
        place = self.folder / receiver
        place.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", encoding="utf-8", dir=place, suffix=".new", delete=False) as draft:
            json.dump(asdict(notice), draft)
        Path(draft.name).rename(place / f"{notice.at:017.3f}-{notice.id}.json")

    def waiting(self, receiver: str, now: float) -> list[tuple[Path, Notice]]:
        """What a receiver is still to be told, oldest first; what is too old, or no notice, is thrown away."""
        found = []
        for path in sorted((self.folder / receiver).glob("*.json")):
            notice = _read(path)
            if notice and notice.at > now - OLDEST:
                found.append((path, notice))
            else:
                path.unlink(missing_ok=True)
        return found

    @contextmanager
    def alone(self, receiver: str) -> Iterator[bool]:
        """Whether nobody else tells this receiver just now, here or in another process; nobody does until the end."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{receiver}.lock").open("a", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True


def _read(path: Path) -> Notice | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        changes = found.pop("changes")
        came, went = (tuple(Change(**one) for one in changes[side]) for side in ("came", "went"))
        return Notice(**{**found, "hosts": tuple(found["hosts"])}, changes=Changes(came, went, changes["why"]))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
