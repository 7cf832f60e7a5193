"""Bring one host to what is live on the others, before any visitor is sent to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ..errors import Refused
from ..model.environment import Host
from ..model.version import Version
from . import install, promote, workers
from .facts import Facts, Routed
from .steps import Plan, together
from .wishes import Target


def example(host: Host, busy: Collection[str], facts: Sequence[Facts]) -> Routed | None:
    """What is live on the hosts that get traffic (`busy`), but for this one; None where none of them answers."""
    live = [one.live for one in facts if one.host.name in busy and one.host != host and one.live]
    if len({_versions(one) for one in live}) > 1:
        raise Refused(
            f"The hosts do not agree on what is live, so there is nothing that {host} could have too.\n"
            "First see which it is to be: inv status"
        )
    return max(live, key=lambda one: one.at, default=None)


def versions(host: Host, like: Routed, facts: Sequence[Facts]) -> tuple[Version, ...]:
    """What must be installed on the host, oldest first: live, the canary, and the way back if others still have it."""
    kept = {one.release.version for found in facts if found.host != host for one in found.installed if one.complete}
    back = {like.previous} & kept
    return tuple(sorted({*(one.version for one in like.table.releases), *(one for one in back if one)}))


def release(target: Target, host: Host, version: Version, busy: Collection[str], facts: Sequence[Facts]) -> Plan:
    """Install a version on the host; without traffic, on a sick release of what is live there too."""
    (found,) = (one for one in facts if one.host == host)
    if host.name not in busy:
        found = replace(found, live=None, counts={})
    controls = {one.release.version: one.control_of for each in facts for one in each.installed}
    return install.plan(target, version, [found], controls.get(version))


def table(target: Target, host: Host, like: Routed, facts: Sequence[Facts]) -> Plan:
    """Give the host the table of the others: live, canary and its share, the way back."""
    found, fleet = _beside(host, facts)
    return promote.same(target, like, found, fleet)


def hand_over(target: Target, host: Host, facts: Sequence[Facts]) -> Plan:
    """End the workers that the host has of what is not live any more, and the jobs that others have taken over."""
    found, fleet = _beside(host, facts)
    return together(workers.PHASES, {host: {"hand over": workers.finish(target, found, fleet)}})


def _beside(host: Host, facts: Sequence[Facts]) -> tuple[Facts, list[Facts]]:
    """A host, and all of them with this one as the last: a job that others run too is theirs."""
    (found,) = (one for one in facts if one.host == host)
    return found, [*(one for one in facts if one.host != host), found]


def _versions(live: Routed) -> tuple[tuple[Version, ...], int]:
    return tuple(one.version for one in live.table.releases), live.table.share.buckets
