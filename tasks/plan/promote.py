"""Write the next routing table on all hosts, then make it live on all of them: promote, rollback, canary."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby

from ..commands import files, onhost
from ..errors import Refused
from ..model.layout import Layout
from ..model.percent import Percent
from ..model.release import Release
from ..model.route import Table
from ..model.version import Version
from . import jobs, migrate, workers
from .facts import Facts, Routed
from .steps import HostPlan, Plan, Step, together
from .wishes import Target

PHASES = (*migrate.PHASES, "workers", "prepare", "flip")
PREPARE_SECONDS = 10
FLIP_SECONDS = 5
"""How long a host may take for a rename. Short, since meanwhile the other hosts serve another version."""


def plan(target: Target, version: Version, facts: Sequence[Facts]) -> Plan:
    """Bring the database to `version`, start its workers, then send all traffic to it.

    Raises Refused where a host lacks it in good health.
    """
    ready = [(one, _ready(one, version)) for one in facts]
    migrations = migrate.on_hosts(target, version, facts)
    return together(
        PHASES,
        {
            one.host: {
                **migrations.get(one.host, {}),
                "workers": workers.come_up(jobs.share(target, one.host, facts), release, one),
                **_on_host(target, one, Table(release)),
            }
            for one, release in ready
        },
    )


def back(target: Target, version: Version, facts: Sequence[Facts]) -> Plan:
    """Send all traffic to `version` at once, whether its workers run or not; raises Refused like `plan`."""
    ready = [(one, _ready(one, version)) for one in facts]
    return together(PHASES, {one.host: _on_host(target, one, Table(release)) for one, release in ready})


def canary(target: Target, version: Version, share: Percent, facts: Sequence[Facts]) -> Plan:
    """Send `share` of the users to `version` and the others to what is live; a share of 0 ends it.

    Raises Refused where a host lacks it in good health, and before its migration was run.
    """
    if share.buckets:
        migrate.must_have_run(target, version, facts)
    tables = [(one, _with_canary(_live(one).table.live, one, version, share)) for one in facts]
    return together(PHASES, {one.host: _on_host(target, one, table) for one, table in tables})


def same(target: Target, like: Routed, facts: Facts, fleet: Sequence[Facts]) -> Plan:
    """Give one host of a fleet the table that another one has, with its way back and its time; raises Refused."""
    canary = _ready(facts, like.table.canary.version) if like.table.canary else None
    table = Table(_ready(facts, like.table.live.version), canary, like.table.share)
    up = workers.come_up(jobs.share(target, facts.host, fleet), table.live, facts)
    live = facts.live
    if live and (live.table, live.previous) == (table, like.previous) and facts.counts == _counts(table):
        return together(PHASES, {facts.host: {"workers": up}})
    previous = str(like.previous) if like.previous else None
    description = {**_description(target, facts, table), "previous": previous, "at": like.at}
    why = f"make live what is live elsewhere: {_says(table)}"
    steps = switch(target.layout, facts.last_number + 1, facts.linked, description, why)
    return together(PHASES, {facts.host: {"workers": up, **steps}})


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
    versions = {_live(one).table.live.version for one in facts}
    if len(versions) > 1:
        raise Refused("The hosts do not agree on what is live.\nFirst see which it is to be: inv status")
    return versions.pop()


def _with_canary(live: Release, facts: Facts, version: Version, share: Percent) -> Table:
    if not share.buckets:
        return Table(live)
    if live.version == version:
        raise Refused(
            f"{version} is live on {facts.host}: it can't be its own canary.\nInstall a newer one: inv install"
        )
    return Table(live, _ready(facts, version), share)


def _live(facts: Facts) -> Routed:
    if not facts.live:
        raise Refused(f"Nothing is live on {facts.host} yet, so there is nothing to compare with.\nFirst: inv promote")
    return facts.live


def _ready(facts: Facts, version: Version) -> Release:
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


def _on_host(target: Target, facts: Facts, table: Table) -> HostPlan:
    """The steps from the live table to `table`; none where the buckets lead there already."""
    live = facts.live
    if live and live.table == table and facts.counts == _counts(table):
        return {}
    description = _description(target, facts, table)
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
        undo = files.rename(back, layout.live)
    flip = Step(why, files.rename(f"{layout.live}.new", layout.live), undo=undo, timeout=FLIP_SECONDS)
    return {"prepare": tuple(prepare), "flip": (flip,)}


def _counts(table: Table) -> dict[str, int]:
    buckets = [str(release) for release in table.buckets()]
    return {folder: buckets.count(folder) for folder in dict.fromkeys(buckets)}


def _says(table: Table) -> str:
    return f"{table.canary.version} for {table.share} of users" if table.canary else str(table.live.version)


def _description(target: Target, facts: Facts, table: Table) -> dict[str, object]:
    previous = _previous(facts, table.live.version)
    runs = [(f"releases/{release}", len(list(group))) for release, group in groupby(table.buckets())]
    return {
        "live": str(table.live),
        "canary": str(table.canary) if table.canary else None,
        "share": table.share.buckets,
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


def current_canary(facts: Sequence[Facts]) -> Version | None:
    """The version that is the canary now, if there is one: growing or ending it needs no name."""
    return next((one.live.table.canary.version for one in facts if one.live and one.live.table.canary), None)
