"""Folders with an app's wheels, <app>-<key>: whole where there is the file `done`, which comes last and goes first.

Nothing but plain files is in them, and no program of a build can write there: what is in sources, or in packages of the
index, could leave links to files of this machine, for us to read or to write through.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from ..errors import StepFailed

DONE = "done"
LOG = "compile.log"
LOG_MB = 100
"""What the log may have: 100,000 files compiled, with 1,000 letters for each."""
_WHEEL = re.compile(r"[\w.]+(-[\w.!+]+){4,5}\.whl", re.ASCII)


def of(cache: Path, app: str) -> list[Path]:
    """An app's wheelhouses, not those of one whose name begins with its."""
    return [one for one in (cache / "wheels").glob(f"{app}-*") if one.name.rpartition("-")[0] == app]


def is_whole(house: Path) -> bool:
    return _is_plain(house) and (house / DONE).exists()


def take(left: Path, house: Path) -> Path:
    """Make a wheelhouse of what pip left in a folder of its own: wheels and the compilers' log, nothing else.

    It is not whole yet. Raises StepFailed for one of these that is no plain file, or has another name elsewhere, and
    for a log that is too large to be read.
    """
    house.mkdir(parents=True)
    try:
        for one in sorted(left.iterdir()):
            if one.name == LOG or _WHEEL.fullmatch(one.name):
                found = one.lstat()
                if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
                    raise StepFailed(f"wheels: {one.name} is no plain file.")
                if one.name == LOG and found.st_size > LOG_MB * 1_000_000:
                    raise StepFailed(f"wheels: {LOG} has more than {LOG_MB} MB.")
                one.rename(house / one.name).chmod(0o644)
    except PermissionError as error:  # of a folder that what ran there has shut
        raise StepFailed(f"wheels: what pip left can't be read: {error.strerror}.") from None
    return house


def copy(house: Path, key: str) -> Path | None:
    """Make a wheelhouse of another app's with the same key; returns that one, None where there is none.

    A copy and no links: nobody's files are another's.
    """
    new = house.with_name(f"{house.name}.new")
    for done in house.parent.glob(f"*-{key}/{DONE}"):
        other = done.parent
        if not is_whole(other):
            continue
        remove(new)  # what a killed build left
        try:
            shutil.copytree(other, new, symlinks=True, ignore=shutil.ignore_patterns(DONE, "*.new"))
        except OSError:  # the other app's build removed it meanwhile
            remove(new)
            continue
        if is_whole(other) and _is_plain(new):
            (new / DONE).touch()
            new.rename(house)
            return other
        remove(new)
    return None


def remove(house: Path) -> None:
    """Remove a wheelhouse, or what is left of one: first what says that it is whole, since others may be copying it."""
    with suppress(FileNotFoundError, IsADirectoryError):
        (house / DONE).unlink()
    shutil.rmtree(house, ignore_errors=True)


def _is_plain(folder: Path) -> bool:
    """Whether a folder has plain files alone, none of which leads elsewhere."""
    try:
        with os.scandir(folder) as entries:
            return all(one.is_file(follow_symlinks=False) for one in entries)
    except OSError:  # removed meanwhile
        return False
