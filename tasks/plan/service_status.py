"""What `inv services.status` says: each service as a row, and what is wrong in words."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..model.layout import ServiceLayout
from .service_facts import Found, ServiceFacts
from .wishes import Estate


@dataclass(frozen=True)
class Row:
    """One service. `memory` and `data` in bytes; `backup` is the newest one's name, "" where there is none."""

    service: str
    kind: str
    host: str
    state: str
    health: str
    memory: int | None
    data: int | None
    backup: str
    apps: str

    def cells(self) -> list[str]:
        return [self.service, self.kind, self.host, self.state, self.health, _size(self.memory), _size(self.data),
                self.backup or "none", self.apps or "-"]  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def _size(size: int | None) -> str:
    return "-" if size is None else f"{(size + 2**19) // 2**20} MB"


def rows(estate: Estate, facts: Sequence[ServiceFacts]) -> list[Row]:
    """All services, by name; those of hosts that did not answer are left out."""
    answers = {one.host.name: one for one in facts}
    return [
        _row(estate, name, answers[service.host].services[name])
        for name, service in sorted(estate.environment.services.items())
        if service.host in answers
    ]


def _row(estate: Estate, name: str, found: Found) -> Row:
    service = estate.environment.services[name]
    return Row(
        service=name,
        kind=service.kind,
        host=service.host,
        state=found.state or "not there",
        health=found.trouble or "ok",
        memory=found.memory,
        data=found.bytes,
        backup=max(found.backups, default="").partition(".")[0],
        apps=", ".join(estate.apps_of(name)),
    )


def notes(estate: Estate, facts: Sequence[ServiceFacts]) -> list[str]:
    """A line for each thing that wants doing, with what to type."""
    lines = [
        f"{row.service} on {row.host}: {row.health}.  again: inv {estate.verbs}.up"
        f"   its log: inv {estate.verbs}.logs {row.service}"
        for row in rows(estate, facts)
        if row.health != "ok"
    ]
    for one in facts:
        for name, found in sorted(one.services.items()):
            if found.state and estate.environment.services[name].host != one.host.name:
                own = estate.environment.services[name].host
                lines.append(f"{name} runs on {one.host} too, with its data; the inventory has it on {own}.")
    return lines


def where(estate: Estate, file: str, made: Collection[str]) -> list[str]:
    """A line for each backup that was made: its host and path."""
    return [
        f"{name}: {service.host}:{ServiceLayout(name).backups}/{file}"
        for name, service in sorted(estate.environment.services.items())
        if name in made
    ]
