"""Files on this machine that people name."""

from __future__ import annotations

from pathlib import Path

from ..errors import BadInput


def matching(pattern: str) -> list[str]:
    """The files of a folder that a pattern such as 'logs/*.log' finds, in order of names; raises BadInput for none."""
    path = Path(pattern).expanduser()
    try:
        found = sorted(str(one) for one in path.parent.glob(path.name) if one.is_file())
    except (ValueError, OSError, NotImplementedError):
        found = []
    if not found:
        raise BadInput(f"{pattern[:80]!r} finds no file.\nNames with a * need quotes: --replay 'logs/*.log'")
    return found


def write(path: str, text: str) -> None:
    """Write a file whole, or leave the former one; raises BadInput."""
    new = Path(f"{path}.new")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path[:80]!r} can't be written: {getattr(error, 'strerror', None) or error}") from None
