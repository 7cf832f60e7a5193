"""What is on a balancer: the answer of templates/host/onhost.py as typed values."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from ..errors import StepFailed
from ..model.environment import Host
from ..model.layout import way
from ..model.percent import BUCKETS
from ..model.rotation import stand_in
from .facts import digest, ends, entry

_NO_ANSWER = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
"""What reading something else than an answer of ours ends in."""


@dataclass(frozen=True)
class Shares:
    """A balancer's table: the host of each of the 1000 buckets, and the hosts' addresses by their names."""

    buckets: tuple[str, ...]
    addresses: Mapping[str, str]
    at: float = field(default=0.0, compare=False)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that get traffic."""
        return tuple(dict.fromkeys(self.buckets))

    @property
    def ways(self) -> tuple[str, ...]:
        """Where each bucket leads to: a name that tells the host's address and its stand-in's."""
        hosts = sorted(self.hosts)
        seconds = (stand_in(bucket, host, hosts) for bucket, host in enumerate(self.buckets))
        pairs = zip(self.buckets, seconds, strict=True)
        return tuple(way(self.addresses[one], self.addresses[two] if two else None) for one, two in pairs)

    @property
    def description(self) -> dict[str, object]:
        return {
            "hosts": dict(self.addresses),
            "buckets": _runs(self.buckets),
            "runs": _runs(self.ways),
        }


@dataclass(frozen=True)
class Balancer:
    """What one balancer says of one app, at one moment.

    App hosts by name: `addresses` as looked up there, `answers` is the health page's HTTP status and 0 where
    there is no answer. `number` is the live table's, and it is `intact` where its links lead as it says.
    """

    host: Host
    site: str | None
    number: int | None
    shares: Shares | None
    intact: bool
    tables: tuple[int, ...]
    addresses: Mapping[str, str]
    answers: Mapping[str, int]
    certificates: Mapping[str, float] | None
    """When they end, as an app host's facts have it."""
    audit: tuple[Mapping[str, str], ...]


def parse(host: Host, answer: Mapping[str, Any]) -> Balancer:
    """Read a balancer's answer; raises StepFailed where it is none. A table that isn't one of ours is none."""
    try:
        live = answer["live"] or {"link": "", "counts": {}}
        shares = _shares(answer["table"])
        folders = Counter(one.rpartition("/")[2] for one in shares.ways) if shares else {}
        number = live["link"].removeprefix("routes/")
        return Balancer(
            host=host,
            site=None if answer["site"] is None else digest(str(answer["site"])),
            number=int(number) if number.isdigit() else None,
            shares=shares,
            intact=live["counts"] == folders,
            tables=tuple(sorted(int(one) for one in answer["tables"])),
            addresses={name: _address(one) for name, one in answer["addresses"].items() if one},
            answers={name: int(status) for name, status in answer["answers"].items()},
            certificates=None if answer["certificates"] is None else ends(answer["certificates"]),
            audit=tuple(entry(one) for one in answer["audit"] if isinstance(one, dict)),
        )
    except _NO_ANSWER as error:
        raise StepFailed(
            f"{host}: its answer makes no sense ({type(error).__name__}).\nIs it bootstrapped? inv bootstrap"
        ) from None


def _shares(table: Any) -> Shares | None:
    if not isinstance(table, dict):
        return None
    try:
        buckets = tuple(str(name) for name, count in table["buckets"] for _ in range(min(count, BUCKETS)))
        addresses = {str(name): _address(one) for name, one in table["hosts"].items()}
        at = float(table["at"])
    except _NO_ANSWER:
        return None
    return Shares(buckets, addresses, at) if len(buckets) == BUCKETS and set(buckets) <= set(addresses) else None


def _address(text: Any) -> str:
    """An address as nginx takes it: 192.0.2.1 or [2001:db8::1]; it becomes a part of a path, so nothing else."""
    found = ipaddress.ip_address(str(text).removeprefix("[").removesuffix("]"))
    return f"[{found}]" if found.version == 6 else str(found)


def _runs(words: Sequence[str]) -> list[list[object]]:
    return [[word, len(list(same))] for word, same in groupby(words)]
