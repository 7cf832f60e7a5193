"""A version once more: its image under the next version's name, with the environment of now."""

from __future__ import annotations

from datetime import UTC, datetime

from ..commands import files
from ..model.version import Version
from ..plan import variables
from ..plan.facts import digest
from . import registry
from .images import one_at_a_time
from .ssh import Command
from .work import OnHosts


def is_live(work: OnHosts, version: Version) -> bool:
    """Whether a version is live on all hosts, with exactly the variables that it would be given now."""
    live = {one.host: one.live.table.live for one in work.facts if one.live}
    if len(live) < len(work.facts) or {release.version for release in live.values()} != {version}:
        return False
    layout = work.target.layout
    answers = work.ask(
        {host: Command(files.checksum(f"{layout.release(release)}/env")) for host, release in live.items()}
    )
    wanted = {host: digest(variables.text(work.target, version, host)) for host in answers}
    return all(answer.ok and answer.out.startswith(f"{wanted[host]} ") for host, answer in answers.items())


def name(work: OnHosts, version: Version, mark: str = "") -> Version:
    """Give the image of a version the next free version's name too; a dry run only says which that is.

    The tag ends with a `mark` where it is not to count as built. Not beside a build, which took its version's name
    when it began.
    """
    registry.must_have(work.target, version)
    if work.dry:
        return _next(work)
    with one_at_a_time(work.target, work.report):
        new = _next(work)
        registry.name_again(work.target, version, str(new) + mark, work.report)
    return new


def _next(work: OnHosts) -> Version:
    return Version.next(datetime.now(UTC), registry.taken(work.target))
