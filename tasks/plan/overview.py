"""What `inv status` says: the facts of all hosts as rows, and in one sentence."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..model.environment import Host
from ..model.layout import tls_folder
from ..model.percent import BUCKETS, Percent
from . import hosts, migrate, rehearsal
from .balancer import Balancer
from .facts import RUNNING, Container, Facts, Installed
from .wishes import Target

ONE_OFF = (migrate.PART, rehearsal.PART)
"""Components whose containers end with the command that made them."""
EXPIRES_SOON = 21 * 86400
"""Seconds left of a certificate from when on it is spoken of: a renewal that works has come by then."""


@dataclass(frozen=True)
class Row:
    """One release on one host. `share` in buckets of 0.1 %, `memory` in bytes, `since` in seconds since 1970."""

    host: str
    version: str
    slot: int
    share: int
    state: str
    health: str
    since: float
    memory: int | None

    def cells(self, now: float, out: Collection[str] = ()) -> list[str]:
        """The row as a table's cells; hosts that are `out` get no traffic."""
        share = f"{self.share * 100 / BUCKETS:g} %" if self.share else "-"
        memory = f"{self.memory / 2**20:.0f} MB" if self.memory else "-"
        host = f"{self.host} (out)" if self.host in out else self.host
        return [
            self.version,
            host,
            str(self.slot),
            share,
            self.state,
            self.health,
            f"{span(now - self.since)} ago",
            memory,
        ]

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "share": self.share * 100 / BUCKETS}


def span(seconds: float) -> str:
    for size, word in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {word}"
    return f"{max(0, seconds):.0f} s"


def rows(facts: Sequence[Facts]) -> list[Row]:
    """All releases, newest version first, each with its hosts side by side."""
    found = [_row(one, installed) for one in facts for installed in one.installed]
    return sorted(found, key=lambda row: (tuple(-int(part) for part in row.version.split(".")), row.host))


def _row(facts: Facts, found: Installed) -> Row:
    release = found.release
    return Row(
        host=facts.host.name,
        version=str(release.version),
        slot=release.slot,
        share=facts.counts.get(str(release), 0),
        state=_state(facts, found),
        health=_health(found),
        since=found.installed_at,
        memory=found.container.memory if found.container else None,
    )


def _state(facts: Facts, found: Installed) -> str:
    if not found.complete:
        return "incomplete"
    if facts.live and facts.live.table.live == found.release:
        return "live"
    if facts.live and facts.live.table.control == found.release:
        return "control"
    if found.release in facts.serving:
        return "canary"
    return "ready" if found.running else "stopped"


def _health(found: Installed) -> str:
    if found.health == 200 and found.running:
        return "ok"
    if not found.container:
        return "no container"
    if not found.running:
        return "out of memory" if found.container.out_of_memory else f"exited {found.container.exit}"
    return f"HTTP {found.health}" if found.health else "no answer"


def under_way(facts: Sequence[Facts]) -> list[str]:
    """A line for each piece of work that goes on now, or that was cut short."""
    lines = []
    for one in facts:
        if one.holder is not None:
            who, verb, since = (one.holder.get(key, "?") for key in ("who", "verb", "since"))
            lines.append(f"{one.host}: {who} is at work: {verb}, since {since}.")
        elif left := one.unfinished:
            lines.append(f"{one.host}: {left.get('what')} by {left.get('who')} at {left.get('at')} was cut short.")
        if one.holder is None:
            lines += [_one_off(one.host, found) for found in one.workers if found.component in ONE_OFF]
    return lines


def _one_off(host: Host, found: Container) -> str:
    """A container that should have gone with the command that made it."""
    state = "still runs" if found.state == RUNNING else f"exited {found.exit}"
    again = "inv migrate" if found.component == migrate.PART else "inv migrate --rehearse"
    return (
        f"{host}: {found.name} is left of a command that was cut short; it {state}.  "
        f"again: {again} --version {found.version}"
    )


def balance(
    target: Target, balancers: Sequence[Balancer], facts: Sequence[Facts], missing: Mapping[str, str]
) -> list[str]:
    """A line for each host without traffic, and for each balancer that doesn't do what the newest table says."""
    lines = []
    live = {one.host: one.live.table.live.version if one.live else "nothing" for one in facts}
    out = hosts.out(target, balancers)
    for host in out:
        state = f"did not answer ({missing[host.name]})" if host.name in missing else f"live there is {live[host]}"
        lines.append(f"{host} gets no traffic; {state}.  back: inv hosts.add {host}")
    busy = hosts.rotation(target, balancers)
    behind = hosts.behind(target, balancers)
    if behind and busy:
        lines.append(f"{', '.join(behind)}: visitors are not spread as they should be.  again: inv hosts.add {busy[0]}")
    return lines


def expiring(facts: Sequence[Facts | Balancer], names: Iterable[str], now: float) -> list[str]:
    """A line for each of the named certificates that ends soon, or has ended."""
    hosts: dict[tuple[str, float], list[str]] = {}
    for one in facts:
        for name in names:
            end = (one.certificates or {}).get(tls_folder(name), math.inf)
            if end - now < EXPIRES_SOON:
                hosts.setdefault((name, end), []).append(one.host.name)
    return [
        f"The certificate of {name} on {', '.join(found)} {ends(end - now)}: renew it, then inv bootstrap."
        for (name, end), found in sorted(hosts.items())
    ]


def ends(seconds: float) -> str:
    """When something ends that has so many seconds left."""
    days = int(seconds // 86400)
    return "has ended" if seconds <= 0 else f"ends in {days} day{'s' if days != 1 else ''}"


def summary(facts: Sequence[Facts], missing: Mapping[str, str]) -> str:
    """The last line: what is live, whether the hosts agree, and what to type where they don't."""
    if missing:
        return "; ".join(f"{host} did not answer: {reason}" for host, reason in missing.items())
    live = {one.host.name: one.live.table if one.live else None for one in facts}
    versions = {str(table.live.version) if table else "nothing" for table in live.values()}
    if versions == {"nothing"}:
        return "Nothing is live yet.   next: inv promote"
    if len(versions) > 1:
        each = ", ".join(f"{host} {table.live.version if table else 'nothing'}" for host, table in live.items())
        newest = str(max((one.live for one in facts if one.live), key=lambda one: one.at).table.live.version)
        others = sorted(versions - {newest, "nothing"})
        undo = f"   Undo: inv promote --version {others[-1]}" if others else ""
        return f"The hosts do not agree on what is live: {each}.\nFinish: inv promote --version {newest}{undo}"
    text = f"Live is {versions.pop()} on all hosts."
    canaries = {table.canary for table in live.values() if table and table.canary}
    if canaries:
        shares = sorted({table.share if table else Percent(0) for table in live.values()})
        text += f" Canary {min(canaries).version} gets {' or '.join(map(str, shares))} of users."
        if len(shares) > 1 or len({release.version for release in canaries}) > 1:
            text += " The hosts do not agree on it: say inv canary --percent N again."
    return text
