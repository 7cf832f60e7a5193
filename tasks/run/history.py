"""What changed between two versions of an app: their images tell the commits, git tells what lies between."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ..errors import one_line, printable
from ..model.app import App
from ..model.change import Change, Changes
from ..model.version import Version
from ..plan.wishes import Target
from . import registry
from .settings import PROJECT

_FIELDS = ("%H", "%an", "%ct", "%B")
_MOST = 500
"""Commits that are read at most, of each side."""
_SECONDS = 10


def between(target: Target, old: Version, new: Version) -> Changes:
    """Read what leads from one version to another; raises Unreachable and Refused where the registry has not both."""
    codes = [registry.label(target, version, "org.opencontainers.image.revision") for version in (old, new)]
    if target.app.source.package:
        return Changes(why="" if codes[0] == codes[1] else f"{codes[0]} becomes {codes[1]}")
    return compare(target.app, *(code.removesuffix("-dirty") for code in codes))


def compare(app: App, old: str, new: str) -> Changes:
    """Read what leads from one commit of an app's source to another, as far as this machine's repository knows."""
    repository = (PROJECT / app.source.repository).resolve()
    for commit in (old, new):
        if not _knows(repository, commit):
            return Changes(why=f"commit {one_line(commit)[:12]} is not in {repository}; git fetch")
    came, went = (_log(repository, one, app.source.path) for one in (f"{old}..{new}", f"{new}..{old}"))
    return Changes(came, went)


def _knows(repository: Path, commit: str) -> bool:
    asked = _git(repository, "cat-file", "-e", "--end-of-options", f"{commit}^{{commit}}")
    return asked is not None


def _log(repository: Path, span: str, path: str) -> tuple[Change, ...]:
    form = f"--format={'%x00'.join(_FIELDS)}"
    words = _git(repository, "log", f"--max-count={_MOST}", "-z", form, "--end-of-options", span, "--", path) or ""
    fields = words.split("\0")  # the one character that no message has
    commits = (fields[start : start + len(_FIELDS)] for start in range(0, len(fields) - 1, len(_FIELDS)))
    return tuple(
        Change(commit, one_line(author), float(at), printable(message.strip()))
        for commit, author, at, message in commits
    )


def _git(repository: Path, *words: str) -> str | None:
    """What git says; None where it refuses."""
    try:
        done = subprocess.run(
            ["git", "-C", str(repository), *words],
            capture_output=True, encoding="utf-8", errors="replace", timeout=_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None
    return None if done.returncode else done.stdout
