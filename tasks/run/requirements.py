"""What decides which wheels requirements mean: the texts that they include, and the source where they lead into it."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..errors import StepFailed
from ..plan.build import digest
from .foreign import BUILD

_CONTINUED = re.compile(r"\\\r?\n")
_COMMENT = re.compile(r"(^|\s)#.*")
_INCLUDE = re.compile(r"(?:-[rc]|--(?:requirement|constraint)(?=[\s=]))[\s=]*(?P<path>[^\s$]+)")
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*\s*(\[[^]/@$]*\])?"
_ELSEWHERE = re.compile(
    rf"{_NAME}(\s*[=<>!~;(][^/@$]*)?"
    rf"|({_NAME}\s*@\s*)?(git\+)?https?://[^\s$]+(\s*;[^/@$]*)?"
    r"|(-i|--index-url|--extra-index-url)[\s=]+https?://[^\s$]+"
    r"|--(no-binary|only-binary|trusted-host|use-feature)[\s=]+[^\s/$]+"
    r"|--(pre|prefer-binary|require-hashes)"
)
"""Lines that lead to a package index or another machine. All others may mean something in the source."""


def are_in(source: Path, name: str) -> bool:
    """Whether a source has a file of that name, and not by a link that leads out of it."""
    return (source / name).is_file() and (source / name).resolve().is_relative_to(source.resolve())


def inputs(source: Path, name: str) -> str:
    """The digest of a requirements file and all that it includes (-r, -c); of the whole source where it names a path.

    Two sources with the same digest have the same wheels, so that nobody's code gets into another's. Raises StepFailed.
    """
    source = source.resolve()
    files = [source / name]
    texts: list[str] = []
    for file in files:
        texts.append(file.read_text(encoding="utf-8", errors="replace"))
        for line in _lines(texts[-1]):
            included = _INCLUDE.fullmatch(line)
            there = Path(os.path.normpath(file.parent / included["path"])) if included else None
            if there and _is_in(source, there):
                files += [there] if there not in files else []
            elif not _ELSEWHERE.fullmatch(line):
                return digest(*texts, _of_all(source))
    return digest(*texts)


def _lines(text: str) -> list[str]:
    """The lines as pip reads them: continued, without comments, none that is empty."""
    lines = (_COMMENT.sub("", line).strip() for line in _CONTINUED.sub("", text).splitlines())
    return [line for line in lines if line]


def _is_in(source: Path, file: Path) -> bool:
    """Whether a file is in the source, and no link on the way to it leads elsewhere."""
    with suppress(OSError):  # a name that no file can have
        return file.is_file() and file.is_relative_to(source) and file.resolve() == file
    return False


def _of_all(source: Path) -> str:
    try:
        return digest(
            *(part for file in sorted(_below(source)) for part in (_name(file.relative_to(source)), _of(file)))
        )
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise StepFailed("wheels: a path in the source is too long to be read.", phase=BUILD) from None


def _below(source: Path) -> Iterator[Path]:
    """All that is in a folder, however deep: Path.rglob of Python 3.11 calls itself for each level."""
    folders = [source]
    for folder in folders:
        for one in folder.iterdir():
            yield one
            if one.is_dir() and not one.is_symlink():
                folders.append(one)


def _of(file: Path) -> bytes:
    if file.is_symlink():
        return b"to " + _name(file.readlink())
    return digest(file.read_bytes()).encode() if file.is_file() else b""


def _name(path: Path) -> bytes:
    """A name as it was committed: of any encoding."""
    return str(path).encode(errors="surrogateescape")
