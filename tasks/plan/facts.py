"""What is on a host: the answer of templates/host/onhost.py as typed values."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from ..errors import BadInput, StepFailed, one_line, printable
from ..model.app import WEB
from ..model.environment import Host, is_address
from ..model.job import Job
from ..model.layout import Layout
from ..model.percent import BUCKETS, Percent
from ..model.release import Release
from ..model.rollout import Rollout
from ..model.route import Table
from ..model.version import Version
from . import rollouts

RUNNING = "running"
_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Container:
    """A container of the app. `memory` in bytes, None where it doesn't run; `state` is docker's word."""

    name: str
    version: Version
    component: str
    image: str
    state: str
    exit: int
    out_of_memory: bool
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
    control_of: Version | None = None
    """The version whose image it is a fresh process of, beside a canary."""

    @property
    def running(self) -> bool:
        return self.container is not None and self.container.state == RUNNING

    @property
    def healthy(self) -> bool:
        return self.complete and self.running and self.program is not None and self.health == 200


@dataclass(frozen=True)
class Routed:
    """A routing table as found. `at` is when it went live, `written` the same by the host's own clock.

    Both in seconds since 1970. Between hosts only `at` can be compared, with the host's clock only `written`.
    """

    number: int
    table: Table
    previous: Version | None
    at: float
    written: float
    by: str = ""
    rollout: Rollout | None = None


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
    numbers: tuple[int, ...]
    """All routing tables on disk, those too that make no sense."""
    linked: int | None
    """The table that `live` leads to, whether it makes sense or not."""
    previews: Mapping[str, str]
    slots: Mapping[int, str]
    strays: tuple[Container, ...]
    """Containers that serve visitors of versions that are not installed."""
    audit: tuple[Mapping[str, Any], ...]
    holder: Mapping[str, Any] | None = None
    """Who holds the lock; it may be we."""
    certificates: Mapping[str, float] | None = field(default_factory=dict)
    """When certificates end, in seconds since 1970, by folder; None on a host whose bootstrap knew none yet."""
    workers: tuple[Container, ...] = ()
    """The containers of all components but `web`, of whatever version."""
    programs: Mapping[str, str] = field(default_factory=dict)
    """supervisord's programs of the app, each with its state."""
    jobs: Mapping[str, Job] = field(default_factory=dict)
    """What ran when, by component."""
    migrated: Mapping[Version, float] = field(default_factory=dict)
    """The versions whose migration was run, and when, in seconds since 1970."""
    addresses: Mapping[str, str] = field(default_factory=dict)
    """IP addresses of hosts that were asked for, by their names; without those that this host can't look up."""

    @property
    def containers(self) -> tuple[Container, ...]:
        """All containers of the app."""
        return (*(one.container for one in self.installed if one.container), *self.strays, *self.workers)

    @property
    def last_number(self) -> int:
        return max(self.numbers, default=0)

    def find(self, version: Version) -> Installed | None:
        return next((one for one in self.installed if one.release.version == version), None)

    def owns_its_slot(self, release: Release) -> bool:
        """False where another release that is there has the slot: a folder made by hand claims what isn't its own."""
        leads = self.slots.get(release.slot)
        return not any(leads == f"../releases/{one.release}" for one in self.installed if one.release != release)

    @property
    def serving(self) -> tuple[Release, ...]:
        """The releases that live traffic goes to: what the buckets really lead to, described or not."""
        described = self.live.table.releases if self.live else ()
        real = (Release.from_folder(folder) for folder in self.counts)
        return tuple(dict.fromkeys(one for one in (*described, *real) if one))

    @property
    def unfinished(self) -> Mapping[str, Any] | None:
        """The work that began and never said how it ended: its process was killed, or the host died."""
        last = self.audit[-1] if self.audit else None
        return last if last and last.get("outcome") == "began" else None


