"""Write the next routing table on all hosts, then make it live on all of them: promote and rollback."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby

from ..commands import files, onhost
from ..errors import Refused
from ..model.layout import Layout
from ..model.release import Release
from ..model.rollout import Rollout
from ..model.route import Table
from ..model.version import Version
from . import jobs, migrate, rollouts, workers
from .facts import Facts, Routed
from .steps import HostPlan, Plan, Step, together
from .wishes import Target

FLIP = "flip"
PHASES = (*migrate.PHASES, "workers", "prepare", FLIP)
PREPARE_SECONDS = 10
FLIP_SECONDS = 5
"""How long a host may take for a rename. Short, since meanwhile the other hosts serve another version."""


def plan(target: Target, version: Version, facts: Sequence[Facts], reason: str = "") -> Plan:
    """Bring the database to `version`, start its workers, then send all traffic to it, for what `reason`.

    Raises Refused where a host lacks it in good health.
    """
    found = [(one, _own(one, version)) for one in facts]
    migrations = migrate.on_hosts(target, version, facts)
    return together(
        PHASES,
        {
            one.host: {
                **migrations.get(one.host, {}),
                "workers": workers.come_up(jobs.share(target, one.host, facts), release, one),
                **_everyone(target, one, release, facts, reason),
            }
            for one, release in found
        },
    )


def back(target: Target, version: Version, facts: Sequence[Facts]) -> Plan:
    """Send all traffic to `version` at once, whether its workers run or not; raises Refused like `plan`."""
    found = [(one, _own(one, version)) for one in facts]
    return together(PHASES, {one.host: _everyone(target, one, release, facts) for one, release in found})


def _own(facts: Facts, version: Version) -> Release:
    """The release of a version that is more than a control arm, ready for traffic; raises Refused."""
    found = facts.find(version)
    if found and found.control_of:
        raise Refused(
            f"{version} is a control arm: the image of {found.control_of}, there to compare with.\n"
            f"Promote that instead: inv promote --version {found.control_of}"
        )
    return ready(facts, version)


def _everyone(target: Target, facts: Facts, release: Release, fleet: Sequence[Facts], reason: str = "") -> HostPlan:
    """The steps that send all traffic to a release; a canary that is under way ends with that."""
    table = Table(release)
    return send(target, facts, table, rollouts.after(newest(fleet), table, target.now, reason=reason))


def same(target: Target, like: Routed, facts: Facts, fleet: Sequence[Facts]) -> Plan:
    """Give one host of a fleet the table that another one has, with its way back and its time; raises Refused."""
    canary = ready(facts, like.table.canary.version) if like.table.canary else None
    control = ready(facts, like.table.control.version) if like.table.control else None
    table = Table(ready(facts, like.table.live.version), canary, like.table.share, control)
    up = workers.all_up(jobs.share(target, facts.host, fleet), table, facts)
    live = facts.live
    if live and (live.table, live.previous) == (table, like.previous) and facts.counts == _counts(table):
        return together(PHASES, {facts.host: {"workers": up}})
    previous = str(like.previous) if like.previous else None
    description = {**_description(target, facts, table, like.rollout), "previous": previous, "at": like.at}
    why = f"make live what is live elsewhere: {_says(table)}"
    steps = switch(target.layout, facts.last_number + 1, facts.linked, description, why)
    return together(PHASES, {facts.host: {"workers": up, **steps}})


def moves(plan: Plan) -> bool:
    """Whether a plan changes which users get what."""
    return any(phase.name == FLIP for phase in plan.phases)


def former(facts: Sequence[Facts]) -> Version:
    """The version that a rollback leads to: what was live before the newest change of what is live.

    Where hosts are on two versions, the newest change was interrupted: a promote is undone, and
    a rollback, which went to what was live before on the others, is finished.
    """
    live = [one.live for one in facts if one.live]
    newest = max(live, key=lambda one: one.at, default=None)
    if newest and any(one.previous == newest.table.live.version for one in live):
        return newest.table.live.version
    if not newest or not newest.previous:
        raise Refused("No version was live before this one, so there is nothing to roll back to.\nSee: inv status")
    return newest.previous


def current(facts: Sequence[Facts]) -> Version:
    """The version that is live on all hosts; raises Refused where there is no such."""
    versions = {must_be_live(one).table.live.version for one in facts}
    if len(versions) > 1:
        raise Refused("The hosts do not agree on what is live.\nFirst see which it is to be: inv status")
    return versions.pop()


def must_be_live(facts: Facts) -> Routed:
    """What is live on a host; raises Refused where nothing is."""
    if not facts.live:
        raise Refused(f"Nothing is live on {facts.host} yet, so there is nothing to compare with.\nFirst: inv promote")
    return facts.live


def newest(facts: Sequence[Facts]) -> Rollout | None:
    """The rollout that is under way, or the last one that was: as the host says that changed last."""
    live = [one.live for one in facts if one.live]
    return max(live, key=lambda one: one.at).rollout if live else None


def ready(facts: Facts, version: Version) -> Release:
    """The release of a version on a host, ready for traffic; raises Refused."""
    found = facts.find(version)
    if not found or not found.complete:
        raise Refused(f"{version} is not installed on {facts.host}.\nFirst: inv install --version {version}")
    if not found.healthy:
        state = "is not running" if not found.running else "does not answer its health check"
        raise Refused(
            f"{version} on {facts.host} {state}. Live traffic was not touched.\n"
            f"Start it again: inv install --version {version}   (its log: inv logs --version {version})"
        )
    return found.release


def send(target: Target, facts: Facts, table: Table, rollout: Rollout | None) -> HostPlan:
    """The steps from the live table to `table` with this rollout; none where the buckets lead there already."""
    live = facts.live
    if live and live.table == table and facts.counts == _counts(table):
        return {}
    description = _description(target, facts, table, rollout)
    former = facts.linked  # also where that table can't be read: it may serve all the same
    return switch(target.layout, facts.last_number + 1, former, description, f"send traffic to {_says(table)}")


def switch(layout: Layout, number: int, former: int | None, description: Mapping[str, object], why: str) -> HostPlan:
    """The steps that write a routing table and make it live; undone, the `former` table is live again."""
    text = json.dumps(description).encode()
    undo = files.remove(layout.live)
    prepare = [
        Step(f"write routing table {number}", onhost.table(layout, number), text,
             undo=files.remove(layout.table(number), f"{layout.live}.new"), timeout=PREPARE_SECONDS),
    ]  # fmt: skip
    if former is not None:
        back = f"{layout.live}.back"
        keep = files.link(f"routes/{former}", back)
        prepare.append(Step("keep the way back", keep, undo=files.remove(back), timeout=PREPARE_SECONDS))
        undo = onhost.flip(layout, back)
    flip = Step(why, onhost.flip(layout, f"{layout.live}.new"), undo=undo, timeout=FLIP_SECONDS)
    return {"prepare": tuple(prepare), FLIP: (flip,)}


def _counts(table: Table) -> dict[str, int]:
    buckets = [str(release) for release in table.buckets()]
    return {folder: buckets.count(folder) for folder in dict.fromkeys(buckets)}


def _says(table: Table) -> str:
    return f"{table.canary.version} for {table.share} of users" if table.canary else str(table.live.version)


def _description(target: Target, facts: Facts, table: Table, rollout: Rollout | None) -> dict[str, object]:
    previous = _previous(facts, table.live.version)
    runs = [(f"releases/{release}", len(list(group))) for release, group in groupby(table.buckets())]
    return {
        "live": str(table.live),
        "canary": str(table.canary) if table.canary else None,
        "control": str(table.control) if table.control else None,
        "share": table.share.buckets,
        "rollout": rollouts.as_json(rollout),
        "previous": str(previous) if previous else None,
        "at": target.now,
        "by": target.who,
        "runs": runs,
    }


def _previous(facts: Facts, version: Version) -> Version | None:
    """What a rollback from `version` should lead to.

    For a version that was live before, it is what came before it then: two rollbacks in a row go two
    versions back, not there and back again. Where what is live can't be read, the newest table that can be tells.
    """
    live = facts.live or (facts.tables[-1] if facts.tables else None)
    if live and live.table.live.version == version:
        return live.previous
    if live and live.previous == version:
        before = [
            one for one in facts.tables if one.table.live.version == version and one.previous not in (None, version)
        ]
        return before[-1].previous if before else None
    return live.table.live.version if live else None
