"""One piece of work on an app: connect, lock, read facts, carry out a plan, check, and write it down."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from types import FrameType
from typing import Any, Generic, NoReturn, TypeVar

import invoke

from ..commands import Argv, files
from ..errors import DeplError, Refused, StepFailed, Unreachable, first_line
from ..model.environment import Host, names
from ..model.version import Version
from ..plan import needs
from ..plan.facts import Facts
from ..plan.steps import Plan
from ..plan.wishes import Target, Wish
from .choose import choose, present, with_secrets
from .execute import execute
from .lock import Lock
from .look import out_of_rotation
from .question import Answer, Question, of_app_hosts
from .report import Report, make
from .ssh import Command, Fleet, Result, answers_of

AUDIT_SECONDS = 5


class Work(Generic[Answer]):
    """Hosts of one kind, connected to for an app; with its lock held unless this only looks."""

    def __init__(
        self, target: Wish, fleet: Fleet, report: Report, question: Question[Answer], verb: str, dry: bool
    ) -> None:
        self.target: Wish = target
        self.report = report
        self.dry = dry
        self._fleet = fleet
        self._verb = verb
        self._question = question
        self._lock: Lock[Answer] | None = None
        self._without: Collection[Host] = ()
        self.facts: Sequence[Answer] = ()
        self.later: list[Callable[[], None]] = []
        """What is to be done when the lock is free again, however this work ended."""

    def carry_out(
        self, planner: Callable[[Sequence[Answer]], Plan], what: str, then: Callable[[Plan], None] = lambda _: None
    ) -> bool:
        """Plan, run, read again; False where there was nothing to do. A dry run prints the plan instead.

        `then` hears of the plan once all its steps are done: nothing undoes them any more, whatever fails afterwards.
        """
        plan = planner(self.facts)
        if self.dry:
            self._print(plan)
            return False
        if not plan or not self._lock:
            return False
        try:
            execute(plan, self._fleet, self.report, before=self._entry(what, "began"), lock=self._lock.command)
            then(plan)
            self._look_again(planner, what)
        except BaseException as error:
            self._audit(what, f"failed: {first_line(error)}")
            raise
        self._audit(what, "done")
        return True

    def finish(self, plan: Plan, what: str) -> None:
        """Run a plan that takes away all that facts are read of, and its outcome could be written to."""
        if plan and self._lock:
            execute(plan, self._fleet, self.report, before=self._entry(what, "began"), lock=self._lock.command)

    def _look_again(self, planner: Callable[[Sequence[Answer]], Plan], what: str) -> None:
        try:
            self.read()
        except (Unreachable, StepFailed) as error:
            raise StepFailed(
                f"All steps were done on all hosts, and then {first_line(error).rstrip('.')}.\n"
                f"Whether {what} holds there is not known. When it answers again: inv status"
            ) from None
        self._check(planner)

    def _check(self, planner: Callable[[Sequence[Answer]], Plan]) -> None:
        """Plan again: what was wished for is true now, or the work has failed after all."""
        try:
            left = planner(self.facts)
        except Refused as error:
            raise StepFailed(f"All steps were done, but now: {first_line(error)}\nSee: inv status") from None
        if left:
            step = next(steps[0] for phase in left.phases for steps in phase.steps.values() if steps)
            raise StepFailed(f"All steps were done, but “{step.why}” is still to do.\nSee: inv status")

    def lock(self) -> None:
        """Take the app's lock on every host, and read the facts under it; raises Locked."""
        lock = Lock(self._fleet, self.target, self._question, self._verb, stamp(self.target.now))
        self.facts = lock.take()
        self._lock = lock

    def unlock(self) -> None:
        """Let go of the lock, where it is ours."""
        if self._lock:
            self._lock.release()

    def read(self) -> None:
        """Read the facts of all hosts that this is about."""
        answers = zip(self._fleet.remotes, self._question.ask(self._fleet), strict=True)
        self.facts = tuple(answer for host, answer in answers if host not in self._without)

    def ask(self, commands: Mapping[Host, Command]) -> dict[Host, Result]:
        """Ask hosts something by the way; raises what is wrong with the first that doesn't answer."""
        answers = answers_of(self._fleet.ask({host: [command] for host, command in commands.items()}))
        return {host: results[-1] for host, results in answers.items()}

    def feed(self, host: Host, argv: Argv, pieces: Iterable[bytes], seconds: float) -> Result:
        """Run a command on a host with a stream as its input; each piece may take so many seconds."""
        return self._fleet.remotes[host].feed(argv, pieces, seconds)

    def _entry(self, what: str, outcome: str) -> Command:
        """Write a line to a host's audit file. A full disk must not keep anybody from rolling back."""
        entry = {
            "at": stamp(time.time()),
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
                reason = first_line(answer) if isinstance(answer, Exception) else answer[-1].said
                self.report.note(f"Note: {host} can't write to its audit file: {reason}")

    def _print(self, plan: Plan) -> None:
        self.report.line("Nothing to do." if not plan else "Would do, in this order:")
        for phase in plan.phases:
            self.report.line(f"  {phase.name}")
            for host, steps in phase.steps.items():
                for step in steps:
                    words = " ".join((*step.argv[:2], "…") if step.input else step.argv)
                    self.report.line(f"    {host}: {step.why}  [{words:.100}]")


class OnHosts(Work[Facts]):
    """Work on the hosts that an app lives on."""

    target: Target

    def __init__(self, target: Target, fleet: Fleet, report: Report, verb: str, dry: bool) -> None:
        super().__init__(target, fleet, report, of_app_hosts(target), verb, dry)

    def leave_out(self, hosts: Collection[Host]) -> None:
        """Go on without some of the hosts, and say so."""
        for host in hosts:
            self.report.note(
                f"Note: {host} gets no traffic and lacks what is live: left out. Next: inv hosts.add {host}"
            )
        self._without = hosts
        self.facts = tuple(one for one in self.facts if one.host not in hosts)

    def present(self) -> Target:
        """The app with the time of now, for what is to be written down as happening now."""
        return present(self.target)

    def newest(self) -> Version:
        """The newest version that is installed on all hosts; says which."""
        everywhere = set.intersection(
            *(
                {one.release.version for one in facts.installed if one.complete and not one.control_of}
                for facts in self.facts
            )
        )
        if not everywhere:
            raise Refused(f"No version of {self.target.app.name} is installed on all hosts.\nFirst: inv install")
        chosen = max(everywhere)
        self.report.note(f"No --version given: the newest installed is {chosen}.")
        return chosen

    def warn_of_unknown(self) -> None:
        """Say which names of the inventory lead where a host can't look up."""
        for facts in self.facts:
            if lost := needs.unknown(self.target, facts):
                self.report.note(
                    f"Note: {facts.host} can't look up where depl_names leads: containers that are made there now "
                    f"don't know {', '.join(lost)}."
                )

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


AnyWork = TypeVar("AnyWork", bound=Work[Any])


@contextmanager
def begin(
    c: invoke.Context, verb: str, app: str | None, *, secrets: bool = False, aside: bool = False
) -> Iterator[OnHosts]:
    """Open a piece of work on one app; its lock is held until the end, but for a dry run.

    With `secrets` where it writes an environment: to decrypt them takes time, and a key. What
    goes on is told `aside`, on standard error, where standard output is for machines.
    """
    report = make(aside=aside)
    with reporting(verb, report):
        target = choose(app)
        report.about(target.name, [host.name for host in target.hosts])
        if secrets:
            target = with_secrets(target)
        dry = bool(c.config.run.dry)
        report.title(
            f"{verb} {target.app.name} on {names(target.hosts)} ({target.environment.name}){', dry run' if dry else ''}"
        )
        with on_app(verb, target, report, dry) as work:
            yield work


@contextmanager
def on_app(verb: str, target: Target, report: Report, dry: bool = False) -> Iterator[OnHosts]:
    """Lock and read an app's hosts, but those that get no traffic and can't be reached, or lack what is live."""
    with on_hosts(verb, target, report, dry, partial(_without_traffic, target, report)) as work:
        work.leave_out(_lagging(target, work.facts))
        yield work


@contextmanager
def on_hosts(
    verb: str, target: Target, report: Report, dry: bool, spare: Callable[[Sequence[Host]], Sequence[Host]]
) -> Iterator[OnHosts]:
    """Connect to an app's hosts, lock and read. Of those that can't be reached, `spare` picks whom to do without."""
    advice = "inv hosts.drain {host}" if target.environment.balancers else "see docs/operations.md: a host leaves."
    with Fleet(target.hosts, target.environment) as fleet:
        open_all(fleet, f"To go on without {{host}}: {advice}", spare)
        with at_work(OnHosts(target, fleet, report, verb, dry)) as work:
            work.warn_of_unfinished()
            work.warn_of_unknown()
            yield work


@contextmanager
def at_work(work: AnyWork) -> Iterator[AnyWork]:
    """Lock, unless it is a dry run, and read; let go in the end, and do then what is left for later."""
    with _nothing_changed():
        if work.dry:
            work.read()
        else:
            work.lock()
    try:
        yield work
    finally:
        try:
            work.unlock()
        finally:
            # Also after a failure: what was done before it is done, and no later command would know of it.
            for one in work.later:
                one()


def _without_traffic(target: Target, report: Report, lost: Sequence[Host]) -> list[Host]:
    """Of the hosts that can't be reached, those that no visitor is sent to."""
    out = [host for host in out_of_rotation(target) if host in lost]
    for host in out:
        report.note(f"Note: {host} can't be reached and gets no traffic: left out. When it is up: inv hosts.add {host}")
    return out


def _lagging(target: Target, facts: Sequence[Facts]) -> list[Host]:
    """The hosts without traffic that don't have live what the others have: `hosts.add` brings them up to date."""
    live = {one.host: one.live.table.live.version if one.live else None for one in facts}
    if len(set(live.values())) == 1:
        return []
    out = out_of_rotation(target)
    current = {version for host, version in live.items() if host not in out}
    return [host for host in out if host in live and live[host] not in current]


@contextmanager
def reporting(verb: str, report: Report) -> Iterator[None]:
    """Hand a failure to whoever keeps failures, and let a stopped build come to a clean end."""
    endings = (signal.SIGTERM, signal.SIGHUP)
    previous = [signal.signal(one, _interrupt) for one in endings]
    began = report.seconds
    try:
        yield
        report.statistic(f"depl.{verb}Seconds", report.seconds - began)
    except DeplError as error:
        report.problem(verb, error)
        raise
    except OSError as error:  # this machine's own: a full disk, a missing right, an engine that went away
        failure = DeplError(f"{verb} can't go on, on this machine: {error}\nSee what is where: inv status")
        report.problem(verb, failure)
        raise failure from None
    except KeyboardInterrupt:
        raise DeplError(f"\nInterrupted; what {verb} had done was put back.\nSee: inv status") from None
    finally:
        for one, before in zip(endings, previous, strict=True):
            signal.signal(one, before)


def open_all(fleet: Fleet, advice: str, spare: Callable[[Sequence[Host]], Sequence[Host]] = lambda _: ()) -> None:
    """Connect to all hosts; raises Unreachable with the first reason, the names of all that failed, and `advice`.

    Hosts that can't be reached, and that `spare` picks of those, are left out from then on.
    """
    failed = {host: error for host, error in fleet.open().items() if error}
    spared = spare(tuple(failed)) if failed else ()
    if lost := [host for host in failed if host not in spared] or (
        list(failed) if len(spared) == len(fleet.remotes) else []
    ):
        host, *others = lost
        also = f"The same goes for {names(others)}. " if others else ""
        raise Unreachable(f"{failed[host]}\n{also}{advice.format(host=host)}")
    fleet.remotes = {host: remote for host, remote in fleet.remotes.items() if host not in spared}


@contextmanager
def _nothing_changed() -> Iterator[None]:
    """Say that of a failure that comes before the first step."""
    try:
        yield
    except (Unreachable, StepFailed) as error:
        first, _, more = str(error).partition("\n")
        error.message = f"{first}\nNothing was changed. {more}"
        raise


def stamp(seconds: float) -> str:
    """A time in UTC, as the audit file has it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
