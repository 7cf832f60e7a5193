"""Which app host gets which share of the visitors, as balancers know it: one bucket in 1000 at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .percent import BUCKETS


def spread(buckets: Sequence[str], hosts: Sequence[str]) -> tuple[str, ...]:
    """Give each of the hosts an equal share of the 1000 buckets, moving no more of them than that takes.

    `buckets` names the host of each bucket so far, and is empty where there was none. Whoever has more than
    the others keeps one bucket more where 1000 can't be divided.
    """
    have = Counter(buckets)
    even, more = divmod(BUCKETS, len(hosts))
    biggest = sorted(hosts, key=lambda host: -have[host])
    room = {host: even + (place < more) for place, host in enumerate(biggest)}
    kept: list[str | None] = [None] * BUCKETS
    for bucket, host in enumerate(buckets):
        if room.get(host):
            kept[bucket] = host
            room[host] -= 1
    free = (host for host in hosts for _ in range(room[host]))
    return tuple(host or next(free) for host in kept)


def stand_in(bucket: int, host: str, hosts: Sequence[str]) -> str | None:
    """Who serves a bucket whose host does not answer: the other hosts in turn; None where there is none."""
    others = [one for one in hosts if one != host]
    return others[bucket % len(others)] if others else None
