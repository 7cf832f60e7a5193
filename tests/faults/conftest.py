"""One sandbox, three versions and live traffic for all faults."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from ..integration.conftest import PROJECT, Sandbox, changed, inventory, sandbox
from .world import World

__all__ = ["sandbox"]
FULL = 100
"""At how many points each verb is killed in a full run."""
LIMITS = "depl_keep_running: 0\ndepl_keep_installed: 0\ndepl_keep_built: 10000\ndepl_drain: 0"
"""Of a host all goes that may. In the registry all stays: versions of the nineties are the oldest, however new."""


@pytest.fixture(scope="session")
def world(sandbox: Sandbox) -> Iterator[World]:
    """The hosts, three versions, and an inventory `faults` whose prune leaves only what is live and the way back."""
    # A run that was broken off may have left its own: there must be one inventory, or be said which.
    for name in ("faults", "patient", "drains", "crowded"):
        shutil.rmtree(PROJECT / "conf" / "inventory" / name, ignore_errors=True)
    built = [sandbox.must("build").strip().splitlines()[-1].split()[1] for _ in range(3)]
    with inventory("faults", changed("depl_keep_running: 2\ndepl_keep_installed: 4", LIMITS)):
        found = World(built)
        yield found
        found.close()


@pytest.fixture(scope="session")
def points(request: pytest.FixtureRequest) -> int:
    return request.config.getoption("--points")
