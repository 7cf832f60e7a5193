"""An app's lock: on each host a process that lives as long as our connection, and tells us the facts.

The same process answers for the host's state, so that lock and facts are one round trip and one
start of Python on the host.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from ..commands import onhost
from ..errors import Locked, StepFailed
from ..model.environment import Host
from ..plan import facts as facts_of
from ..plan import render
from ..plan.facts import Facts
from ..plan.wishes import Target
from .ssh import Conversation, Fleet, Remote, answers_of

ANSWER_SECONDS = 30
AGAIN_SECONDS = 0.2
RELEASE_SECONDS = 5
GRACE_SECONDS = 3
"""How long a lock is waited for in any case: its holder may just have been killed, and sshd not noticed yet."""


class Lock:
    """The lock on all hosts of an app. It goes with this process, whatever becomes of it."""

    def __init__(self, fleet: Fleet, target: Target, verb: str, since: str) -> None:
        self._fleet, self._target = fleet, target
        self._holder = {"who": target.who, "since": since, "verb": verb}
        self._talks: dict[Host, Conversation] = {}

    def take(self) -> None:
        """Take the lock on every host, waiting as long as the inventory says; raises Locked."""
        program = render.onhost()
        argv = onhost.lock(program, self._target.layout, self._holder)
        self._talks = answers_of(self._fleet.each(lambda remote: remote.talk(argv, program)))
        deadline = time.monotonic() + max(GRACE_SECONDS, self._target.environment.lock_wait)
        first, *rest = sorted(self._fleet.remotes)
        # Whoever has the first host's lock is the one who may go on: two who start at once can't block each other.
        for group in ([first], rest):
            while group and (refusals := self._try(group)):
                if time.monotonic() >= deadline:
                    host, found = next(iter(refusals.items()))
                    raise Locked(
                        f"{self._target.app.name} is locked on {host} by {found.get('who', 'somebody')} "
                        f"since {found.get('since', 'a moment ago')} ({found.get('verb', '?')}).\n"
                        "Nothing was changed. Try again when they are done; the lock goes with their process."
                    )
                group = list(refusals)
                time.sleep(AGAIN_SECONDS)

    def release(self) -> None:
        """Let go, and see to it that the next command finds the lock free."""
        self._fleet.each(lambda remote: self._talks[remote.host].end(RELEASE_SECONDS), self._talks)

    def read(self) -> tuple[Facts, ...]:
        """The facts of all hosts, from the processes that hold the lock there."""
        question = [self._target.layout.site, self._target.app.health.path]
        answers = self._ask(question, self._fleet.remotes)
        return tuple(facts_of.parse(host, self._target.layout, answer) for host, answer in answers.items())

    def _try(self, hosts: Iterable[Host]) -> dict[Host, Mapping[str, Any]]:
        """Take the lock where it is free; returns who has it elsewhere."""
        answers = self._ask("lock", hosts)
        return {host: facts_of.holder(answer) for host, answer in answers.items() if "locked" not in answer}

    def _ask(self, question: object, hosts: Iterable[Host]) -> dict[Host, dict[str, Any]]:
        def one(remote: Remote) -> dict[str, Any]:
            talk = self._talks[remote.host]
            talk.say(json.dumps(question).encode() + b"\n")
            line = talk.line(ANSWER_SECONDS)
            if not line.startswith("{"):
                raise StepFailed(unreadable(remote.host, talk.complaint() or line))
            return facts_of.decode(remote.host, line)

        return answers_of(self._fleet.each(one, hosts))


def unreadable(host: Host, reason: str) -> str:
    """The message about a host whose state can't be read."""
    lines = [line for line in reason.strip().splitlines() if line.strip()] or ["no reason given"]
    return f"{host}: its state can't be read: {lines[-1][:300]}\nIs it bootstrapped? inv bootstrap"
