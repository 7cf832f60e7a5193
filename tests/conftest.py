"""The same examples in every run: what fails in CI fails everywhere."""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "same", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--points",
        type=int,
        default=100,
        help="tests/faults: at how many points each verb is killed; with fewer than 100 long faults are left out",
    )
