"""The sandbox with the host of the company's services beside it: `make setup_infra` started them."""

from __future__ import annotations

import pytest

from ..integration.conftest import Sandbox, builds, sandbox, two

__all__ = ["builds", "sandbox", "two"]


@pytest.fixture(scope="session")
def infra(sandbox: Sandbox) -> Sandbox:
    """The services, up, and every app known to them."""
    if sandbox.ssh("infra", "true").code:
        pytest.fail("The host of the company's services is not up. Start it: make setup_infra")
    sandbox.must("infra.up")
    sandbox.must("infra.apps")
    return sandbox


def home(service: str) -> str:
    return f"/srv/depl/services/{service}"


def destroy(infra: Sandbox, service: str, host: str = "infra") -> None:
    """What a dead disk leaves: no data, and what ran on it."""
    infra.on(host, f"sudo docker kill service-{service}; sudo rm -r {home(service)}/data")
