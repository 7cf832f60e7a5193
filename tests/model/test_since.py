"""Points in time as people say them."""

import pytest

from tasks.errors import BadInput
from tasks.model import since

NOW = 1_763_812_800.0  # 2025-11-22T12:00:00Z


@pytest.mark.parametrize(
    ("text", "ago"),
    [("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86400), ("2025-11-22T11:30", 1800), ("2025-11-22T11:59:30Z", 30)],
)
def test_a_time_is_so_long_ago_or_in_utc(text, ago):
    assert since.parse(text, NOW) == NOW - ago


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "30",
        "m",
        "-5m",
        "5 m",
        "1w",
        "2025-11-22T12:01",
        "2025-13-22T11:00",
        "9999999d",
        "٣m",
        "2025-11-22",
    ],
)
def test_what_is_no_time_in_the_past_is_refused(text):
    with pytest.raises(BadInput, match=r"no time in the past: expected such as 90s, 30m"):
        since.parse(text, NOW)