def digest(text: str) -> str:
    """A file's content in short, to see whether it differs from what it should be."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def decode(host: Host, text: str) -> dict[str, Any]:
    """The JSON object that a host printed; raises StepFailed."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        said = one_line(text[:60].strip()) or "nothing"
        raise StepFailed(f"{host}: its answer is not JSON: {said}\nDoes its login shell print something?")
    return found


def parse(host: Host, layout: Layout, answer: Any) -> Facts:
    """Read a host's answer; raises StepFailed where it is not what templates/host/onhost.py gives.

    What doesn't make sense on the host's disk is left out, not guessed at.
    """
    _check_form(host, answer)
    containers = [found for one in answer["containers"] if (found := _container(one))]
    by_name = {one.name: one for one in containers}
    installed = tuple(
        _installed(layout, release, found, answer, by_name)
        for folder, found in sorted(answer["releases"].items())
        if (release := Release.from_folder(folder))
    )
    known = {one.release.version for one in installed}
    tables = {number: _routed(number, found) for number, found in _numbered(answer["tables"]).items()}
    live = mapping(answer["live"])
    counts = mapping(live.get("counts"))
    number = _number(text(live.get("link")).removeprefix("routes/"))
    return Facts(
        host=host,
        clock=answer["clock"],
        disk_free=answer["disk_free"],
        site=None if answer["site"] is None else digest(answer["site"]),
        installed=installed,
        live=tables.get(number) if number is not None else None,
        tables=tuple(found for _, found in sorted(tables.items()) if found),
        counts={folder: count for folder, count in counts.items() if whole(count)},
        numbers=tuple(sorted(tables)),
        linked=number,
        previews={name: found for name, found in answer["versions"].items() if text(found)},
        slots={slot: found for slot, found in _numbered(answer["slots"]).items() if text(found)},
        strays=tuple(one for one in containers if one.component == WEB and one.version not in known),
        audit=tuple(entry(one) for one in answer["audit"] if isinstance(one, dict)),
        holder=None if answer["holder"] is None else holder(answer),
        certificates=None if answer["certificates"] is None else ends(answer["certificates"]),
        workers=tuple(one for one in containers if one.component != WEB),
        jobs={printable(part): job for part, found in answer["jobs"].items() if (job := _job(found))},
        migrated=_migrated(answer.get("migrations")),
        addresses={name: one for name, one in mapping(answer.get("addresses")).items() if is_address(text(one))},
        programs={name: state for name, state in answer["programs"].items() if _CONTAINER.fullmatch(name)},
    )


_FORM: Mapping[str, tuple[type, ...]] = {
    "clock": (int, float),
    "disk_free": (int,),
    "site": (str, type(None)),
    "live": (dict, type(None)),
    "tables": (dict,),
    "releases": (dict,),
    "versions": (dict,),
    "slots": (dict,),
    "containers": (list,),
    "programs": (dict,),
    "audit": (list,),
    "jobs": (dict,),
    "certificates": (dict, type(None)),
}


def _check_form(host: Host, answer: Any) -> None:
    found = mapping(answer)
    wrong = [key for key, kinds in _FORM.items() if type(found.get(key, ...)) not in kinds]
    if wrong or "holder" not in found or seconds(found["clock"]) is None:
        raise StepFailed(
            f"{host}: its answer makes no sense ({', '.join(wrong) or 'clock or holder'}).\n"
            "Does its login shell print or replace something? See: inv bootstrap"
        )


def _installed(
    layout: Layout,
    release: Release,
    found: object,
    answer: Mapping[str, Any],
    containers: Mapping[str, Container],
) -> Installed:
    description = mapping(mapping(found).get("description"))
    at = seconds(description.get("at"))
    health = mapping(found).get("health")
    name = layout.container(release.version)
    links = (answer["versions"].get(str(release.version)), answer["slots"].get(str(release.slot)))
    return Installed(
        release=release,
        complete=at is not None
        and description.get("version") == str(release.version)
        and links == (f"../releases/{release}",) * 2,
        installed_at=at or 0.0,
        health=health if whole(health) else None,
        container=containers.get(name),
        program=text(answer["programs"].get(name)) or None,
        control_of=_version(description.get("control_of")),
    )


