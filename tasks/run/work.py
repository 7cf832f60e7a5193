"""One piece of work on an app: connect, lock, read facts, carry out a plan, check, and write it down."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType
from typing import NoReturn, TypeVar

import invoke

from ..commands import files
from ..errors import BadConfig, DeplError, Refused, StepFailed, Unreachable
from ..model.environment import Environment, Host, names
from ..model.version import Version
from ..plan.facts import Facts
from ..plan.steps import Plan
from ..plan.wishes import Target
from . import apps, inventory, settings
from .execute import execute
from .lock import Lock, facts_command, facts_in, read_facts
from .report import Report, make
from .ssh import Command, Fleet

T = TypeVar("T")

AUDIT_SECONDS = 5


class Work:
    """An app on its hosts, connected to; with the lock held unless it only looks."""

    def __init__(self, target: Target, fleet: Fleet, report: Report, verb: str, dry: bool) -> None:
        self.target = target
        self.report = report
        self.dry = dry
        self._fleet = fleet
        self._verb = verb
        self._lock: Lock | None = None
        self.facts: Sequence[Facts] = ()

    def carry_out(self, planner: Callable[[Sequence[Facts]], Plan], what: str) -> bool:
        """Plan, run, read again; False where there was nothing to do. A dry run prints the plan instead."""
        plan = planner(self.facts)
        if self.dry:
            self._print(plan)
            return False
        if not plan or not self._lock:
            return False
        try:
            execute(plan, self._fleet, self.report, before=self._entry(what, "began"), lock=self._lock.command)
            self._look_again(planner, what)
        except BaseException as error:
            self._audit(what, f"failed: {_first_line(error)}")
            raise
        self._audit(what, "done")
        return True

    def _look_again(self, planner: Callable[[Sequence[Facts]], Plan], what: str) -> None:
        try:
            self.facts = read_facts(self._fleet, self.target)
        except (Unreachable, StepFailed) as error:
            raise StepFailed(
                f"All steps were done on all hosts, and then {_first_line(error).rstrip('.')}.\n"
                f"Whether {what} holds there is not known. When it answers again: inv status"
            ) from None
        self._check(planner)

    def _check(self, planner: Callable[[Sequence[Facts]], Plan]) -> None:
        """Plan again: what was wished for is true now, or the work has failed after all."""
        try:
            left = planner(self.facts)
        except Refused as error:
            raise StepFailed(f"All steps were done, but now: {_first_line(error)}\nSee: inv status") from None
        if left:
            step = next(steps[0] for phase in left.phases for steps in phase.steps.values() if steps)
            raise StepFailed(f"All steps were done, but “{step.why}” is still to do.\nSee: inv status")

    def newest(self) -> Version:
        """The newest version that is installed on all hosts; says which."""
        everywhere = set.intersection(
            *({one.release.version for one in facts.installed if one.complete} for facts in self.facts)
        )
        if not everywhere:
            raise Refused(f"No version of {self.target.app.name} is installed on all hosts.\nFirst: inv install")
        chosen = max(everywhere)
        self.report.note(f"No --version given: the newest installed is {chosen}.")
        return chosen

    def lock(self) -> None:
        """Take the app's lock on every host, and read the facts under it; raises Locked."""
        lock = Lock(self._fleet, self.target, self._verb, _stamp(self.target.now))
        self.facts = lock.take()
        self._lock = lock

    def unlock(self) -> None:
        """Let go of the lock, where it is ours."""
        if self._lock:
            self._lock.release()

    def read(self) -> None:
        """Read the facts of all hosts, without a lock."""
        self.facts = read_facts(self._fleet, self.target)

    def warn_of_unfinished(self) -> None:
        """Say what an earlier command began and never ended, and on which hosts."""
        found: dict[str, list[Host]] = {}
        for facts in self.facts:
            if (left := facts.unfinished) and not (self.dry and facts.holder is not None):
                live = facts.live.table.live.version if facts.live else "nothing"
                about = (
                    f"{left.get('what')} by {left.get('who')} at {left.get('at')} was cut short; live there is {live}."
                )
                found.setdefault(about, []).append(facts.host)
        for about, hosts in found.items():
            self.report.note(f"Note: on {names(hosts)}, {about}")

    def _entry(self, what: str, outcome: str) -> Command:
        """Write a line to a host's audit file. A full disk must not keep anybody from rolling back."""
        entry = {
            "at": _stamp(time.time()),
            "who": self.target.who,
            "verb": self._verb,
            "what": what,
            "outcome": outcome,
        }
        line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
        return Command(files.append(self.target.layout.audit), line, timeout=AUDIT_SECONDS, forgiven=True)

    def _audit(self, what: str, outcome: str) -> None:
        """Write down how it ended, on the hosts that can be talked to."""
        entry = self._entry(what, outcome)
        for host, answer in self._fleet.ask({host: [entry] for host in self._fleet.remotes}).items():
            if isinstance(answer, Exception) or not answer[-1].ok:
                reason = _first_line(answer) if isinstance(answer, Exception) else answer[-1].said
                self.report.note(f"Note: {host} can't write to its audit file: {reason}")

    def _print(self, plan: Plan) -> None:
        self.report.line("Nothing to do." if not plan else "Would do, in this order:")
        for phase in plan.phases:
            self.report.line(f"  {phase.name}")
            for host, steps in phase.steps.items():
                for step in steps:
                    words = " ".join((*step.argv[:2], "…") if step.input else step.argv)
                    self.report.line(f"    {host}: {step.why}  [{words:.100}]")


