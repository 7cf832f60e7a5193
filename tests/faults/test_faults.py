"""Whatever breaks: no request fails, never half a fleet, the next command finishes or undoes, nothing leaks."""

from __future__ import annotations

import pytest

from . import invariants
from .table import FAULTS, ITSELF, Fault
from .world import World

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_after(world: World, fault: Fault) -> None:
    world.make_ready()
    before = world.look()
    fault.act(world)
    if fault.types != ITSELF:
        assert fault.types in "".join(world.said), "what to type was never said"
    invariants.hold(world, before)
