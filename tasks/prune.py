"""inv prune: remove what is neither live, nor canary, nor kept."""

from __future__ import annotations

from invoke import Context, task

from .plan import prune as plans
from .run.work import begin


@task(help={"app": "which app; needed only where there are several"})
def prune(c: Context, app: str | None = None) -> None:
    """Remove releases that are not live, nor canary, nor kept."""
    with begin(c, "prune", app) as work:
        before = sum(len(facts.installed) for facts in work.facts)
        changed = work.carry_out(plans.as_of(work.target, work.facts), "prune")
        gone = before - sum(len(facts.installed) for facts in work.facts)
        if not work.dry:
            work.report.done(
                f"Removed {gone} releases, stopped what is kept but not running." if changed else "Nothing to do."
            )
