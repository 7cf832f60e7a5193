"""inv ab.start, ab.stop: two versions side by side, and what users do with each. A canary that is judged by goals."""

from __future__ import annotations

import invoke
from invoke import Context, task

from .errors import BadInput, Refused
from .model.percent import BUCKETS, NOBODY, Percent
from .model.rollout import AB
from .model.version import Version
from .plan import canary as plans
from .plan import promote
from .rollout import route, what_is_slow
from .run.work import begin

APP = "which app; needed only where there are several"


@task(
    iterable=["version"],
    help={
        "version": "twice: an installed version each, one of them live",
        "percent": "share of the users for the version that is named last; default: 50",
        "app": APP,
    },
)
def start(c: Context, version: list[str] | None = None, percent: str = "50", app: str | None = None) -> None:
    """Give two versions a share of users each, and count goals."""
    versions = [Version.parse(one) for one in version or []]
    if len(set(versions)) != 2 or len(versions) != 2:
        raise BadInput("An A/B test is of two versions: inv ab.start --version A --version B --percent 50")
    last = Percent.parse(percent)
    if not 0 < last.buckets < BUCKETS:
        raise BadInput(f"{last} leaves one of the two without users: expected more than 0 and less than 100.")
    with begin(c, "ab.start", app) as work:
        live = promote.current(work.facts)
        if live not in versions:
            raise Refused(f"Live is {live}; one of the two must be.\nFirst: inv promote --version {versions[0]}")
        other, share = (versions[1], last) if live == versions[0] else (versions[0], Percent(BUCKETS - last.buckets))
        if not work.target.app.goals:
            work.report.note(f"Note: conf/apps/{work.target.name}.yml has no goals: nothing will be counted of them.")
        plans.plan(work.target, plans.Canary(other, share, kind=AB), work.facts)  # refuses before anything is measured
        slow = what_is_slow(work, share, control=False) if not plans.under_way(work.facts) else None
        route(work, plans.Canary(other, share, kind=AB, slow=slow))
        if not work.dry:
            work.report.done(
                f"A/B test of {work.target.name}: {other} gets {share}, {live} the others.", "next: inv compare"
            )


@task(help={"app": APP})
def stop(c: Context, app: str | None = None) -> None:
    """End the A/B test: all users get what is live."""
    with begin(c, "ab.stop", app) as work:
        test = plans.under_way(work.facts)
        if not test or test.kind != AB:
            work.report.line("Nothing to do: no A/B test is under way.")
            return
        route(work, plans.Canary(test.canary, NOBODY, kind=AB))
        if not work.dry:
            work.report.done(
                f"A/B test of {work.target.name} ended: all users get {test.live}.",
                f"next: inv compare   |   inv promote --version {test.canary}",
            )


ns = invoke.Collection("ab", start, stop)
