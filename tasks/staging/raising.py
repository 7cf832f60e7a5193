"""A branch comes up: built, in place with its own database, migrated, looked at, and only then shown to visitors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from ..errors import DeplError, StepFailed, first_line
from ..model.version import Version
from ..plan import branches, workers
from ..plan.branch_facts import Coming, Failed, Staging, Standing
from ..plan.facts import Facts
from ..plan.steps import Plan
from ..plan.wishes import Target
from ..run import again, foreign, images, old_versions, pace, registry
from ..run.report import Report
from ..run.work import OnHosts
from . import plans
from .decide import claim as claim_of
from .decide import typed
from .mirror import Head
from .place import Place, claim, databases, on_branch, one_at_a_time, write_down

BLAMED = (foreign.BUILD, "health", "migrate", "smoke", "workers")
"""The phases in which the commit's own code runs. What else fails, such as a service that is down, may pass."""


def up(place: Place, head: Head, staging: Staging, report: Report, *, fresh: bool = False) -> None:
    """Make a branch's newest commit what visitors of its URL get; raises DeplError, and the former build keeps serving.

    With a `fresh` database, not a copy of the one of its former build. What is newest is read anew: `head` may have
    been read long before it is this branch's turn.
    """
    began = report.seconds
    plans.must_have_room(staging)
    with one_at_a_time(place, head.name, report):
        place.mirror.fetch(place.target.who, report)
        newest = place.mirror.find(head.name)
        if not newest:
            report.note(f"{head.name} is gone from git by now: left as it is, for branch.sync to take down.")
            return
        head = newest
        standing = claim(place, head.name, report)
        rise = Rise(place, head, standing, fresh, report)
        report.title(f"branch.up {head.name} at {head.commit.short} on {place.host} ({place.target.environment.name})")
        if rise.is_up():
            report.line(f"Nothing to do: {head.name} is up at {head.commit.short}.")
        else:
            try:
                rise.go()
            except DeplError as error:
                if not rise.moved and is_to_blame(error):
                    rise.note_failure(first_line(error))
                error.message = f"{error}\n{rise.outcome}  again: {rise.again}"
                raise
        report.done(f"{head.name} is up at {head.commit.short}: {rise.target.url} ({report.seconds - began:.1f} s)")


def foresee(place: Place, head: Head, staging: Staging) -> str:
    """What `up` would do, in a line."""
    plans.must_have_room(staging)
    there = staging.find(place.app, head.name)
    branch, number = (
        (there.branch, there.number) if there else claim_of(place.app, head.name, staging, place.branches.limit)
    )
    return f"Would bring {head.name} up at {head.commit.short}: {branches.of(place.target, branch, number).url}"


