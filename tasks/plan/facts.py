"""What is on a host: the answer of templates/host/onhost.py as typed values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..model.environment import Host
from ..model.layout import Layout
from ..model.percent import Percent
from ..model.release import Release
from ..model.route import Table
from ..model.version import Version

RUNNING = "running"


@dataclass(frozen=True)
class Container:
    """A container of the app. `memory` in bytes, None where it doesn't run; `state` is docker's word."""

    name: str
    version: Version
    image: str
    state: str
    exit: int
    out_of_memory: bool
    started: str
    memory: int | None


@dataclass(frozen=True)
class Installed:
    """A release as found. `health` is the page's HTTP status, 0 where nobody listens, None without a socket."""

    release: Release
    complete: bool
    installed_at: float
    health: int | None
    container: Container | None
    program: str | None

    @property
    def running(self) -> bool:
        return self.container is not None and self.container.state == RUNNING

    @property
    def healthy(self) -> bool:
        return self.complete and self.running and self.program is not None and self.health == 200


@dataclass(frozen=True)
class Routed:
    """A routing table as found. `at` is when it went live, in seconds since 1970."""

    number: int
    table: Table
    previous: Version | None
    at: float
    by: str = ""


@dataclass(frozen=True)
class Facts:
    """What one host says of one app, at one moment. `clock` is the host's own time."""

    host: Host
    clock: float
    disk_free: int
    site: str | None
    installed: tuple[Installed, ...]
    live: Routed | None
    tables: tuple[Routed, ...]
    counts: Mapping[str, int]
    last_number: int
    previews: Mapping[str, str]
    slots: Mapping[int, str]
    strays: tuple[Container, ...]
    audit: tuple[Mapping[str, Any], ...]
    holder: Mapping[str, Any] | None = None
    """Who holds the lock; it may be we."""

    def find(self, version: Version) -> Installed | None:
        return next((one for one in self.installed if one.release.version == version), None)

    @property
    def serving(self) -> tuple[Release, ...]:
        """The releases that the live table leads to."""
        if not self.live:
            return ()
        table = self.live.table
        return (table.live, table.canary) if table.canary else (table.live,)

    @property
    def unfinished(self) -> Mapping[str, Any] | None:
        """The work that began and never said how it ended: its process was killed, or the host died."""
        last = self.audit[-1] if self.audit else None
        return last if last and last.get("outcome") == "began" else None


def parse(host: Host, layout: Layout, answer: Mapping[str, Any]) -> Facts:
    """Read a host's answer; what doesn't make sense on its disk is left out, not guessed at."""
    containers = [found for one in answer["containers"] if (found := _container(one))]
    by_name = {one.name: one for one in containers}
    installed = []
    for folder, found in sorted(answer["releases"].items()):
        if release := Release.from_folder(folder):
            description = found["description"] or {}
            name = layout.container(release.version)
            installed.append(
                Installed(
                    release=release,
                    complete=description.get("version") == str(release.version)
                    and answer["versions"].get(str(release.version)) == f"../releases/{release}"
                    and answer["slots"].get(str(release.slot)) == f"../releases/{release}",
                    installed_at=float(description.get("at", 0)),
                    health=found["health"],
                    container=by_name.get(name),
                    program=answer["programs"].get(name),
                )
            )
    known = {one.release.version for one in installed}
    tables = {int(number): _routed(int(number), found) for number, found in answer["tables"].items()}
    live = answer["live"] or {}
    number = live.get("link", "").removeprefix("routes/")
    return Facts(
        host=host,
        clock=answer["clock"],
        disk_free=answer["disk_free"],
        site=answer["site"],
        installed=tuple(installed),
        live=tables.get(int(number)) if number.isdigit() else None,
        tables=tuple(found for _, found in sorted(tables.items()) if found),
        counts=live.get("counts", {}),
        last_number=max(tables, default=0),
        previews=answer["versions"],
        slots={int(slot): target for slot, target in answer["slots"].items() if slot.isdigit() and target},
        strays=tuple(one for one in containers if one.version not in known),
        audit=tuple(answer["audit"]),
        holder=answer["holder"],
    )


def _container(found: Mapping[str, Any]) -> Container | None:
    try:
        version = Version.parse(found["version"] or "")
    except Exception:  # noqa: BLE001 - a container that somebody else labelled is none of ours
        return None
    return Container(
        name=found["name"],
        version=version,
        image=found["image"],
        state=found["state"],
        exit=found["exit"],
        out_of_memory=found["oom"],
        started=found["started"],
        memory=found["memory"],
    )


def _routed(number: int, found: Mapping[str, Any] | None) -> Routed | None:
    live = Release.from_folder(str((found or {}).get("live")))
    if not found or not live:
        return None
    canary = Release.from_folder(str(found.get("canary")))
    previous = found.get("previous")
    return Routed(
        number=number,
        table=Table(live, canary, Percent(int(found.get("share", 0)) if canary else 0)),
        previous=Version.parse(previous) if previous else None,
        at=float(found.get("at", 0)),
        by=str(found.get("by", "")),
    )
