"""inv canary --auto: look, decide, move, and look again, until the version is live or put back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from invoke import Context

from .errors import Locked, NotKept, Unreachable, first_line
from .model.percent import NOBODY, Percent
from .model.rollout import Rollout
from .model.version import Version
from .plan import canary as plans
from .plan import promote
from .plan.rollouts import ABORTED
from .plan.wishes import Target
from .promote import send_all
from .rollout import route
from .run import pace
from .run.evidence import Evidence
from .run.report import Report
from .run.work import begin, reporting
from .stats import observe, walk
from .stats.observe import Look
from .stats.report import machine
from .stats.walk import Move


class Walk:
    """A canary on its way. All it knows stands on the hosts: a command that was killed is followed by the same one."""

    def __init__(
        self, c: Context, target: Target, version: Version, steps: Sequence[Percent], on_fail: str, report: Report
    ) -> None:
        rules = replace(target.app.canary, on_fail=on_fail)
        self._target = replace(target, app=replace(target.app, canary=rules))
        self._c, self._version, self._steps, self._report = c, version, steps, report

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
                    f"\nInterrupted. {self._version} keeps its share of the users.\n{self._again()}   or end it: "
                    "inv canary --percent 0"
                ) from None

    def _again(self) -> str:
        steps = ",".join(str(one).removesuffix(" %") for one in self._steps)
        return f"Go on: inv canary --version {self._version} --percent {steps} --auto"

    def _step(self, now: float) -> bool:
        """One look and what follows from it; True when all is done."""
        try:
            rollout, silent = observe.current(self._target)
            self._must_be_ours(rollout)
            look = observe.rollout(self._target, rollout)
            move = walk.move(look.seen, self._steps, now, {**silent, **look.missing})
            self._tell(look, move, now)
            return self._do(move)
        except (Locked, Unreachable) as error:
            # Somebody else is at work, or a host is away: that passes, or somebody ends it.
            self._report.note(f"Note: {first_line(error)} Trying again in {self._target.app.canary.every} s.")
            return False

    def _must_be_ours(self, rollout: Rollout) -> None:
        if rollout.canary != self._version or rollout.ended is not None:
            how = f" ({rollout.outcome})" if rollout.outcome else ""
            raise NotKept(f"The canary {rollout.canary} was ended by somebody else{how}.\nSee: inv audit")

    def _tell(self, look: Look, move: Move, now: float) -> None:
        evidence = Evidence(self._target, look.seen.rollout)
        evidence.add(look.seen.rollout, {**machine.look(look.seen, now), "move": move.word, "why": move.reason})
        self._report.progress(walk.line(look.seen, move))
        for key, value in walk.statistics(look.seen).items():
            self._report.statistic(key, value)

    def _do(self, move: Move) -> bool:
        if move.word == walk.WAIT:
            return False
        if move.word == walk.HOLD:
            raise NotKept(f"{self._version} keeps its {move.share}: {move.reason}\nSee: inv compare   {self._again()}")
        with begin(self._c, "canary", self._target.app.name) as work:
            if move.word == walk.GROW:
                route(work, plans.Canary(self._version, move.share))
            elif move.word == walk.PROMOTE:
                send_all(work, self._version)
            else:
                route(work, plans.Canary(self._version, NOBODY, outcome=ABORTED))
        if move.word == walk.ABORT:
            raise NotKept(
                f"{self._version} was put back: all users have {promote.current(work.facts)} again.\n{move.reason}\n"
                "See: inv compare --html canary.html"
            )
        return move.word == walk.PROMOTE
