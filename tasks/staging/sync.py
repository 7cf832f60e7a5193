"""All branches of an app as the remote has them: new ones come up, moved ones follow, ones that are gone go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import DeplError, first_line, one_line
from ..run.alone import alone
from ..run.report import Report
from .decide import Decision, decide, typed
from .mirror import Head
from .place import Place, look
from .raising import up
from .removal import follow


def sync(place: Place, report: Report, *, dry: bool) -> None:
    """Read the remote, and make true what it says; raises DeplError in the end, naming what failed.

    A second one waits for the first, and then has its own look.
    """
    path = Path(place.target.environment.cache) / f"sync-{place.app}.lock"
    with alone(path, place.target.who, lambda who: report.note(f"Waiting for another sync of {place.app}: {who}")):
        place.mirror.fetch(place.target.who, report)
        heads, odd = place.mirror.heads()
        if odd:
            report.note(f"Note: left out, since no app can have such a name: {_listed(odd)}")
        decision = decide(place.app, heads, look(place), place.branches.skip, place.branches.limit)
        _tell(decision, place, report)
        if dry:
            _say(decision, report)
            return
        failed = [standing.branch.name for standing in decision.failed] + _do(place, decision, report)
    same = f"{len(decision.same)} as before"
    done = f"{len(decision.rise)} to bring up, {len(decision.fall)} to take down, {same}"
    if failed:
        raise DeplError(f"{place.app}: {done}. Not as the remote has them: {_listed(failed)}.\nSee: inv branch.list")
    report.done(f"All branches of {place.app} are as the remote has them: {done} ({report.seconds:.1f} s).")


def _do(place: Place, decision: Decision, report: Report) -> list[str]:
    """Carry it out, one branch after the other, whatever becomes of the others; returns the names of what failed."""
    failed = []
    for name, act in _acts(place, decision, report):
        try:
            act()
        except DeplError as error:
            report.line(str(error))
            failed.append(name)
        except Exception as error:  # noqa: BLE001
            # Nothing that one branch does keeps the others from their turn.
            report.line(f"{name}: unexpected: {one_line(first_line(error)):.300}")
            failed.append(name)
    return failed


def _acts(place: Place, decision: Decision, report: Report) -> list[tuple[str, Callable[[], None]]]:
    # What goes makes room for what comes.
    falls = [(one.branch.name, lambda one=one: follow(place, one.branch.name, report)) for one in decision.fall]
    rises = [(head.name, lambda head=head: up(place, head, look(place), report)) for head in decision.rise]
    return [*falls, *rises]


def _tell(decision: Decision, place: Place, report: Report) -> None:
    """What is left as it is, though the remote has it otherwise."""
    for one in decision.failed:
        why = one.failed.why if one.failed else ""
        report.note(
            f"Note: {one.branch.name} failed before at its newest commit, and is not tried again: {why}\n"
            f"  try: inv branch.up --app {place.app} --branch {typed(one.branch.name)}"
        )
    if decision.skipped:
        report.note(f"Left out by depl_branches.skip: {_listed([head.name for head in decision.skipped])}")
    if decision.full:
        report.note(
            f"Note: no room for {_listed([head.name for head in decision.full])}: "
            f"depl_branches.limit is {place.branches.limit}."
        )


def _say(decision: Decision, report: Report) -> None:
    for one in decision.fall:
        report.line(f"Would take {one.branch.name} down.")
    for head in decision.rise:
        report.line(f"Would bring {head.name} up at {_about(head)}.")
    if not decision.fall and not decision.rise:
        report.line("Nothing to do.")


def _about(head: Head) -> str:
    return f"{head.commit.short} ({head.commit.author}: {head.commit.subject:.50})"


def _listed(names: Sequence[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
