"""What a failed build says first."""

import pytest
from docker.errors import APIError
from urllib3.exceptions import ProtocolError

from tasks.errors import DeplError, StepFailed
from tasks.run.engine import has_other_cause, in_words, reason

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


RETRY = (
    "WARNING: Retrying (Retry(total={}, connect=None, read=None, redirect=None, status=None)) after connection broken"
)
NOTHING = ["ERROR: Could not find a version that satisfies the requirement x==1 (from versions: none)"]
COMPILED = ["x.c:1:1: error: unknown type name 'in'", "error: command '/usr/local/bin/gcc' failed with exit code 1"]
OFFLINE = [
    [RETRY.format(1), RETRY.format(0), *NOTHING],
    [f"      {RETRY.format(0)}", *(f"      {line}" for line in NOTHING), f"ERROR: {NO_WHEEL}"],
    [
        "pip._vendor.requests.exceptions.ConnectionError: HTTPConnectionPool(host='127.0.0.1', port=9): Max retries "
        "exceeded with url: /x-1.tar.gz (Caused by NewConnectionError('…: [Errno 111] Connection refused'))"
    ],
    ["ERROR: Could not install packages due to an OSError: HTTPSConnectionPool(…): Max retries exceeded"],
    ["pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool(host='x', port=443): Read timed out."],
    ["pip._vendor.urllib3.exceptions.ProtocolError: ('Connection broken: IncompleteRead(1 bytes read)')"],
    ["Could not fetch URL https://x/simple/y/: There was a problem confirming the ssl certificate: … - skipping"],
    ["WARNING: The repository located at x is not a trusted or secure host and is being ignored.", *NOTHING],
    ["  ERROR: HTTP error 503 while getting https://x/y-1.tar.gz"],
    ["  ERROR: HTTP error 429 while getting https://x/y-1.tar.gz"],
]
FULL = [
    ["ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"],
    ["x.c:9: fatal error: error writing to /tmp/x.s: No space left on device"],
    ["OSError: [Errno 122] Disk quota exceeded"],
]
OWN = [
    NOTHING,
    COMPILED,
    [RETRY.format(4), RETRY.format(3), *COMPILED],
    [RETRY.format(0), "  Downloading ujson-5.tar.gz (7 kB)", *COMPILED],
    [f"ERROR: {NOT_THERE} (from versions: 1, 2)"],
    [f"ERROR: {CONFLICT}"],
    ["  ERROR: HTTP error 404 while getting https://x/y-1.tar.gz"],
    ["ConnectionRefusedError: [Errno 111] Connection refused"],
    [],
]


@pytest.mark.parametrize("log", OFFLINE)
def test_an_index_that_cannot_be_reached_is_no_fault_of_the_code(log):
    assert has_other_cause("\n".join(log), online=True)


@pytest.mark.parametrize("log", OFFLINE)
def test_code_that_wants_a_network_where_there_is_none_is_at_fault(log):
    assert not has_other_cause("\n".join(log), online=False)


@pytest.mark.parametrize("online", [True, False])
@pytest.mark.parametrize("log", FULL)
def test_a_full_disk_is_no_fault_of_the_code(log, online):
    assert has_other_cause("\n".join(log), online)


@pytest.mark.parametrize("log", OWN)
def test_what_does_not_compile_or_is_not_there_is_a_fault_of_the_code(log):
    assert not has_other_cause("\n".join(log), online=True)


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
    with pytest.raises(DeplError, match=f"(?s){said}.*\n.*df -h") as raised, in_words():
        raise error
    assert not isinstance(raised.value, StepFailed)
    assert len(str(raised.value).splitlines()) == 2


def test_what_failed_for_a_reason_of_its_own_keeps_it():
    with pytest.raises(StepFailed, match=r"^wheels: x$"), in_words():
        raise StepFailed("wheels: x")
