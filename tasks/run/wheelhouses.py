"""Folders with an app's wheels, <app>-<key>: whole where there is the file `done`, which comes last and goes first."""

from __future__ import annotations

import shutil
from pathlib import Path

DONE = "done"


def of(cache: Path, app: str) -> list[Path]:
    """An app's wheelhouses, not those of one whose name begins with its."""
    return [one for one in (cache / "wheels").glob(f"{app}-*") if one.name.rpartition("-")[0] == app]


def is_whole(house: Path) -> bool:
    return (house / DONE).exists()


def copy(house: Path, key: str) -> Path | None:
    """Make a wheelhouse of another app's with the same key; returns that one, None where there is none.

    A copy and no links: nobody's files are another's.
    """
    new = house.with_name(f"{house.name}.new")
    for done in house.parent.glob(f"*-{key}/{DONE}"):
        other = done.parent
        remove(new)  # what a killed build left
        try:
            shutil.copytree(other, new, ignore=shutil.ignore_patterns(DONE, "*.new"))
        except OSError:  # the other app's build removed it meanwhile
            remove(new)
            continue
        if is_whole(other):
            (new / DONE).touch()
            new.rename(house)
            return other
        remove(new)
    return None


def remove(house: Path) -> None:
    """Remove a wheelhouse, or what is left of one: first what says that it is whole, since others may be copying it."""
    (house / DONE).unlink(missing_ok=True)
    shutil.rmtree(house, ignore_errors=True)