def _container(found: object) -> Container | None:
    """A container of ours; None for one that somebody else labelled."""
    about = mapping(found)
    version, name, memory = _version(about.get("version")), text(about.get("name")), about.get("memory")
    if not version or not _CONTAINER.fullmatch(name) or not whole(about.get("exit")):
        return None
    return Container(
        name=name,
        version=version,
        component=printable(text(about.get("component"))) or WEB,
        image=text(about.get("image")),
        state=text(about.get("state")),
        exit=about["exit"],
        out_of_memory=about.get("oom") is True,
        memory=memory if whole(memory) else None,
    )


def _job(found: object) -> Job | None:
    """What ran when, of a job; None where its file can't be read."""
    about = mapping(mapping(found).get("record"))
    claimed, code, skipped = seconds(about.get("claimed")), about.get("exit"), about.get("skipped")
    if claimed is None:
        return None
    return Job(
        claimed=claimed,
        begun=seconds(about.get("begun")),
        ended=seconds(about.get("ended")),
        exit=code if whole(code) else None,
        seconds=seconds(about.get("seconds")),
        skipped=skipped if whole(skipped) else 0,
        under_way=mapping(found).get("under_way") is True,
    )


def _routed(number: int, found: object) -> Routed | None:
    about = mapping(found)
    live, canary, control = (Release.from_folder(text(about.get(one))) for one in ("live", "canary", "control"))
    share, at = about.get("share", 0), seconds(about.get("at", 0))
    written = seconds(about.get("written", at))
    if not live or at is None or written is None or not whole(share) or not 0 <= share <= BUCKETS:
        return None
    return Routed(
        number=number,
        table=Table(live, canary, Percent(share if canary else 0), control if canary else None),
        previous=_version(about.get("previous")),
        at=at,
        written=written,
        by=printable(text(about.get("by"))),
        rollout=rollouts.parse(about.get("rollout")),
    )


def holder(answer: Mapping[str, Any]) -> Mapping[str, str]:
    """Who holds the lock, by a host's answer: each word on one line."""
    return {one_line(key): one_line(str(value)) for key, value in mapping(answer.get("holder")).items()}


def entry(found: Mapping[str, object]) -> Mapping[str, str]:
    """A line of the audit file, which people are shown."""
    return {printable(key): printable(str(value)) for key, value in found.items()}


def ends(found: Mapping[str, object]) -> dict[str, float]:
    """When certificates end, by their folders."""
    ends = {name: seconds(mapping(about).get("not_after")) for name, about in found.items()}
    return {printable(name): end for name, end in ends.items() if end is not None}


def _numbered(found: Mapping[str, Any]) -> dict[int, Any]:
    return {number: value for name, value in found.items() if (number := _number(name)) is not None}


def _number(name: str) -> int | None:
    """A number as depl writes it: 007 is another folder than 7."""
    return int(name) if re.fullmatch(r"0|[1-9][0-9]{0,17}", name) else None


def mapping(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


def text(found: object) -> str:
    return found if isinstance(found, str) else ""


def whole(found: object) -> TypeGuard[int]:
    return type(found) is int


def seconds(found: object) -> float | None:
    """A time since 1970, not of another millennium; None for what is none."""
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < 1e11:
        return None
    return float(found)


def _migrated(found: object) -> dict[Version, float]:
    entries = map(mapping, found if isinstance(found, list) else [])
    known = {version: seconds(one.get("at")) for one in entries if (version := _version(one.get("version")))}
    return {version: at for version, at in known.items() if at is not None}


def _version(found: object) -> Version | None:
    try:
        return Version.parse(text(found))
    except BadInput:
        return None
