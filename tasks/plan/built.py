"""Which versions leave the registry: those that no host needs and that are not among the newest that were built."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from ..model.image import CONTROL, version_of
from ..model.version import Version
from . import retire
from .facts import Facts
from .wishes import Target

DAY = 86400
"""Seconds that a version stays at least. No build gets the name of a minute that is past, unless a clock is put back by
more than this: so a name that left the registry is not given again. And what was just built may be about to get other
names too."""
HOUR = 3600
"""The same of a branch. A name given twice would do no harm there: host and services have nothing of former builds."""


def needed(target: Target, facts: Sequence[Facts]) -> frozenset[Version]:
    """The versions whose image a host may have to pull again once it is pruned: installed, serving, or the way back."""
    found: set[Version] = set()
    for one in facts:
        _, removed = retire.spare(target, one)
        found |= {there.release.version for there in one.installed if there not in removed}
        found |= {there.control_of for there in one.installed if there.control_of and there not in removed}
        found |= {release.version for release in one.serving}
        if one.live and one.live.previous:
            found.add(one.live.previous)
    return frozenset(found)


def old(tags: Iterable[str], keep: int, needed: Collection[Version], now: float, margin: int = DAY) -> frozenset[str]:
    """Of an app's tags those that it can do without: the versions before the newest `keep` that were built.

    Control arms' names go with the versions of their time, and count as none. Tags of another kind are not ours.
    """
    by_tag = {tag: version for tag in tags if (version := version_of(tag.removesuffix(CONTROL)))}
    built = sorted(version for tag, version in by_tag.items() if not tag.endswith(CONTROL))
    if len(built) <= keep:
        return frozenset()
    oldest = built[-keep]
    return frozenset(
        tag
        for tag, version in by_tag.items()
        if version < oldest and version not in needed and version.minute < now - margin
    )


def old_of_branch(tags: Iterable[str], facts: Sequence[Facts], now: float) -> frozenset[str]:
    """Of a branch's tags those that it can do without: nobody goes back, so it needs what is live, and the newest."""
    live = {release.version for one in facts for release in one.serving}
    return old(tags, 1, live, now, HOUR) if live else frozenset()


def leaving(digests: Mapping[str, str], old: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The manifests that may go, each with its tags: all tags of a manifest go with it, so all of them must be old."""
    by_digest: dict[str, list[str]] = {}
    for tag, digest in sorted(digests.items()):
        by_digest.setdefault(digest, []).append(tag)
    return {digest: tuple(tags) for digest, tags in by_digest.items() if all(tag in old for tag in tags)}
