"""An app's lock: on each host the process that answers us holds it, for as long as our connection lives."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any, Generic

from ..commands import onhost
from ..errors import Locked
from ..model.environment import Host
from ..plan import facts as facts_of
from ..plan.wishes import Wish
from .question import Answer, Question
from .ssh import Command, Fleet, Result, answers_of

LOCK_SECONDS = 5
AGAIN_SECONDS = 0.2
RELEASE_SECONDS = 5
GRACE_SECONDS = 3
"""How long a lock is waited for in any case: its holder may just have been killed, and sshd not noticed yet."""


class Lock(Generic[Answer]):
    """The lock on all hosts of an app. It goes with this process, whatever becomes of it."""

    def __init__(self, fleet: Fleet, target: Wish, question: Question[Answer], verb: str, since: str) -> None:
        self._fleet, self._target, self._question = fleet, target, question
        # The id tells us from ourselves: a host may still believe in a connection of ours that broke.
        holder = {"who": target.who, "since": since, "verb": verb, "id": secrets.token_hex(8)}
        self.command = Command(onhost.lock(target.layout, holder), timeout=LOCK_SECONDS)

    def take(self) -> tuple[Answer, ...]:
        """Take the lock on every host, waiting as long as the inventory says; raises Locked.

        Returns what is on the hosts, read under the lock: both are one round trip.
        """
        read: dict[Host, Answer] = {}
        waited = False
        deadline = time.monotonic() + max(GRACE_SECONDS, self._target.environment.lock_wait)
        first, *rest = sorted(self._fleet.remotes)
        # Whoever has the first host's lock is the one who may go on: two who start at once can't block each other.
        for group in ([first], rest):
            while group:
                taken, refusals = self._try(group)
                read |= taken
                if refusals and time.monotonic() >= deadline:
                    host, found = next(iter(refusals.items()))
                    raise Locked(
                        f"{self._target.name} is locked on {host} by {found.get('who', 'somebody')} "
                        f"since {found.get('since', 'a moment ago')} ({found.get('verb', '?')}).\n"
                        "Nothing was changed. Try again when they are done; the lock goes with their process."
                    )
                if group := list(refusals):
                    waited = True
                    time.sleep(AGAIN_SECONDS)
        return self._question.ask(self._fleet) if waited else tuple(read[host] for host in self._fleet.remotes)

    def release(self) -> None:
        """Let go, and see to it that the next command finds the lock free."""
        self._fleet.each(lambda remote: remote.end(RELEASE_SECONDS))

    def _try(self, hosts: Iterable[Host]) -> tuple[dict[Host, Answer], dict[Host, Mapping[str, Any]]]:
        """Take the lock where it is free; returns what is there, and who has it elsewhere."""
        question = [self.command, self._question.command]
        answers = answers_of(self._fleet.ask(dict.fromkeys(hosts, question)))
        refused = {host: results[0] for host, results in answers.items() if _is_taken(results[0])}
        read = {host: self._question.answer(host, answers[host]) for host in answers.keys() - refused}
        return read, {host: facts_of.holder(facts_of.decode(host, result.err)) for host, result in refused.items()}


def _is_taken(result: Result) -> bool:
    return not result.ok and result.err.startswith("{")
