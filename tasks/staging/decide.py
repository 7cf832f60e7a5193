"""What is to become of an app's branches: those that the remote has beside those that are up. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase

from ..errors import Refused
from ..model.branch import Branch, labels
from ..plan.branch_facts import Staging, Standing
from .mirror import Head

NEAR = 3
MAKE_ROOM = (
    "Delete branches in git that nobody needs, or name them in depl_branches.skip and take them down, since the next\n"
    "sync brings up what is in git: inv branch.down --branch NAME   (see them: inv branch.list)"
)
"""How to make room that lasts."""


@dataclass(frozen=True)
class Decision:
    """`rise` are to come up, `fall` are to go; the rest stays as it is, for the reason that its list is named by.

    `failed` are those whose newest commit was tried before and did not come up, `full` those beyond the limit.
    """

    rise: list[Head] = field(default_factory=list)
    fall: list[Standing] = field(default_factory=list)
    same: list[Head] = field(default_factory=list)
    failed: list[Standing] = field(default_factory=list)
    skipped: list[Head] = field(default_factory=list)
    full: list[Head] = field(default_factory=list)


def decide(app: str, heads: Sequence[Head], staging: Staging, skip: Iterable[str], limit: int) -> Decision:
    """Compare an app's branches (the newest commit first) with what is up; raises Refused rather than end all.

    `skip` are patterns of branches that are not brought up; one that was, by hand, is kept up to date. `limit` counts
    the branches of all apps.
    """
    standing = staging.of(app)
    if standing and not heads:
        raise Refused(
            f"The repository of {app} lists no branch, but {len(standing)} are up: none is taken down for that.\n"
            "Look at depl_branches in the inventory. To take one down: inv branch.down --branch NAME"
        )
    found = Decision()
    names = {head.name for head in heads}
    found.fall.extend(one for one in standing if one.branch.name not in names)
    room = limit - (len(staging.branches) - len(found.fall))
    for head in heads:
        there = staging.find(app, head.name)
        if there is None:
            if is_skipped(head.name, skip):
                found.skipped.append(head)
            elif room > 0:
                found.rise.append(head)
                room -= 1
            else:
                found.full.append(head)
        elif _is_as_it_should_be(there, head):
            found.same.append(head)
        elif there.failed and there.failed.commit == head.commit.id:
            found.failed.append(there)
        else:
            found.rise.append(head)
    return found


def _is_as_it_should_be(there: Standing, head: Head) -> bool:
    """Whether a branch's newest commit is up or asleep, and nothing of a command that was killed is left beside it."""
    newest = there.commit is not None and there.commit.id == head.commit.id
    return newest and there.is_there and not there.leftovers


def is_skipped(name: str, skip: Iterable[str]) -> bool:
    """Whether a branch that is not up is left alone, by patterns of the inventory."""
    return any(fnmatchcase(name, pattern) for pattern in skip)


def claim(app: str, name: str, staging: Staging, limit: int) -> tuple[Branch, int]:
    """The label and the number that a branch which is not up gets; raises Refused where there is no room for it."""
    if len(staging.branches) >= limit:
        raise Refused(f"{len(staging.branches)} branches are up, as many as depl_branches.limit allows.\n{MAKE_ROOM}")
    taken = {one.branch.label for one in staging.of(app)}
    numbers = {one.number for one in staging.branches}
    label = next(label for label in labels(app, name) if label not in taken)
    return Branch(app, name, label), next(number for number in range(1, len(numbers) + 2) if number not in numbers)


def typed(name: str) -> str:
    """A branch's name in a command to copy: never one that a shell would take for more than a name."""
    return name if re.fullmatch(r"[\w./+-]+", name) else "NAME"


def near(name: str, names: Iterable[str]) -> str:
    """What to say beside a name that isn't there: those that are like it, else how to see them all."""
    found = get_close_matches(name, list(names), NEAR, 0.5)
    return f"Did you mean {' or '.join(found)}?" if found else "See what there is: inv branch.list"
