"""What is on the staging host: the answer of templates/host/onhost.py about branches as typed values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import StepFailed, printable
from ..model.branch import BETWEEN, Branch
from ..model.environment import Host
from ..model.release import Release
from .facts import RUNNING, mapping, seconds, text, whole


@dataclass(frozen=True)
class Commit:
    """A commit: its full id, its author's name, its time in seconds since 1970, the first line of its message."""

    id: str
    author: str
    at: float
    subject: str

    @property
    def short(self) -> str:
        return self.id[:12]

    def as_json(self) -> dict[str, object]:
        return {"id": self.id, "author": self.author, "at": self.at, "subject": self.subject}


@dataclass(frozen=True)
class Failed:
    """The newest commit that could not be brought up, when that was tried, and why it failed."""

    commit: str
    at: float
    why: str


@dataclass(frozen=True)
class Coming:
    """What a command is about to make live: a commit, the version that is built from it, and when that was."""

    commit: Commit
    version: str
    at: float


@dataclass(frozen=True)
class Standing:
    """A branch as found. `commit` and `release` are of what visitors get, None before the first.

    `memory` in bytes is of all its containers, `seen` the time of its last visitor, `at` when it came up; `asleep`
    where it waits for one.
    """

    branch: Branch
    number: int
    commit: Commit | None
    release: Release | None
    at: float | None
    by: str
    failed: Failed | None
    asleep: bool
    running: int
    memory: int
    seen: float | None
    coming: Coming | None = None
    """Written down before visitors are sent there: a command that is killed then can't say whether they were."""
    leftovers: bool = False
    """Whether there are containers of builds that are not live: a command is at work, or was killed."""
    services: tuple[str, ...] = ()
    """Those that it was given spaces in, now or by an inventory of before: where it goes, these are to be reclaimed."""

    @property
    def is_there(self) -> bool:
        """Whether visitors get something of it, at once or when it has woken."""
        return self.release is not None and (self.asleep or self.running > 0)

    def about(self) -> bytes:
        """What its branch.json has to say."""
        failed = self.failed and {"commit": self.failed.commit, "at": self.failed.at, "why": self.failed.why}
        commit = self.commit.as_json() if self.commit else None
        about = {"branch": self.branch.name, "number": self.number, "commit": commit, "at": self.at, "by": self.by}
        coming = self.coming and {
            "commit": self.coming.commit.as_json(), "version": self.coming.version, "at": self.coming.at,
        }  # fmt: skip
        return json.dumps({**about, "failed": failed, "coming": coming, "services": self.services}).encode()


@dataclass(frozen=True)
class Staging:
    """What the staging host says of all branches, at one moment. `clock` is its own time, disk and memory in bytes."""

    host: Host
    clock: float
    disk_free: int
    memory_free: int
    branches: tuple[Standing, ...]

    def find(self, app: str, name: str) -> Standing | None:
        """A branch by its name in git."""
        return next((one for one in self.branches if (one.branch.app, one.branch.name) == (app, name)), None)

    def of(self, app: str) -> tuple[Standing, ...]:
        return tuple(one for one in self.branches if one.branch.app == app)


def parse(host: Host, answer: Any) -> Staging:
    """Read a host's answer; raises StepFailed where it is none. What is no branch's folder is left out."""
    said = mapping(answer)
    clock, found = seconds(said.get("clock")), said.get("branches")
    disk, memory = said.get("disk_free"), said.get("memory_free")
    if clock is None or not isinstance(found, dict) or not whole(disk) or not whole(memory):
        raise StepFailed(f"{host}: its answer makes no sense (branches).\nIs it bootstrapped? inv bootstrap")
    standing = (_standing(folder, mapping(one)) for folder, one in sorted(found.items()))
    return Staging(host, clock, disk, memory, tuple(one for one in standing if one))


def _standing(folder: str, found: Mapping[str, Any]) -> Standing | None:
    about = mapping(found.get("about"))
    app, between, label = folder.partition(BETWEEN)
    name, number = about.get("branch"), about.get("number")
    if not between or not label or not text(name) or not whole(number):
        return None
    containers = [mapping(one) for one in found.get("containers") or ()]
    used = (one.get("memory") for one in containers)
    services = about.get("services")
    release, coming = Release.from_folder(text(found.get("live"))), _coming(mapping(about.get("coming")))
    commit, at = _commit(mapping(about.get("commit"))), seconds(about.get("at"))
    if coming and release and str(release.version) == coming.version:
        commit, at = coming.commit, coming.at
    return Standing(
        branch=Branch(app, printable(str(name)), label),
        number=number,
        commit=commit,
        release=release,
        at=at,
        by=printable(text(about.get("by"))),
        failed=_failed(mapping(about.get("failed"))),
        asleep=isinstance(found.get("asleep"), dict),
        running=sum(one.get("state") == RUNNING for one in containers),
        memory=sum(one for one in used if whole(one)),
        seen=seconds(found.get("seen")),
        coming=coming,
        services=tuple(filter(text, services)) if isinstance(services, list) else (),
        leftovers=bool({_version(one, folder) for one in containers} - {str(release.version) if release else ""}),
    )


def _version(container: Mapping[str, Any], folder: str) -> str:
    return text(container.get("name")).removeprefix(f"{folder}-").partition("-")[0]


def _commit(found: Mapping[str, Any]) -> Commit | None:
    at = seconds(found.get("at"))
    if not text(found.get("id")) or at is None:
        return None
    author, subject = (printable(text(found.get(key))) for key in ("author", "subject"))
    return Commit(text(found.get("id")), author, at, subject)


def _coming(found: Mapping[str, Any]) -> Coming | None:
    commit, at = _commit(mapping(found.get("commit"))), seconds(found.get("at"))
    version = printable(text(found.get("version")))
    return Coming(commit, version, at) if commit and version and at is not None else None


def _failed(found: Mapping[str, Any]) -> Failed | None:
    at = seconds(found.get("at"))
    if not text(found.get("commit")) or at is None:
        return None
    return Failed(text(found.get("commit")), at, printable(text(found.get("why"))))
