"""Ask all witnesses of an app about its canary, side by side; none of them can stop or delay it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Never

from ...errors import BadConfig, DeplError, Refused, first_line, one_line
from ...model.notice import Notify
from ...model.rollout import MONITORING, TRACKER, Rollout
from ...model.witness import Complaint, Heard
from ...plan.wishes import Target
from .. import secrets, web
from ..company.trackers import CLOSED
from ..deadline import all_within
from ..report import Report
from . import bugsink, sentry, zabbix

SECONDS = 5
"""All witnesses together have so long to answer."""
IN_TIME = 0.9
"""The share of that in which one is asked, so that it is still heard with what was found until then."""
TOKEN, PASSWORD = "tracker.token", "zabbix.password"
"""What opens them, below notify among the secrets."""

Answer = list[Complaint] | str
"""What a witness has against a canary, or in one line why that can't be known."""


@dataclass(frozen=True)
class Witness:
    """Somebody who is asked: what people call it, and how; `ask` takes the rollout and the seconds there are.

    `key` is what opens it, among the secrets.
    """

    name: str
    ask: Callable[[Rollout, float], list[Complaint]] = field(repr=False)
    key: str


def of(target: Target) -> list[Witness]:
    """Those whom the app listens to; raises BadConfig and Refused where one can't be asked for want of a setting."""
    listen = target.app.canary.listen
    if not listen:
        return []
    notify = target.environment.notify or Notify()
    found = secrets.load(target.environment.name).notify
    witnesses = []
    if TRACKER in listen:
        at = notify.tracker or _not_there(target, TRACKER, "tracker")
        token = found.get("tracker", {}).get("token") or _no_secret(target, TRACKER, TOKEN)
        ask = bugsink.new_issues if at.kind == "bugsink" else sentry.new_issues
        witnesses.append(Witness("the error tracker", partial(ask, at, token, target.name), f"notify.{TOKEN}"))
    if MONITORING in listen:
        where = notify.zabbix or _not_there(target, MONITORING, "zabbix")
        password = found.get("zabbix", {}).get("password") or _no_secret(target, MONITORING, PASSWORD)
        hosts = [host.name for host in target.hosts]
        witnesses.append(
            Witness("Zabbix", partial(zabbix.problems, where, password, target.name, hosts), f"notify.{PASSWORD}")
        )
    return witnesses


def _not_there(target: Target, witness: str, key: str) -> Never:
    raise BadConfig(
        f"conf/apps/{target.name}.yml: canary.listen",
        f"names {witness}, but {target.environment.name} has no depl_notify.{key}: add it, or take {witness} off",
    )


def _no_secret(target: Target, witness: str, key: str) -> Never:
    raise Refused(
        f"conf/apps/{target.name}.yml: canary.listen names {witness}, but nobody set what lets us in there.\n"
        f"Set it: inv secrets.edit, as notify.{key}"
    )


class Hearing:
    """Asks witnesses look by look, and says once when one of them can't be asked any more."""

    def __init__(self, witnesses: Sequence[Witness], report: Report, seconds: float = SECONDS) -> None:
        self._witnesses, self._report, self._seconds = witnesses, report, seconds
        self._silent: frozenset[str] = frozenset()

    def hear(self, rollout: Rollout) -> Heard:
        """What all say within `seconds`."""
        late: Answer = f"it did not answer within {self._seconds:g} s"
        asked = {one.name: partial(_ask, one, rollout, IN_TIME * self._seconds) for one in self._witnesses}
        answers = all_within(self._seconds, asked, late)
        silent = {name: answer for name, answer in answers.items() if isinstance(answer, str)}
        for name, why in silent.items():
            if name not in self._silent:
                self._report.note(f"Note: {name} can't be asked: {why.rstrip('.')}. The statistics decide alone.")
        self._silent = frozenset(silent)
        complaints = [one for answer in answers.values() if not isinstance(answer, str) for one in answer]
        return Heard(tuple(complaints), silent)


def _ask(witness: Witness, rollout: Rollout, seconds: float) -> Answer:
    try:
        return witness.ask(rollout, seconds)
    except DeplError as error:
        closed = isinstance(error, web.Refusal) and error.status in CLOSED
        return f"{first_line(error)}, by {witness.key}" if closed else first_line(error)
    except Exception as error:  # noqa: BLE001 - an answer of another form than documented must not stop a canary
        return f"it answers what is not understood: {one_line(repr(error))[:200]}"
