"""inv canary --auto: look, decide, move, and look again, until the version is live or put back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from .errors import Locked, NotKept, StepFailed, Unreachable, first_line
from .model.environment import Host, names
from .model.percent import NOBODY, Percent
from .model.rollout import Rollout
from .model.version import Version
from .model.witness import Heard
from .plan import canary as plans
from .plan import promote
from .plan.rollouts import ABORTED
from .plan.wishes import Target
from .promote import send_all
from .rollout import route
from .run import pace
from .run.evidence import Evidence
from .run.look import out_of_rotation
from .run.report import Report
from .run.witnesses.ask import Hearing, Witness
from .run.work import OnHosts, on_app, on_hosts, reporting
from .stats import listen, observe, walk
from .stats.observe import Look
from .stats.report import machine
from .stats.walk import Move

PASSING = (Locked, Unreachable, StepFailed)
"""Somebody else is at work, or a host is away or in trouble: that passes, or somebody ends it."""

DISMISSED = "resolved, muted or acknowledged there"
"""What people do to a complaint, so that it is none any more."""


class Walk:
    """A canary on its way. All it knows stands on the hosts: a command that was killed is followed by the same one."""

    def __init__(
        self,
        target: Target,
        version: Version,
        steps: Sequence[Percent],
        on_fail: str,
        witnesses: Sequence[Witness],
        report: Report,
    ) -> None:
        rules = replace(target.app.canary, on_fail=on_fail)
        self._target = replace(target, app=replace(target.app, canary=rules))
        self._version, self._steps, self._report = version, steps, report
        self._hearing, self._hinted = Hearing(witnesses, report), False

    def go(self) -> None:
        """Go on until the end; raises NotKept where the version did not get through."""
        with reporting("canary", self._report):
            try:
                for now in pace.looks(self._target.app.canary.every):
                    self._target = replace(self._target, now=now)
                    if self._step(now):
                        return
            except KeyboardInterrupt:
                raise NotKept(
                    f"\nInterrupted. {self._version} keeps its share of the users.\nGo on: {self._again()}\n"
                    "Or end it: inv canary --percent 0"
                ) from None

    def _again(self) -> str:
        steps = ",".join(str(one).removesuffix(" %") for one in self._steps)
        return f"inv canary --version {self._version} --percent {steps} --auto"

    def _overrule(self) -> str:
        return f"Once that is {DISMISSED}: {self._again()}\nOr overrule it: inv promote --version {self._version}"

    def _step(self, now: float) -> bool:
        """One look and what follows from it; True when all is done."""
        try:
            rollout, silent = observe.current(self._target)
            self._must_be_ours(rollout)
            look = observe.rollout(self._target, rollout)
            chosen = walk.move(look.seen, self._steps, now, self._missing({**silent, **look.missing}))
        except PASSING as error:
            return self._later(error)
        heard = self._hearing.hear(rollout) if listen.asks(chosen) else Heard()
        chosen = listen.heed(chosen, heard, look.seen, now)
        self._tell(look, chosen, heard, now)
        if chosen.word == walk.WAIT:
            return False
        if chosen.word == walk.HOLD:
            self._show(look)
            following = self._overrule() if heard.complaints else f"See: inv compare\nGo on: {self._again()}"
            raise NotKept(f"{self._version} keeps its {chosen.share}: {chosen.reason}\n{following}")
        try:
            return self._do(look, chosen)
        except PASSING as error:
            if isinstance(error, StepFailed) and chosen.word != walk.ABORT:
                raise
            return self._later(error)

    def _later(self, error: Exception) -> bool:
        self._report.note(f"Note: {first_line(error)} Trying again in {self._target.app.canary.every} s.")
        return False

    def _missing(self, silent: dict[str, str]) -> dict[str, str]:
        """The hosts that did not tell, but for those that no visitor is sent to."""
        out = {host.name for host in out_of_rotation(self._target)} if silent else set()
        return {name: reason for name, reason in silent.items() if name not in out}

    def _must_be_ours(self, rollout: Rollout) -> None:
        if rollout.canary != self._version or rollout.ended is not None:
            how = f" ({rollout.outcome})" if rollout.outcome else ""
            raise NotKept(f"The canary {self._version} was ended by somebody else{how}.\nSee: inv audit")

    def _tell(self, look: Look, chosen: Move, heard: Heard, now: float) -> None:
        evidence = Evidence(self._target, look.seen.rollout)
        others = {"heard": listen.as_json(heard)} if heard != Heard() else {}
        seen = machine.look(look.seen, now)
        evidence.add(look.seen.rollout, {**seen, **others, "move": chosen.word, "why": chosen.reason})
        self._report.progress(walk.line(look.seen, chosen))
        if heard.complaints and not self._hinted:
            self._hinted = True
            self._report.note(
                f"Note: it goes on once that is {DISMISSED}. To overrule: inv promote --version {self._version}"
            )
        for key, value in walk.statistics(look.seen).items():
            self._report.statistic(key, value)

    def _do(self, look: Look, chosen: Move) -> bool:
        """Make a move under the lock, if the rollout is still the one that was judged; True when that was the last."""
        hosts = self._all_that_answer() if chosen.word == walk.ABORT else on_app("canary", self._target, self._report)
        with hosts as work:
            if plans.under_way(work.facts) != look.seen.rollout:
                self._report.note("Note: somebody changed the canary meanwhile. Looking again.")
                return False
            if chosen.word == walk.GROW:
                route(work, plans.Canary(self._version, chosen.share))
                return False
            if chosen.word == walk.PROMOTE:
                send_all(work, self._version, planner=partial(promote.plan, reason=chosen.reason))
            else:
                route(work, plans.Canary(self._version, NOBODY, outcome=ABORTED, reason=chosen.reason))
        ended = observe.rollout(self._target, promote.newest(work.facts) or look.seen.rollout)
        self._show(ended)
        if chosen.word == walk.ABORT:
            self._put_back(work, chosen)
        return True

    @contextmanager
    def _all_that_answer(self) -> Iterator[OnHosts]:
        """The hosts that can be reached: a canary is taken off these at once, whatever the others do."""

        def spare(lost: Sequence[Host]) -> Sequence[Host]:
            self._report.note(f"Note: {names(lost)} can't be reached, and may serve the canary when up again.")
            return lost

        with on_hosts("canary", self._target, self._report, dry=False, spare=spare) as work:
            yield work

    def _put_back(self, work: OnHosts, chosen: Move) -> None:
        there = {one.host for one in work.facts}
        lost = [host for host in self._target.hosts if host not in there]
        left = f" But for {names(lost)}, which did not answer: when up, inv canary --percent 0." if lost else ""
        raise NotKept(
            f"{self._version} was put back: all users have {promote.current(work.facts)} again.{left}\n"
            f"{chosen.reason}\nSee: inv compare"
        )

    def _show(self, look: Look) -> None:
        """Leave the page of the rollout beside its evidence, for whoever asks why."""
        # Only here, since what draws takes 0.1 s to import.
        from .stats.report import page

        evidence = Evidence(self._target, look.seen.rollout)
        warnings = (*look.seen.warnings, *listen.waits(evidence.looks))
        evidence.show(page.html(replace(look.seen, warnings=warnings)))
        self._report.line(f"evidence: {evidence.path}   page: {evidence.page}")
        self._report.artifact(str(evidence.page))
        self._report.artifact(str(evidence.path))