@contextmanager
def begin(c: invoke.Context, verb: str, app: str | None) -> Iterator[Work]:
    """Open a piece of work on one app; its lock is held until the end, but for a dry run."""
    report = make()
    with reporting(verb, report):
        target = choose(app)
        dry = bool(c.config.run.dry)
        report.title(
            f"{verb} {target.app.name} on {names(target.hosts)} ({target.environment.name}){', dry run' if dry else ''}"
        )
        with Fleet(target.hosts, target.environment) as fleet:
            _all_open(fleet)
            work = Work(target, fleet, report, verb, dry)
            with _nothing_changed():
                if dry:
                    work.read()
                else:
                    work.lock()
            work.warn_of_unfinished()
            try:
                yield work
            finally:
                work.unlock()


@contextmanager
def reporting(verb: str, report: Report) -> Iterator[None]:
    """Hand a failure to whoever keeps failures, and let a stopped build come to a clean end."""
    endings = (signal.SIGTERM, signal.SIGHUP)
    previous = [signal.signal(one, _interrupt) for one in endings]
    try:
        yield
    except DeplError as error:
        report.problem(verb, str(error))
        raise
    except OSError as error:  # this machine's own: a full disk, a missing right, an engine that went away
        failure = DeplError(f"{verb} can't go on, on this machine: {error}\nSee what is where: inv status")
        report.problem(verb, str(failure))
        raise failure from None
    except KeyboardInterrupt:
        raise DeplError(f"\nInterrupted; what {verb} had done was put back.\nSee: inv status") from None
    finally:
        for one, before in zip(endings, previous, strict=True):
            signal.signal(one, before)


def _all_open(fleet: Fleet) -> None:
    """Connect to all hosts; raises Unreachable with the first reason, and the names of all that failed."""
    failed = {host: error for host, error in fleet.open().items() if error}
    if failed:
        host, *others = failed
        also = f"The same goes for {names(others)}. " if others else ""
        raise Unreachable(f"{failed[host]}\n{also}To go on without {host}, see docs/operations.md: take a host out.")


@contextmanager
def _nothing_changed() -> Iterator[None]:
    """Say that of a failure that comes before the first step."""
    try:
        yield
    except (Unreachable, StepFailed) as error:
        first, _, more = str(error).partition("\n")
        error.message = f"{first}\nNothing was changed. {more}"
        raise


def look(target: Target, *, memory: bool = False) -> tuple[list[Facts], dict[str, str]]:
    """Read all hosts without a lock; hosts that don't answer are the second half, with the reason."""

    # Who only looks has nothing to put back: `inv status | head` may just end.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    question = [facts_command(target, memory=memory)]
    found: list[Facts] = []
    missing: dict[str, str] = {}
    with Fleet(target.hosts, target.environment) as fleet:
        opened = fleet.open()
        answers = fleet.ask({host: question for host, error in opened.items() if not error})
        for host in opened:
            try:
                found.append(facts_in(host, target, _or_raise(opened[host] or answers[host])))
            except DeplError as error:
                missing[host.name] = _first_line(error)
    return found, missing


def _or_raise(answer: T | Exception) -> T:
    if isinstance(answer, Exception):
        raise answer
    return answer


def choose(app: str | None) -> Target:
    """Read what the app and the environment are; raises BadInput and BadConfig before anything is touched."""
    settings.load()
    described = apps.load(apps.choose(app))
    environment: Environment = inventory.load(settings.environment())
    if described.name not in environment.apps:
        raise BadConfig(
            f"conf/inventory/{environment.name}: depl_apps", f"has no {described.name}, so it runs nowhere there"
        )
    return Target(described, environment, settings.who(), time.time())


def _first_line(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return (str(error) if isinstance(error, DeplError) else repr(error)).splitlines()[0]


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
