"""Carry out a plan: phase by phase, hosts side by side, and put everything back when a step fails."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from threading import Event, Lock

from ..commands import Argv
from ..errors import DeplError, StepFailed, Unreachable
from ..model.environment import Host
from ..plan.steps import Phase, Plan, Step
from .report import Progress, Report
from .ssh import Fleet, Remote


class _Failure(Exception):
    """A step's failure on its way from a host's thread to the main one."""

    def __init__(self, step: Step, reason: str, log: str) -> None:
        super().__init__(reason)
        self.step, self.reason, self.log = step, reason, log


def execute(plan: Plan, fleet: Fleet, report: Report) -> None:
    """Run all phases; raises StepFailed after what was done has been undone on all hosts.

    Whatever else ends it, an interrupt (Ctrl-C, a stopped build) above all, lets the steps under
    way come to their end, undoes what was done, and goes on as it came.
    """
    run = _Run(fleet)
    for phase in plan.phases:
        try:
            with report.phase(phase.name) as progress:
                failures = run.phase(phase, progress)
                if failures:
                    raise _stepfailed(phase, failures)
        except BaseException as error:
            unclean = run.undo()
            if isinstance(error, StepFailed):
                raise _with_aftermath(error, unclean) from None
            raise


class _Run:
    """What was done on which host, so that it can be undone."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._done: dict[Host, list[Step]] = defaultdict(list)
        self._stop = Event()
        # An interrupt comes while steps are under way: a host's undo waits for the end of its step.
        self._busy = {host: Lock() for host in fleet.remotes}

    def phase(self, phase: Phase, progress: Progress) -> dict[Host, _Failure]:
        """Run a phase's steps on all its hosts; returns where they failed."""

        def on_host(remote: Remote) -> None:
            with self._busy[remote.host]:
                for step in phase.steps[remote.host]:
                    if self._stop.is_set():
                        return
                    # Noted before it runs: a step that broke off half-way is undone like one that ended.
                    self._done[remote.host].append(step)
                    said = _run_step(remote, step)
                    if step.tells:
                        progress.tell(said)

        outcomes = self._fleet.each(on_host, [host for host, steps in phase.steps.items() if steps])
        for outcome in outcomes.values():
            if isinstance(outcome, Exception) and not isinstance(outcome, _Failure):
                raise outcome
        return {host: outcome for host, outcome in outcomes.items() if isinstance(outcome, _Failure)}

    def undo(self) -> dict[Host, str]:
        """Put back what was done, newest first; returns the hosts where that failed, with the reason."""
        self._stop.set()

        def on_host(remote: Remote) -> None:
            with self._busy[remote.host]:
                for step in reversed(self._done[remote.host]):
                    if step.undo:
                        result = remote.run(step.undo, timeout=120)
                        if not result.ok:
                            raise DeplError(f"undo of “{step.why}”: {result.said}")

        outcomes = self._fleet.each(on_host, [host for host, steps in self._done.items() if steps])
        return {host: str(outcome) for host, outcome in outcomes.items() if isinstance(outcome, Exception)}


def _run_step(remote: Remote, step: Step) -> str:
    try:
        result = remote.run(step.argv, step.input, step.timeout)
    except Unreachable as error:
        raise _Failure(step, str(error), "") from None
    if result.ok or step.forgiven:
        lines = result.out.split("\n")
        return next((line for line in reversed(lines) if line.strip()), "")
    raise _Failure(step, result.said, _evidence(remote, step.evidence))


def _evidence(remote: Remote, argv: Argv) -> str:
    if not argv:
        return ""
    try:
        result = remote.run(argv, timeout=20)
    except Unreachable:
        return ""
    return result.out + result.err


def _stepfailed(phase: Phase, failures: Mapping[Host, _Failure]) -> StepFailed:
    host, first = next(iter(failures.items()))
    others = [str(one) for one in failures if one != host]
    also = f" (and {', '.join(others)})" if others else ""
    return StepFailed(f"{host}{also}: {first.step.why}: {first.reason}", first.log)


def _with_aftermath(error: StepFailed, unclean: Mapping[Host, str]) -> StepFailed:
    if not unclean:
        return error
    hosts = "; ".join(f"{host}: {reason.splitlines()[0]}" for host, reason in unclean.items())
    error.message = f"{error}\nNot put back everywhere: {hosts}.\nSee what is where: inv status"
    return error
