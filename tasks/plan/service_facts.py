"""What is on a host of its services: the answer of templates/host/onhost.py as typed values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import StepFailed, one_line
from ..model.environment import Host
from . import facts
from .facts import RUNNING, entry, mapping, seconds, text, whole

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*", re.ASCII)
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*", re.ASCII)


@dataclass(frozen=True)
class Found:
    """A service as found. `memory` and `bytes` (of its data) are None where it doesn't run; `state` is docker's word.

    `program` is "" where supervisord doesn't know one, or would not after a restart. `health` is "" where it answers as
    it should, else what is wrong. `apps` has a digest of each app's password.
    """

    state: str
    exit: int
    out_of_memory: bool
    image: str
    config: str
    memory: int | None
    bytes: int | None
    program: str
    health: str
    has_data: bool
    has_new: bool
    has_former: bool
    apps: Mapping[str, str]
    backups: Mapping[str, int]
    restored_at: float | None

    @property
    def running(self) -> bool:
        return self.state == RUNNING

    @property
    def trouble(self) -> str:
        """What is wrong with it, in words; "" where it is healthy."""
        if not self.state:
            return "not there"
        if not self.running:
            return "out of memory" if self.out_of_memory else f"exited {self.exit}"
        return self.health if self.program else "not watched by supervisord"

    @property
    def healthy(self) -> bool:
        return not self.trouble


@dataclass(frozen=True)
class ServiceFacts:
    """What one host says of its services, at one moment. `clock` is the host's own time."""

    host: Host
    clock: float
    disk_free: int
    services: Mapping[str, Found]
    audit: tuple[Mapping[str, Any], ...]
    holder: Mapping[str, str] | None


def parse(host: Host, answer: Any, asked: Iterable[str]) -> ServiceFacts:
    """Read a host's answer about the services that it was asked for; raises StepFailed where it is none."""
    said = mapping(answer)
    services, audit, free = (said.get(key) for key in ("services", "audit", "disk_free"))
    clock = seconds(said.get("clock"))
    told = isinstance(services, dict) and set(asked) <= services.keys()
    if not told or not isinstance(audit, list) or not whole(free) or clock is None:
        raise StepFailed(f"{host}: its answer makes no sense (services).\nIs it bootstrapped? inv bootstrap")
    return ServiceFacts(
        host=host,
        clock=clock,
        disk_free=free,
        services={name: _found(mapping(mapping(services)[name])) for name in asked},
        audit=tuple(entry(one) for one in audit if isinstance(one, dict)),
        holder=None if said.get("holder") is None else facts.holder(said),
    )


def _found(about: Mapping[str, Any]) -> Found:
    health, memory, size, image = (about.get(key) for key in ("health", "memory", "bytes", "image"))
    return Found(
        state=one_line(text(about.get("state"))),
        exit=about["exit"] if whole(about.get("exit")) else 0,
        out_of_memory=about.get("oom") is True,
        image=text(image) if _IMAGE.fullmatch(text(image)) else "",
        config=text(about.get("config")),
        memory=memory if whole(memory) else None,
        bytes=size if whole(size) else None,
        program=text(about.get("program")),
        health=one_line(health) if isinstance(health, str) else "is not running",
        has_data=about.get("data") is True,
        has_new=about.get("new") is True,
        has_former=about.get("former") is True,
        apps={name: text(digest) for name, digest in mapping(about.get("apps")).items()},
        backups={
            name: size for name, size in mapping(about.get("backups")).items() if whole(size) and _FILE.fullmatch(name)
        },
        restored_at=seconds(mapping(about.get("restored")).get("at")),
    )
