"""A branch goes, and all that was its own: on the staging host, in services, in the registry, on this machine."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial

from ..errors import DeplError, StepFailed
from ..run import alone, images, registry
from ..run.report import Report
from . import plans
from .decide import is_skipped
from .place import Place, lock_of, look, on_branch, one_at_a_time, write_down


def follow(place: Place, name: str, report: Report) -> None:
    """Take a branch down that is gone from git, unless it is there again when its turn comes; raises DeplError."""
    with one_at_a_time(place, name, report):
        place.mirror.fetch(place.target.who, report)
        if place.mirror.find(name):
            report.note(f"{name} is in git again: left as it is.")
        else:
            _down(place, name, report)


def down(place: Place, name: str, report: Report) -> None:
    """Take a branch down, whether git has it or not, and say where that will not last."""
    with one_at_a_time(place, name, report):
        _down(place, name, report)
    if not is_skipped(name, place.branches.skip) and _is_in_git(place, name, report):
        report.note(
            f"Note: {name} is still in git: the next branch.sync brings it up again.\n"
            "  Delete it there, or name it in depl_branches.skip."
        )


def _is_in_git(place: Place, name: str, report: Report) -> bool:
    """Whether the remote has a branch, or had it when it was last asked; where nobody knows, it hasn't."""
    with suppress(DeplError):
        place.mirror.fetch(place.target.who, report)
    try:
        return place.mirror.find(name) is not None
    except DeplError:
        return False


def _down(place: Place, name: str, report: Report) -> None:
    """Can be done again after whatever cut it short."""
    began = report.seconds
    # Looked for in its turn: somebody else may have taken it down by now, and its label may be another branch's.
    standing = look(place).find(place.app, name)
    if not standing:
        report.line(f"Nothing to do: {name} is down already.")
        return
    target = place.of(standing)
    report.title(f"branch.down {name} on {place.host} ({target.environment.name})")
    with on_branch("branch.down", target, report) as work:
        with suppress(StepFailed):  # a full disk must not keep anybody from making room
            # First, so that no sync takes what is left of it for what it was.
            write_down(work, replace(standing, commit=None, at=None, failed=None, coming=None))
        work.carry_out(partial(plans.remove, work.target), f"end {name}")
        # A registry that refuses keeps no database: it comes after services.
        work.finish(plans.reclaim(work.target, standing.services), f"reclaim what {name} had")
        with report.phase("registry"):
            registry.forget(target, report)
        with report.phase("builds"):
            images.forget(target)
        # With its folder last, by which the next command sees that something is left.
        work.finish(plans.forget(work.target), f"forget {name}")
    alone.forget(lock_of(place, name))
    report.done(f"{name} is down ({report.seconds - began:.1f} s).")
