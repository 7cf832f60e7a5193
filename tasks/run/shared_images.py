"""Images that builds of all apps share: builders, bases, dependencies. Each is kept while builds use it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .alone import alone
from .engine import Engine

PREFIXES = ("depl-builder:", "depl-slim:", "depl-base:", "depl-dependencies:")
UNCHECKED = "-unchecked"
KEPT = 6
DAY = 86400


def has(engine: Engine, cache: Path, tag: str) -> bool:
    """Whether an image is there. From now on a build uses it: nobody removes it, or what is made in its place."""
    with _no_tidying(cache):
        mark = _mark(cache, tag)
        mark.parent.mkdir(exist_ok=True)
        mark.touch()
        return engine.has(tag)


def tidy(engine: Engine, cache: Path) -> None:
    """Remove images that no build has used for a day, but the KEPT of each sort that were used last."""
    with _no_tidying(cache):
        for prefix in PREFIXES:
            used = {tag: _used(cache, tag) for tag in engine.tags(prefix)}
            for tag in idle(used, time.time()):
                engine.forget(tag)
                _mark(cache, tag).unlink(missing_ok=True)


def idle(used: Mapping[str, float], now: float) -> list[str]:
    """Of images with the time of their last use: those that may go."""
    return [tag for tag in sorted(used, key=lambda one: used[one])[:-KEPT] if now - used[tag] > DAY]


def _mark(cache: Path, tag: str) -> Path:
    return cache / "used" / tag.removesuffix(UNCHECKED)


def _used(cache: Path, tag: str) -> float:
    try:
        return _mark(cache, tag).stat().st_mtime
    except FileNotFoundError:
        return 0


@contextmanager
def _no_tidying(cache: Path) -> Iterator[None]:
    """Hold what stands between the question whether an image is there and its use."""
    with alone(cache / "images.lock", "a build", lambda _: None):
        yield
