"""One sandbox, three versions and live traffic for all faults."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..integration.conftest import builds, inventory, sandbox
from .world import World

__all__ = ["builds", "sandbox"]


@pytest.fixture(scope="session")
def world(builds: list[str]) -> Iterator[World]:
    def keep_nothing(_: str, text: str) -> str:
        """The sandbox's inventory, but for a prune that leaves only what is live and the way back."""
        return text.replace("depl_keep_running: 2\ndepl_keep_installed: 4", LIMITS)

    found = World(builds)
    with inventory("faults", keep_nothing):
        yield found
        found.close()


LIMITS = "depl_keep_running: 0\ndepl_keep_installed: 0\ndepl_drain: 0"
