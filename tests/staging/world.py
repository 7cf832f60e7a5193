"""Branches as the remote lists them, and as they stand on the staging host."""

from tasks.model.branch import Branch, labels
from tasks.model.environment import Host
from tasks.model.release import Release
from tasks.model.version import Version
from tasks.plan.branch_facts import Commit, Failed, Staging, Standing
from tasks.staging.mirror import Head

STAGING = Host("staging", "staging")
V1 = Version("2026.11.22.12.05")


def commit(number):
    return Commit(f"{number:040x}", "Ana", 1000.0 + number, f"change {number}")


def head(name, number=1):
    return Head(name, commit(number))


def standing(name, number=1, *, app="app1", up=1, failed=None, asleep=False, running=1, memory=1, seen=None, **more):
    """A branch with the number-th commit up, or with none."""
    return Standing(
        branch=Branch(app, name, next(labels(app, name))),
        number=up,
        commit=commit(number) if number else None,
        release=Release(V1, 0) if number else None,
        at=2000.0 if number else None,
        by="ana@deploy",
        failed=Failed(commit(failed).id, 3000.0, "staging: migrate: exited 1") if failed else None,
        asleep=asleep,
        running=running,
        memory=memory,
        seen=seen,
        **more,
    )


def staging(*branches, disk=2**40, memory=2**34):
    return Staging(STAGING, 5000.0, disk, memory, branches)
