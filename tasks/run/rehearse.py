"""Rehearse a migration on a copy of the database, and try the version that is live now on what it left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..commands import Argv, docker
from ..errors import StepFailed, one_line
from ..model.environment import Host
from ..plan import rehearsal as plans
from ..plan.rehearsal import Lock, Stage
from .report import Progress, Report
from .ssh import Command, Fleet, Result, answers_of
from .work import open_all

SECONDS = 120


@dataclass
class Rehearsed:
    """What a rehearsal found. Times in seconds; `failures` say why the version that is live now doesn't work on it."""

    migration: str = ""
    locks: list[Lock] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def rehearse(stage: Stage, report: Report, bound: float) -> Rehearsed:
    """Clone, migrate, look at the locks held longer than `bound` seconds, try the live version; leaves nothing.

    Raises StepFailed with the migration's output where that fails.
    """
    found = Rehearsed()
    environment = stage.target.environment
    with Fleet({stage.host, stage.facts.host}, environment) as fleet:
        open_all(fleet, "The host of the database and {host} must answer.")
        with _cleared(_Place(stage, fleet)) as place:
            with report.phase("clone"):
                place.on_database(plans.clone(stage), plans.CLONE_SECONDS)
                place.on_database(plans.watch(stage))
                for argv, text in plans.prepare(stage):
                    place.on_app(argv, input=text)
            with report.phase("migrate") as progress:
                found.migration = _migrate(place, progress)
                seen = place.on_database(plans.watched(stage)).out
                if not plans.was_watched(seen):
                    raise StepFailed(
                        f"{stage.host}: nobody could watch which locks the migration held.\n"
                        "Nothing is known of them. Again: inv migrate --rehearse"
                    )
                found.locks = plans.locks(seen, bound)
            if stage.live:
                with report.phase("old one") as progress:
                    found.failures = _try_live(place, progress)
    return found


class _Place:
    """The two hosts, and one command at a time on either; a failure is StepFailed unless it is asked for."""

    def __init__(self, stage: Stage, fleet: Fleet) -> None:
        self.stage, self._fleet = stage, fleet

    def on_database(self, argv: Argv, seconds: float = SECONDS) -> Result:
        return self._ask(self.stage.host, argv, seconds)

    def on_app(self, argv: Argv, seconds: float = SECONDS, *, input: bytes = b"", may_fail: bool = False) -> Result:
        return self._ask(self.stage.facts.host, argv, seconds, input, may_fail)

    def clear(self) -> None:
        """Remove all that a rehearsal makes, as far as it is there."""
        for argv in plans.clear(self.stage):
            self.on_app(argv, may_fail=True)
        self.on_database(plans.discard(self.stage))

    def _ask(self, host: Host, argv: Argv, seconds: float, input: bytes = b"", may_fail: bool = False) -> Result:
        command = Command(argv, input, timeout=seconds)
        result = answers_of(self._fleet.ask({host: [command]}))[host][-1]
        if not result.ok and not may_fail:
            raise StepFailed(f"{host}: {' '.join(argv[:6])[:100]}: {result.said}")
        return result


@contextmanager
def _cleared(place: _Place) -> Iterator[_Place]:
    """Before, what a killed rehearsal left goes; afterwards, what this one made."""
    place.clear()
    try:
        yield place
    finally:
        place.clear()


def _migrate(place: _Place, progress: Progress) -> str:
    stage = place.stage
    create, finish = plans.migrate(stage)
    place.on_app(create)
    result = place.on_app(finish, stage.migration.timeout + SECONDS, may_fail=True)
    if not result.ok:
        log = place.on_app(docker.last_words(stage.new), may_fail=True)
        raise StepFailed(
            f"The migration to {stage.version} fails on a copy of the database: {result.said}\n"
            "Nothing was changed; live and its database were not touched.",
            log.out + log.err,
        )
    progress.tell(result.out)
    return result.out


def _try_live(place: _Place, progress: Progress) -> list[str]:
    """Why the version that is live now does not work on the migrated database: nothing where it does."""
    stage, live = place.stage, place.stage.live
    if live is None:
        return []
    for argv in plans.serve(stage, live):
        place.on_app(argv)
    healthy = place.on_app(plans.health(stage, live), stage.target.app.health.timeout + SECONDS, may_fail=True)
    if not healthy.ok:
        return [f"its health check fails ({one_line(healthy.said)})"]
    checks: Sequence[str] = stage.target.app.smoke
    results = {path: place.on_app(plans.smoke(stage, path), may_fail=True) for path in checks}
    progress.tell(f"{live}: healthy, {sum(one.ok for one in results.values())} of {len(checks)} smoke checks pass")
    return [one_line(one.said) for one in results.values() if not one.ok]
