"""inv prune: remove what is neither live, nor canary, nor kept, on hosts and in the registry."""

from __future__ import annotations

from invoke import Context, task

from .plan import prune as plans
from .run import old_versions
from .run.work import begin


@task(help={"app": "which app; needed only where there are several"})
def prune(c: Context, app: str | None = None) -> None:
    """Remove releases and images that nothing needs any more."""
    with begin(c, "prune", app) as work:
        begun = work.facts
        changed = work.carry_out(plans.as_of(work.target, begun), "prune")
        gone = sum(len(facts.installed) for facts in begun) - sum(len(facts.installed) for facts in work.facts)
        # Last, and by what the hosts have now: what one of them may have to pull again stays.
        left = old_versions.remove(work, plans.at_that_time(begun, work.facts))
        said = [f"Removed {gone} releases, stopped what is kept but not running."] if changed else []
        said += [f"Removed {left} versions from the registry."] if left else []
        if not work.dry:
            work.report.done(" ".join(said) or "Nothing to do.")
