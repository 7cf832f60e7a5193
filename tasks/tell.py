"""What verbs have in common that change what is live: they say what that brings, and have others told. No verbs."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from .errors import first_line
from .model.change import Changes
from .model.environment import Environment, Host
from .model.notice import Notice
from .model.version import Version
from .plan.facts import Facts
from .plan.wishes import Target
from .run import deadline, history
from .run.choose import present
from .run.notify import deliver
from .run.report import Report
from .run.work import OnHosts

SECONDS = 1.5
"""How long a deploy waits at most to hear what it brings."""


def live(work: OnHosts) -> Version | None:
    """What is live, as the host says that changed last; None before the first promote."""
    return _live(work.facts)


def _live(facts: Iterable[Facts]) -> Version | None:
    newest = max((one.live for one in facts if one.live), key=lambda one: one.at, default=None)
    return newest.table.live.version if newest else None


def changes(work: OnHosts, old: Version | None, new: Version) -> Changes:
    """What a version brings after another; where that can't be found out at once, why: nobody waits for it."""
    return deadline.within(SECONDS, lambda: _changes(work, old, new), Changes(why=f"not known within {SECONDS:g} s"))


def _changes(work: OnHosts, old: Version | None, new: Version) -> Changes:
    if not old or old == new:
        return Changes()
    try:
        return history.between(work.target, old, new)
    except Exception as error:  # noqa: BLE001 - whatever a registry or git says: it is by the way
        return Changes(why=first_line(error))


def behind(text: str, found: Changes | None) -> str:
    """A text with what changed behind it, where that is known."""
    return f"{text}: {found.summary}" if found and (found.came or found.went) else text


def tell(
    work: OnHosts, verb: str, version: Version, old: Version | None, percent: float, found: Changes | None = None
) -> None:
    """Have those told whom the inventory names, when the lock is free again.

    What changed is found out then, unless it was `found` before.
    """
    if work.dry or not work.target.environment.notify:
        return
    target, hosts = work.present(), tuple(one.host.name for one in work.facts)

    def later() -> None:
        notice = replace(
            _notice(target, verb, version, hosts),
            former=str(old) if old else "",
            percent=percent,
            url=target.url if percent else target.preview(version),
            changes=found if found and not found.why else changes(work, old, version),
        )
        deliver.tell(target.environment, [notice], work.report)

    work.later.append(later)


@contextmanager
def in_the_end(environment: Environment, report: Report) -> Iterator[list[Notice]]:
    """Have those told whom the inventory names of all that is put into the list, at once, and where a failure ends it.

    No lock may be held by then.
    """
    done: list[Notice] = []
    try:
        yield done
    finally:
        deliver.tell(environment, done, report)


def of_host(target: Target, verb: str, host: Host, facts: Iterable[Facts] = ()) -> Notice:
    """What is told of a host that lost its traffic of an app just now, or got it.

    `facts` are what the verb knows anyhow. Nobody is asked here: the host may be dead, and that may be why.
    """
    return _notice(present(target), verb, _live(facts), (host.name,))


def _notice(target: Target, verb: str, version: Version | None, hosts: tuple[str, ...]) -> Notice:
    """What was done to an app on hosts, at the target's time; nothing of users."""
    return Notice(
        id=uuid.uuid4().hex,
        at=target.now,
        verb=verb,
        app=target.name,
        environment=target.environment.name,
        version=str(version) if version else "",
        former="",
        percent=0.0,
        url=target.url,
        who=target.who,
        hosts=hosts,
    )
