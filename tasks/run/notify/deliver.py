"""Tell all receivers what a verb did, and what they could not be told before; no longer than the deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import DeplError, Unreachable, first_line, one_line
from ...model.environment import Environment
from ...model.notice import Notice
from .. import secrets
from ..report import Report
from .receivers import Receiver, names, of
from .refusals import PassedOver
from .spool import Spool


def tell(environment: Environment, notices: Sequence[Notice], report: Report) -> None:
    """Keep notices for all receivers of an environment, then tell them; what fails is said, and never raised."""
    notify = environment.notify
    if not notify or not notices:
        return
    spool = Spool(Path(environment.cache) / "notices" / environment.name)
    # Before the secrets are read, which somebody else's next verb may be able to.
    lost = {name: error for name in names(notify) if (error := _not_kept(spool, name, notices))}
    troubles = [
        Trouble(name, f"is not told of this, since it can't be kept for it: {first_line(error)}", waits=False)
        for name, error in lost.items()
    ]
    kept = [name for name in names(notify) if name not in lost]
    try:
        if kept:
            found = of(notify, secrets.load(environment.name).notify, spool)
            told = [one for one in found if one.name in kept]
            troubles += deliver(told, spool, notify.deadline, environment.apps)
    except (DeplError, OSError) as error:
        troubles.append(Trouble("Nobody", f"was told: {first_line(error)}"))
    for waits, then in ((True, " The next verb tries again."), (False, "")):
        if said := [str(one) for one in troubles if one.waits == waits]:
            report.note(f"Note: {'; '.join(said)}.{then}")


def _not_kept(spool: Spool, receiver: str, notices: Sequence[Notice]) -> OSError | None:
    """Keep notices for a receiver; what is wrong where that can't be."""
    try:
        for notice in notices:
            spool.put(receiver, notice)
    except OSError as error:
        return error
    return None


@dataclass(frozen=True)
class Trouble:
    """Who was not told, and why; whether it waits for the next verb, or is told never."""

    receiver: str
    why: str
    waits: bool = True

    def __str__(self) -> str:
        return f"{self.receiver} {self.why}".rstrip(".")


def deliver(receivers: Sequence[Receiver], spool: Spool, seconds: float, apps: Collection[str]) -> list[Trouble]:
    """Tell receivers, side by side, what waits for them; who takes longer than so many seconds is left waiting.

    `apps` are those that the inventory places: what a receiver refuses of others is thrown away.
    """
    end = time.monotonic() + seconds
    found: dict[str, list[Trouble]] = {receiver.name: [] for receiver in receivers}

    def one(receiver: Receiver) -> None:
        try:
            with spool.alone(receiver.name) as ours:
                if not ours:
                    found[receiver.name].append(Trouble(receiver.name, "is still being told of something else"))
                    return
                for trouble in _tell_all(receiver, spool, end, apps):
                    found[receiver.name].append(trouble)
        except OSError as error:
            found[receiver.name].append(Trouble(receiver.name, f"was not told: {first_line(error)}"))

    # Not a pool's: Python waits for a pool's threads at its own end, and one of these may hang.
    threads = {receiver.name: threading.Thread(target=one, args=[receiver], daemon=True) for receiver in receivers}
    for thread in threads.values():
        thread.start()
    troubles: list[Trouble] = []
    for name, thread in threads.items():
        thread.join(max(0.0, end - time.monotonic()))
        late = [Trouble(name, f"did not answer within {seconds:g} s")] if thread.is_alive() else []
        troubles += [*found[name], *late]
    return list(dict.fromkeys(troubles))


def _tell_all(receiver: Receiver, spool: Spool, end: float, apps: Collection[str]) -> Iterator[Trouble]:
    """Tell a receiver what waits; what it can't be told.

    A notice that it refuses keeps the later ones of its app waiting, which keeps their order, and no other app's.
    """
    refused: dict[str, str] = {}
    for path, notice in spool.waiting(receiver.name, time.time()):
        if notice.app in refused:
            continue
        left = end - time.monotonic()
        if left <= 0:
            yield Trouble(receiver.name, "has more to be told than there is time for")
            break
        try:
            receiver.tell(notice, left)
        except PassedOver as error:
            yield Trouble(receiver.name, first_line(error), waits=False)
        except Unreachable as error:
            yield Trouble(receiver.name, f"was not told: {first_line(error)}")
            break
        except Exception as error:  # noqa: BLE001 - a client's own surprise must not fail a deploy either
            why = first_line(error) if isinstance(error, DeplError) else one_line(repr(error))[:200]
            if notice.app in apps:
                refused[notice.app] = why
                continue
            gone = f"was not told of {notice.app}, which the inventory places nowhere any more: {why}"
            yield Trouble(receiver.name, gone, waits=False)
        spool.forget(path)
    for why in dict.fromkeys(refused.values()):
        apps_refused = ", ".join(app for app in refused if refused[app] == why)
        yield Trouble(receiver.name, f"was not told of {apps_refused}: {why}")
