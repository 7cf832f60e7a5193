"""What `inv branch.list` says of each branch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..plan.branch_facts import Staging, Standing
from ..plan.overview import span

HEADS = ("BRANCH", "VERSION", "URL", "STATE", "COMMIT", "AUTHOR", ">UP FOR", ">MEMORY", ">DATABASE", "VISITED")
LIVE, ASLEEP, BROKEN = "live", "asleep", "broken"


@dataclass(frozen=True)
class Row:
    """A branch as found, its URL, the bytes of its database (None without one), and the staging host's time."""

    standing: Standing
    url: str
    database: int | None
    clock: float

    @property
    def state(self) -> str:
        if self.standing.release and self.standing.asleep:
            return ASLEEP
        return LIVE if self.standing.is_there else BROKEN

    @property
    def why(self) -> str:
        """What fails: of its newest commit, or of what should run and doesn't; "" where all is well."""
        if failed := self.standing.failed:
            return f"{failed.commit[:12]} failed: {failed.why}"
        if self.state == BROKEN:
            return "its containers do not run" if self.standing.release else "nothing of it came up yet"
        return ""

    def cells(self) -> list[str]:
        one, commit = self.standing, self.standing.commit
        return [
            one.branch.name,
            str(one.release.version) if one.release else "-",
            self.url,
            f"{self.state}; {self.why}" if self.why else self.state,
            f"{commit.short} {commit.subject:.40}" if commit else "-",
            commit.author if commit else "-",
            self._since(one.at),
            _size(one.memory or None),
            _size(self.database),
            f"{self._since(one.seen)} ago" if one.seen else "never",
        ]

    def as_json(self) -> dict[str, Any]:
        """The same for machines: times in seconds since 1970, sizes in bytes."""
        one = self.standing
        return {
            "branch": one.branch.name,
            "version": str(one.release.version) if one.release else None,
            "url": self.url,
            "state": self.state,
            "why": self.why,
            "commit": one.commit.as_json() if one.commit else None,
            "at": one.at,
            "by": one.by,
            "memory": one.memory,
            "database": self.database,
            "seen": one.seen,
        }

    def _since(self, at: float | None) -> str:
        return span(max(0.0, self.clock - at)) if at else "-"


def rows(staging: Staging, app: str, urls: Mapping[str, str], databases: Mapping[str, int]) -> list[Row]:
    """A row for each branch of an app, by name; URLs by the branch's folder, and sizes by the database's name."""
    return [
        Row(one, urls[one.branch.folder], _database(one, databases), staging.clock)
        for one in sorted(staging.of(app), key=lambda one: one.branch.name)
    ]


def _database(one: Standing, databases: Mapping[str, int]) -> int | None:
    return databases.get(one.branch.database(one.release.version)) if one.release else None


def summary(app: str, staging: Staging, limit: int) -> str:
    """One line about all of them."""
    there = staging.of(app)
    asleep, memory = sum(one.asleep for one in there), sum(one.memory for one in there)
    return (
        f"{len(there)} branches of {app}, {asleep} asleep, in {memory / 2**20:.0f} MB; {len(staging.branches)} of "
        f"{limit} on {staging.host}, which has {staging.memory_free // 2**20} MB of memory and "
        f"{staging.disk_free // 2**20} MB of disk left."
    )


def _size(number: int | None) -> str:
    return "-" if number is None else f"{number / 2**20:.0f} MB"
