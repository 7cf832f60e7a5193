"""Whatever breaks: no request fails, never half a fleet, the next command finishes or undoes, nothing leaks."""

from __future__ import annotations

import pytest

from . import invariants
from .conftest import FULL
from .table import FAULTS, Fault
from .world import World

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_after(world: World, fault: Fault, points: int) -> None:
    if fault.long and points < FULL:
        pytest.skip(f"with --points {FULL} only")
    world.make_ready()
    before = world.look()
    fault.act(world)
    assert bool(world.spared) == bool(fault.fails), f"requests to {world.spared or 'no host'} were let fail"
    assert fault.says in "".join(world.said), "what to type was never said"
    invariants.hold(world, before)
