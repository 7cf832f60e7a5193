"""Which failures are a commit's own."""

import pytest

from tasks.errors import BadConfig, DeplError, Locked, Refused, StepFailed, Unreachable
from tasks.staging.raising import is_to_blame


@pytest.mark.parametrize("phase", ["build", "health", "migrate", "smoke", "workers"])
def test_a_commit_is_blamed_where_its_own_code_fails(phase):
    assert is_to_blame(StepFailed("staging: exited 1", phase=phase))


@pytest.mark.parametrize("phase", ["", "database", "site", "image", "start", "flip", "note"])
def test_no_commit_is_blamed_for_a_service_a_disk_or_a_connection(phase):
    assert not is_to_blame(StepFailed("staging: no space left", phase=phase))


@pytest.mark.parametrize("error", [DeplError("x"), Refused("x"), Locked("x"), Unreachable("x"), BadConfig("x", "y")])
def test_no_commit_is_blamed_for_a_missing_secret_or_who_is_at_work(error):
    assert not is_to_blame(error)
