"""Which share of users goes to which release.

nginx hashes a user's sticky id into one of 1000 buckets; a table says for each bucket which
release serves it. Tables are immutable and numbered; a host's `live` link points at one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from .percent import BUCKETS, NOBODY, Percent
from .release import Release
from .version import Version


@dataclass(frozen=True)
class Table:
    """One routing table: everyone goes to `live`, but the canary's share to `canary`.

    `control` gets as many users as the canary, while there are so many left: the live version's image in a fresh
    process, as the canary is one.
    """

    live: Release
    canary: Release | None = None
    share: Percent = NOBODY
    control: Release | None = None

    @property
    def control_share(self) -> Percent:
        return Percent(min(self.share.buckets, BUCKETS - self.share.buckets)) if self.control else NOBODY

    @property
    def releases(self) -> tuple[Release, ...]:
        """All that the table names: live, and canary and control where they are."""
        return tuple(one for one in (self.live, self.canary, self.control) if one)

    def buckets(self) -> tuple[Release, ...]:
        """The release of each of the 1000 buckets.

        The canary's buckets are counted from an offset that its version decides, so that it is
        not always the same users who meet a new version first. A larger share keeps all the
        buckets of a smaller one: nobody is moved back when a canary grows. The control arm's
        buckets are counted from the same place in the other direction.
        """
        table = [self.live] * BUCKETS
        if self.canary:
            first = offset(self.canary.version)
            for step in range(self.control_share.buckets):
                table[(first - 1 - step) % BUCKETS] = self.control or self.live
            for step in range(self.share.buckets):
                table[(first + step) % BUCKETS] = self.canary
        return tuple(table)


def offset(version: Version) -> int:
    """The first bucket of a version's canary: a hash, so that it is the same on every host."""
    return int.from_bytes(hashlib.sha256(str(version).encode()).digest()[:8], "big") % BUCKETS
