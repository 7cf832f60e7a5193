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

FACTS_SECONDS = 30
AGAIN_SECONDS = 0.2
RELEASE_SECONDS = 5
GRACE_SECONDS = 3
"""How long a lock is waited for in any case: its holder may just have been killed, and sshd not noticed yet."""


class Lock:
    """The lock on all hosts of an app. It goes with this process, whatever becomes of it."""

    def __init__(self, fleet: Fleet, target: Target, verb: str, since: str) -> None:
        self._fleet, self._target = fleet, target
        self._holder = {"who": target.who, "since": since, "verb": verb}
        self._held: dict[Host, Conversation] = {}
        self._asked: set[Host] = set()

    def take(self) -> None:
        """Take the lock on every host, waiting as long as the inventory says; raises Locked."""
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
        self._fleet.each(lambda remote: self._held[remote.host].end(RELEASE_SECONDS), self._held)

    def read(self) -> tuple[Facts, ...]:
        """The facts of all hosts, from the processes that hold the lock there."""

        def one(remote: Remote) -> Facts:
            held = self._held[remote.host]
            if remote.host not in self._asked:
                held.say(self._question())
            self._asked.discard(remote.host)
            line = held.line(FACTS_SECONDS)
            if not line.startswith("{"):
                raise StepFailed(unreadable(remote.host, held.complaint() or line))
            return facts_of.parse(remote.host, self._target.layout, json.loads(line))

        return tuple(answers_of(self._fleet.each(one)).values())

    def _question(self) -> bytes:
        words = [self._target.layout.site, self._target.app.health.path]
        return json.dumps(words).encode() + b"\n"

    def _try(self, hosts: Iterable[Host]) -> dict[Host, Mapping[str, Any]]:
        """Take the lock where it is free; returns who has it elsewhere."""
        program = render.onhost()
        argv = onhost.lock(program, self._target.layout, self._holder)
        # The first question travels with the program: by the time the lock is ours, its answer is under way.
        talks = answers_of(self._fleet.each(lambda remote: remote.talk(argv, program + self._question()), hosts))
        lines = answers_of(self._fleet.each(lambda remote: talks[remote.host].line(FACTS_SECONDS), talks))
        refusals: dict[Host, Mapping[str, Any]] = {}
        for host, said in lines.items():
            if said == "locked\n":
                self._held[host] = talks[host]
                self._asked.add(host)
            elif talks[host].exit() == onhost.BUSY:
                refusals[host] = _holder(said)
            else:
                raise StepFailed(f"{host}: the lock can't be taken: {talks[host].complaint() or said}")
        return refusals


def unreadable(host: Host, reason: str) -> str:
    """The message about a host whose state can't be read."""
    lines = [line for line in reason.strip().splitlines() if line.strip()] or ["no reason given"]
    return f"{host}: its state can't be read: {lines[-1][:300]}\nIs it bootstrapped? inv bootstrap"


def _holder(said: str) -> dict[str, Any]:
    try:
        found = json.loads(said)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
