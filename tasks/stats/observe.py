"""Look at a rollout: what the hosts counted, judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..errors import Refused, Unreachable
from ..model.rollout import Rollout
from ..plan import promote, rollouts
from ..plan.wishes import Target
from ..run.look import look
from . import collect, judge
from .comparison import Comparison
from .counts import Counts

PART = (
    "The numbers are of the time that you chose, the verdict is of the whole rollout: "
    "a beginning chosen afterwards can make chance look certain."
)


@dataclass(frozen=True)
class Look:
    """A rollout as seen at one time; `missing` are the hosts that didn't tell, each with its reason."""

    seen: Comparison
    missing: Mapping[str, str]

    @property
    def silence(self) -> list[str]:
        """A sentence for each host that didn't tell."""
        return [f"{host} did not answer: {reason.removeprefix(f'{host}: ')}" for host, reason in self.missing.items()]


def current(target: Target) -> tuple[Rollout, Mapping[str, str]]:
    """The rollout that is under way or was the last one, as the hosts have it; raises Refused where there was none."""
    facts, missing = look(target)
    found = promote.newest(facts)
    if found:
        return found, missing
    if missing and not facts:
        host, reason = next(iter(missing.items()))
        raise Unreachable(f"{host} did not answer: {reason}")
    silent = "".join(f"\n{host} did not answer: {reason}" for host, reason in missing.items())
    raise Refused(f"{target.name} had no canary and no A/B test yet.{silent}\nStart one: inv canary --percent 5")


def rollout(target: Target, found: Rollout, *, keep: bool = True) -> Look:
    """Count and judge a rollout; hosts `keep` what they counted for the next look."""
    counted, missing = collect.counts(target, found, tick=target.app.canary.every, keep=keep)
    return Look(judged(target, found, counted), missing)


def judged(target: Target, found: Rollout, counted: Counts) -> Comparison:
    return judge.compare(
        app=target.name,
        environment=target.environment.name,
        hosts=[host.name for host in target.hosts],
        rollout=found,
        rules=target.app.canary,
        goals=tuple(target.app.goals),
        counts=counted,
    )


def since(target: Target, found: Rollout, at: float) -> Look:
    """The numbers of what came after `at`, in seconds since 1970, with the verdict of the whole rollout.

    An e-value holds at every end, not at every beginning: of many, one always looks bad.
    """
    whole = rollout(target, found)
    if at <= found.began:
        return whole
    part = rollout(target, rollouts.since(found, at), keep=False)
    seen = replace(part.seen, verdict=whole.seen.verdict, warnings=(*part.seen.warnings, PART))
    return Look(seen, {**whole.missing, **part.missing})