@dataclass
class Rise:
    """One branch on its way up to a commit."""

    place: Place
    head: Head
    standing: Standing
    fresh: bool
    report: Report

    def __post_init__(self) -> None:
        self.target: Target = self.place.of(self.standing)
        self.kept = _kept(self.standing)
        self.moved = False
        """Whether visitors get the commit: what fails from then on is no failure of it."""

    @property
    def outcome(self) -> str:
        """What visitors get now that something failed."""
        if self.moved:
            return f"{self.head.name} is up at {self.head.commit.short}, but what comes after that is left to do."
        return f"{self.head.name} is not up at {self.head.commit.short}. {self.kept}."

    @property
    def again(self) -> str:
        """What to type to try once more."""
        return f"inv branch.up --app {self.place.app} --branch {typed(self.head.name)}"

    @property
    def same(self) -> bool:
        """Whether the commit is the one that is up, or was meant to be."""
        return self.standing.commit is not None and self.standing.commit.id == self.head.commit.id

    def is_up(self) -> bool:
        """Whether there is nothing to do: the commit is up, with the variables of now, and well or asleep.

        What a killed command left beside it goes. Its services let it in again, which one that was restored since may
        not do.
        """
        release = self.standing.release
        if not self.same or self.fresh or not release:
            return False
        with on_branch("branch.up", self.target, self.report) as work:
            well = self.standing.asleep or _is_well(work.target, work.facts)
            if not well or not again.is_live(work, release.version):
                return False
            tidy(work, self.standing)
            # What is up may never have been written down by who was killed.
            known = replace(self.standing, coming=None, failed=None)
            if known != self.standing:
                self.standing = known
                write_down(work, known)
            self._remember_services(work)
            work.finish(plans.let_in(work.target), f"let {self.head.name} into its services")
            old_versions.remove_former(work)
        return True

    def go(self) -> None:
        """Build, unless that image is there; then all that is done on the host, under the branch's lock."""
        kept = self._image()
        built = None if kept else self._build()
        with on_branch("branch.up", self.target, self.report) as work:
            self.target = work.target
            version = again.name(work, kept) if kept else built
            if version:
                self.report.version(str(version))
                self._on_host(work, version)

    def _image(self) -> Version | None:
        """The version whose image is this commit's already."""
        release = self.standing.release if self.same else None
        if release and release.version in registry.versions(self.target):
            self.report.note(f"{release.version} is built from {self.head.commit.short}: its image is used again.")
            return release.version
        return None

    def _build(self) -> Version:
        code = self.place.mirror.checkout(self.target.app.source.path, self.head.commit)
        return images.build(self.target, code, self.report).image.version

    def _on_host(self, work: OnHosts, version: Version) -> None:
        tidy(work, self.standing)
        sources = self.sources(work)
        self._remember_services(work)
        former = None
        try:
            work.carry_out(partial(plans.put_in_place, work.target, version, sources), f"install {version}")
            former = work.facts[0].linked
            coming = Coming(self.head.commit, str(version), pace.moment())
            self.standing = replace(self.standing, coming=coming)
            write_down(work, self.standing)
            work.carry_out(partial(plans.move, work.target, version), f"promote {version}")
        except BaseException as error:
            if not self._is_live_after_all(work, version, former, error):
                raise
        self.moved = True
        self.standing = replace(
            self.standing, commit=self.head.commit, at=pace.moment(), by=work.target.who, failed=None, coming=None
        )
        write_down(work, self.standing)
        # On their own: what fails from here on is no reason to take traffic back, and the next command goes on with it.
        work.carry_out(partial(workers.up, work.target), f"workers of {version}")
        tidy(work, self.standing)
        old_versions.remove_former(work)

    def _remember_services(self, work: OnHosts) -> None:
        """Write down in which services it is about to get spaces, so that what it has there goes with it."""
        services = tuple(sorted({*self.standing.services, *work.target.app.services}))
        if services != self.standing.services:
            self.standing = replace(self.standing, services=services)
            write_down(work, self.standing)

    def _is_live_after_all(self, work: OnHosts, version: Version, former: int | None, error: BaseException) -> bool:
        """Take away what failed, as far as the host can be talked to; the next command does the rest.

        Visitors are sent back first where they were sent to it. True where nothing is to be taken away: the build
        serves them and is well, and all that failed was the look at it.
        """
        self.kept = "What its URL leads to is not known now"
        try:
            work.read()
            live = _is_live(version, work.facts)
            if live and isinstance(error, DeplError) and _is_well(work.target, work.facts):
                self.report.note(f"Note: {version} is live and well, though: {first_line(error)}")
                return True
            if isinstance(error, StepFailed) and (live or _fell_ill(version, work.facts)):
                error.phase = error.phase or "health"
            if live:
                work.carry_out(partial(plans.put_back, work.target, former), f"put back what was before {version}")
            if not _is_live(version, work.facts):
                self.kept = _kept(self.standing)
                tidy(work, self.standing)
        except DeplError as left:
            self.report.note(f"Note: what is left goes with the next branch.up or branch.sync: {first_line(left)}")
        return False

    def sources(self, work: OnHosts) -> dict[str, str]:
        """By service the database that the new one there is a copy of; of the template where none is named."""
        source = self._source(work.facts[0])
        if not source:
            return {}
        there = databases(work)
        # What is live may be older than the app's need of a database, or than its place in the inventory.
        if lacking := sorted(service for service, found in there.items() if source not in found):
            self.report.note(
                f"Note: what is live has no database in {', '.join(lacking)}: the new one is begun from the template."
            )
        return {service: source for service in there if service not in lacking}

    def _source(self, facts: Facts) -> str | None:
        """The database of what is live, to be copied; None where the new one is to be begun anew."""
        if not self.target.app.services or not facts.live:
            return None
        former = self.standing.commit
        if self.fresh:
            return None
        if former and not self.place.mirror.follows(self.head.commit.id, former.id):
            self.report.note(
                f"Note: {self.head.commit.short} does not follow {former.short}, which was up (a force-push): "
                "its database is begun anew."
            )
            return None
        return self.standing.branch.database(facts.live.table.live.version)

    def note_failure(self, why: str) -> None:
        """Write down that this commit did not come up, so that a sync leaves it alone."""
        failed = Failed(self.head.commit.id, pace.moment(), why)
        try:
            with on_branch("branch.up", self.target, self.report) as work:
                write_down(work, replace(self.standing, failed=failed))
        except DeplError as error:  # the reason itself is what is to be told in the end
            self.report.note(f"Note: that it failed can't be written down: {first_line(error)}")


def is_to_blame(error: DeplError) -> bool:
    """Whether a commit is what failed, so that it would fail again, rather than something around it."""
    return isinstance(error, StepFailed) and error.phase in BLAMED


def tidy(work: OnHosts, standing: Standing) -> None:
    """Take away what is not live."""

    def planner(facts: Sequence[Facts]) -> Plan:
        there = [name for found in databases(work).values() for name in found]
        needless = plans.needless(standing.branch, there, facts[0])
        return plans.tidy(work.target, needless, facts)

    work.carry_out(planner, "tidy")


def _kept(standing: Standing) -> str:
    return f"It keeps {standing.commit.short}" if standing.commit else "It was not up before"


def _is_live(version: Version, facts: Sequence[Facts]) -> bool:
    """Whether visitors are sent to a version."""
    (one,) = facts
    return version in {release.version for release in one.serving}


def _fell_ill(version: Version, facts: Sequence[Facts]) -> bool:
    """Whether a build is in place, so that it was well once, and is not any more."""
    (one,) = facts
    found = one.find(version)
    return found is not None and found.complete and not found.healthy


def _is_well(target: Target, facts: Sequence[Facts]) -> bool:
    """Whether what is live answers, with all its workers."""
    (one,) = facts
    live = one.find(one.live.table.live.version) if one.live else None
    return bool(live and live.healthy and not workers.missing(target, live.release.version, one))
