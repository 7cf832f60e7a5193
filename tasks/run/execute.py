"""Carry out a plan: phase by phase, hosts side by side, and put everything back when a step fails."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import StepFailed, first_line
from ..model.environment import Host, names
from ..plan.steps import Phase, Plan, Step
from .report import Progress, Report
from .ssh import Command, Fleet, Result

UNDO_SECONDS = 120
EVIDENCE_SECONDS = 20


@dataclass(frozen=True)
class _Failure:
    """Why a phase did not succeed on a host, and the last lines of what failed there; `phase` as StepFailed has it."""

    why: str
    reason: str
    log: str = ""
    phase: str = ""


def execute(plan: Plan, fleet: Fleet, report: Report, *, before: Command, lock: Command) -> None:
    """Run all phases; raises StepFailed after what was done has been undone on all hosts.

    A phase is one request to each host, sent to all of them at once. `before` goes ahead of the first steps, on every
    host. A host whose connection broke is connected to anew for its undo, if it takes `lock`.

    Whatever else ends it, an interrupt (Ctrl-C, a stopped build) above all, lets the steps under
    way come to their end, undoes what was done, and goes on as it came.
    """
    run = _Run(fleet, lock)
    ahead: tuple[Command, ...] = (before,)
    for phase in plan.phases:
        try:
            with report.phase(phase.name) as progress:
                failures = run.phase(phase, progress, ahead)
                if failures:
                    raise _stepfailed(failures)
        except BaseException as error:
            unclean = run.undo()
            if isinstance(error, StepFailed):
                raise _with_aftermath(error, run.changed, unclean) from None
            raise
        ahead = ()


class _Run:
    """What was done on which host, so that it can be undone."""

    def __init__(self, fleet: Fleet, lock: Command) -> None:
        self._fleet, self._lock = fleet, lock
        self._done: dict[Host, list[Step]] = defaultdict(list)

    @property
    def changed(self) -> list[Host]:
        """The hosts on which there was something to undo."""
        return [host for host, steps in self._done.items() if any(step.undo for step in steps)]

    def phase(self, phase: Phase, progress: Progress, ahead: Sequence[Command]) -> dict[Host, _Failure]:
        """Run a phase's steps on all its hosts; returns where they failed."""
        asked = {host: [*ahead, *map(_command, phase.steps.get(host, ()))] for host in self._fleet.remotes}
        asked = {host: commands for host, commands in asked.items() if commands}
        for host, steps in phase.steps.items():
            # Noted before they run: a step that broke off half-way is undone like one that ended.
            self._done[host] += steps
        failures = {}
        for host, answer in self._fleet.ask(asked).items():
            steps = phase.steps.get(host, ())
            if isinstance(answer, Exception):
                failures[host] = _Failure(phase.name, first_line(answer))
                continue
            results = answer[len(ahead) :]
            for step, result in zip(steps, results, strict=False):
                if step.tells and result.ok:
                    progress.tell(_last_line(result))
            if len(results) < len(steps) or (results and not results[-1].ok and not steps[-1].forgiven):
                failed = steps[len(results) - 1] if results else steps[0]
                # What came after it was not begun.
                del self._done[host][len(self._done[host]) - len(steps) + max(1, len(results)) :]
                said = results[-1].said if results else answer[-1].said
                failures[host] = _Failure(failed.why, said, self._evidence(host, failed), phase.name if results else "")
        return failures

    def _evidence(self, host: Host, step: Step) -> str:
        if not step.evidence:
            return ""
        answer = self._fleet.ask({host: [Command(step.evidence, timeout=EVIDENCE_SECONDS)]})[host]
        return "" if isinstance(answer, Exception) else answer[-1].out + answer[-1].err

    def undo(self) -> dict[Host, str]:
        """Put back what was done, newest first; returns the hosts where that failed, with the reason."""
        undos = {host: [step for step in reversed(self._done[host]) if step.undo] for host in self.changed}
        unclean: dict[Host, str] = {}
        # Whoever can be talked to comes first: hosts that are gone may take long to say so.
        gone = self._put_back(undos, (), unclean)
        back = self._fleet.open(gone)
        unclean |= {host: first_line(error) for host, error in back.items() if error}
        again = {host: undos[host] for host in gone if not back[host]}
        for host in self._put_back(again, (self._lock,), unclean):
            unclean[host] = f"{host}: the connection broke again"
        return unclean

    def _put_back(
        self, undos: Mapping[Host, Sequence[Step]], ahead: Sequence[Command], unclean: dict[Host, str]
    ) -> list[Host]:
        """Undo steps; notes where that failed, and returns the hosts that can't be talked to."""
        asked = {
            host: [*ahead, *(Command(step.undo, timeout=UNDO_SECONDS) for step in steps)]
            for host, steps in undos.items()
        }
        gone = []
        for host, answer in self._fleet.ask(asked).items():
            if isinstance(answer, Exception):
                gone.append(host)
            elif not answer[-1].ok:
                place = len(answer) - 1 - len(ahead)
                what = f"undo of “{undos[host][place].why}”" if place >= 0 else "its lock"
                unclean[host] = f"{host}: {what}: {answer[-1].said}"
        return gone


def _command(step: Step) -> Command:
    return Command(step.argv, step.input, step.timeout, step.forgiven)


def _last_line(result: Result) -> str:
    return next((line for line in reversed(result.out.split("\n")) if line.strip()), "")


def _stepfailed(failures: Mapping[Host, _Failure]) -> StepFailed:
    host, first = next(iter(failures.items()))
    others = [one for one in failures if one != host]
    also = f" (and {names(others)})" if others else ""
    reason = first.reason.removeprefix(f"{host}: ")
    return StepFailed(f"{host}{also}: {first.why}: {reason}", first.log, phase=first.phase)


def _with_aftermath(error: StepFailed, changed: Iterable[Host], unclean: Mapping[Host, str]) -> StepFailed:
    """Say what the other hosts did: what was put back, what was not, and how to go on without a host that is gone."""
    back = [host for host in changed if host not in unclean]
    if back:
        error.message = f"{error}\nPut back on {names(back)}."
    if unclean:
        error.message = (
            f"{error}\nNot put back everywhere: {'; '.join(one.rstrip('.') for one in unclean.values())}.\n"
            "It begins nothing more by itself. When it answers again: inv status. To go on without it, "
            "see docs/operations.md: a host leaves."
        )
    return error
