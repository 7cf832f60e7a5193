"""Send a share of the users to another version, on all hosts or on none; grow that share, or end it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import Refused
from ..model.percent import Percent
from ..model.rollout import AB, CANARY, Rollout, Thresholds
from ..model.route import Table
from ..model.version import Version
from . import migrate, rollouts, workers
from .facts import Facts
from .promote import PHASES, must_be_live, newest, ready, send
from .steps import HostPlan, Plan, together
from .wishes import Target


@dataclass(frozen=True)
class Canary:
    """What is wished for: this share of the users for this version; a share of 0 ends it.

    `control` is the version of the control arm, if there is to be one. `slow` and `kind` are of a rollout that begins
    now; `outcome` and `reason` of one that ends now.
    """

    version: Version
    share: Percent
    control: Version | None = None
    kind: str = CANARY
    slow: Thresholds | None = None
    outcome: str = rollouts.STOPPED
    reason: str = ""


def plan(target: Target, wish: Canary, facts: Sequence[Facts]) -> Plan:
    """Route the share to the canary, and start those of its workers that a canary has.

    Raises Refused where a host lacks the version in good health, before its migration was run, and where another
    canary is under way.
    """
    former = newest(facts)
    _must_be_of_its_kind(wish, former)
    if wish.share.buckets:
        _must_be_the_only_one(wish, facts)
        migrate.must_have_run(target, wish.version, facts)
    return together(PHASES, {one.host: _on_host(target, wish, former, one) for one in facts})


def _on_host(target: Target, wish: Canary, former: Rollout | None, facts: Facts) -> HostPlan:
    table = _table(wish, facts)
    begun = Rollout(wish.kind, table.live.version, wish.version, wish.control, (), wish.slow)
    rollout = rollouts.after(former, table, target.now, begun, wish.outcome, wish.reason)
    up = workers.come_up(workers.of_canaries(target), table.canary, facts) if table.canary else ()
    return {"workers": up, **send(target, facts, table, rollout)}


def _table(wish: Canary, facts: Facts) -> Table:
    live = must_be_live(facts).table
    if not wish.share.buckets:
        return Table(live.live)
    if live.live.version == wish.version:
        raise Refused(
            f"{wish.version} is live on {facts.host}: it can't be its own canary.\nInstall a newer one: inv install"
        )
    control = ready(facts, wish.control) if wish.control else live.control
    return Table(live.live, ready(facts, wish.version), wish.share, control)


def _must_be_the_only_one(wish: Canary, facts: Sequence[Facts]) -> None:
    tables = [one.live.table for one in facts if one.live]
    for table in tables:
        if table.canary and table.canary.version != wish.version:
            raise Refused(
                f"{table.canary.version} is the canary now, with {table.share} of the users; there is one at a time.\n"
                "End it first: inv canary --percent 0"
            )
        if table.canary and wish.control and not table.control:
            raise Refused(
                f"The canary {wish.version} began without a control arm; it can't get one on the way.\n"
                "End it first: inv canary --percent 0"
            )


def _must_be_of_its_kind(wish: Canary, former: Rollout | None) -> None:
    """Refuse to end a test by a canary's verb, and the other way round, or what is another version's."""
    if not former or former.ended is not None:
        return
    if not wish.share.buckets and former.canary != wish.version:
        raise Refused(f"{wish.version} is no canary now; {former.canary} is.\nEnd that: inv canary --percent 0")
    if former.kind != wish.kind:
        what, end = ("An A/B test", "inv ab.stop") if former.kind == AB else ("A canary", "inv canary --percent 0")
        raise Refused(f"{what} of {former.canary} and {former.live} is under way.\nEnd it first: {end}")


def under_way(facts: Sequence[Facts]) -> Rollout | None:
    """The rollout that is under way now, if one is."""
    found = newest(facts)
    return found if found and found.ended is None else None


def current(facts: Sequence[Facts]) -> Version | None:
    """The version that is the canary now, if there is one: growing or ending it needs no name."""
    return next((one.live.table.canary.version for one in facts if one.live and one.live.table.canary), None)
