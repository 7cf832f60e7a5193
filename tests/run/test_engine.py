"""What a failed build says first."""

import pytest
from docker.errors import APIError
from urllib3.exceptions import ProtocolError

from tasks.errors import DeplError, StepFailed
from tasks.run.engine import in_words, reason

NOT_THERE = "Could not find a version that satisfies the requirement x==9"
CONFLICT = "Cannot install a and b==1 because these package versions have conflicting dependencies."
NO_WHEEL = "Failed building wheel for ujson"


@pytest.mark.parametrize(
    ("first", "log"),
    [
        (NOT_THERE, ["Collecting x", f"ERROR: {NOT_THERE} (from versions: 1, 2)", "ERROR: No matching distribution"]),
        (CONFLICT, [f"ERROR: {CONFLICT}", "The conflict is caused by:", "ERROR: ResolutionImpossible: for help …"]),
        (NO_WHEEL, ["error: subprocess-exited-with-error", f"ERROR: {NO_WHEEL}"]),
        ("", ["libx.so.1: cannot open shared object file"]),
    ],
)
def test_pips_own_reason_comes_first(first, log):
    assert reason(log) == first


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (APIError("500 Server Error", explanation="mkdir /var: no space left on device"), "mkdir /var: no space left"),
        (APIError("500 Server Error"), "500 Server Error"),
        (ProtocolError("Connection broken"), "Connection broken"),
        (OSError(28, "No space left on device", "/var/lib/depl/x"), "No space left on device: '/var/lib/depl/x'"),
    ],
)
def test_what_docker_or_the_disk_refuses_is_told_and_blamed_on_nobody(error, said):
    with (
        pytest.raises(DeplError, match=f"(?s)^build can't go on, on this machine: .*{said}.*\n.*df -h") as raised,
        in_words("build"),
    ):
        raise error
    assert not isinstance(raised.value, StepFailed)
    assert len(str(raised.value).splitlines()) == 2


def test_what_failed_for_a_reason_of_its_own_keeps_it():
    with pytest.raises(StepFailed, match=r"^wheels: x$"), in_words("build"):
        raise StepFailed("wheels: x")
