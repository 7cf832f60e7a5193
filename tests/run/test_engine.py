"""What a failed build says first."""

import pytest

from tasks.run.engine import reason

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
