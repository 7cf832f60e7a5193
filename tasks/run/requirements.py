"""What decides which wheels requirements mean: the texts that they include, and the source where they lead into it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..plan.build import digest

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


def inputs(source: Path, name: str) -> str:
    """The digest of a requirements file and all that it includes (-r, -c); of the whole source where it names a path.

    Two sources with the same digest have the same wheels, so that nobody's code gets into another's.
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
    return file.is_file() and file.is_relative_to(source) and file.resolve() == file


def _of_all(source: Path) -> str:
    return digest(*(part for file in sorted(source.rglob("*")) for part in (str(file.relative_to(source)), _of(file))))


def _of(file: Path) -> str:
    if file.is_symlink():
        return f"to {file.readlink()}"
    return digest(file.read_bytes()) if file.is_file() else ""
