"""Notices that wait: a file for each receiver, kept until it was told, whatever is killed meanwhile."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import NamedTemporaryFile

from ...model.change import Change, Changes
from ...model.notice import Notice

OLDEST = 7 * 86400
"""Seconds after which nobody is told any more."""
_PARTS = ".parts"


class Parts:
    """The parts of a notice that are done with, such as issues: kept beside it, and the next verb goes on from there.

    Without a path they are known here alone.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._done = dict(_lines(path)) if path else dict[str, str]()

    def __contains__(self, part: str) -> bool:
        return part in self._done

    @property
    def refused(self) -> dict[str, str]:
        """The parts that the receiver refused, and why."""
        return {part: why for part, why in self._done.items() if why}

    def add(self, part: str, why: str = "") -> None:
        """Note a part as done, or `why` it was refused; where that can't be kept, the next verb tries it again."""
        self._done[part] = why
        if self._path:
            with suppress(OSError), self._path.open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps([part, why])}\n")


class Spool:
    """The folder of an environment's waiting notices, on the deploy host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, receiver: str, notice: Notice) -> None:
        """Keep a notice for a receiver; raises OSError."""
        place = self.folder / receiver
        place.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", encoding="utf-8", dir=place, suffix=".new", delete=False) as draft:
            try:
                json.dump(asdict(notice), draft)
                draft.flush()
                Path(draft.name).rename(self._path(receiver, notice))
            except OSError:
                Path(draft.name).unlink(missing_ok=True)
                raise
        # Where no key ever opens the secrets, nobody else throws away what is too old.
        self.waiting(receiver, notice.at)

    def parts(self, receiver: str, notice: Notice) -> Parts:
        """What of a waiting notice a receiver was told before."""
        return Parts(self._path(receiver, notice).with_suffix(_PARTS))

    def forget(self, path: Path) -> None:
        """Keep a notice no longer, nor what of it was told."""
        path.with_suffix(_PARTS).unlink(missing_ok=True)
        path.unlink(missing_ok=True)

    def _path(self, receiver: str, notice: Notice) -> Path:
        return self.folder / receiver / f"{notice.at:017.3f}-{notice.id}.json"

    def waiting(self, receiver: str, now: float) -> list[tuple[Path, Notice]]:
        """What a receiver is still to be told, oldest first; what is too old, or no notice, is thrown away."""
        found = []
        for path in sorted((self.folder / receiver).glob("*.json")):
            notice = _read(path)
            if notice and notice.at > now - OLDEST:
                found.append((path, notice))
            else:
                self.forget(path)
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


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """The parts in a file, and why they were refused; what a killed verb left half written is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        with suppress(ValueError, TypeError):
            part, why = json.loads(line)
            yield str(part), str(why)


def _read(path: Path) -> Notice | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        changes = found.pop("changes")
        came, went = (tuple(Change(**one) for one in changes[side]) for side in ("came", "went"))
        return Notice(**{**found, "hosts": tuple(found["hosts"])}, changes=Changes(came, went, changes["why"]))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
