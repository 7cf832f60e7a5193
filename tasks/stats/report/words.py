"""Numbers as people read them: 1.3 %, 45 ms, 1,912 users, 24 min, 12:03 UTC."""

from __future__ import annotations

import math
import unicodedata
from datetime import UTC, datetime

from ..comparison import Interval

NOTHING = "–"
SIGNS = {"too bad": "▲", "fine": "●", "unclear": "■", "more": "▲", "fewer": "▼"}
LARGEST = 1_000_000
"""Evidence beyond this is only said to be more: nobody needs to compare 10^12 with 10^15."""


def number(value: float) -> str:
    return f"{value:,.0f}"


def share(part: float | None) -> str:
    """A share, 0 to 1, in per cent: three digits that matter, at most two behind the point."""
    if part is None:
        return NOTHING
    value = part * 100
    if value == 0 or abs(value) >= 99.95:
        return f"{value:.0f} %"
    if abs(value) < 0.005:
        return f"{'> −' if value < 0 else '< '}0.01 %"
    return f"{value:.2f}".removesuffix(".00") + " %" if abs(value) < 9.995 else f"{value:.1f}".removesuffix(".0") + " %"


def points(difference: float | None) -> str:
    """A difference of shares in percentage points, with its sign."""
    return NOTHING if difference is None else f"{difference * 100:+.1f}".replace("-", "−")


def duration(seconds: float | None) -> str:
    """A response time: 0.4 ms, 45 ms, 1.2 s."""
    if seconds is None:
        return NOTHING
    if seconds >= 0.9995:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.00995 else f"{seconds * 1000:.1f} ms"


def span(seconds: float) -> str:
    """How long something took or takes: 40 s, 24 min, 1.5 h, 3 d."""
    for size, word in ((2 * 86400, "d"), (7200, "h"), (60, "min")):
        if seconds >= size:
            unit = {"d": 86400, "h": 3600, "min": 60}[word]
            return f"{seconds / unit:.{0 if word == 'min' else 1}f}".removesuffix(".0") + f" {word}"
    return f"{max(0, seconds):.0f} s"


def times(value: float | None) -> str:
    """How many times as many, or an e-value: 0.02×, 1.5×, 240×, > 1,000,000×."""
    if value is None:
        return NOTHING
    if not value < LARGEST:
        return f"> {LARGEST:,}×"
    if value >= 100:
        return f"{value:,.0f}×"
    if value < 0.005:
        return "< 0.01×"
    return f"{value:.3g}×" if value >= 1 else f"{value:.2f}×"


def size(count: float) -> str:
    """A number of bytes: 512 B, 4.9 kB, 1.2 GB."""
    for unit, word in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= unit:
            return f"{count / unit:.1f} {word}"
    return f"{count:.0f} B"


def moment(at: float) -> str:
    """A time in seconds since 1970: 2026-11-22 12:03 UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def points_interval(found: Interval) -> str:
    """A difference's interval in percentage points: −2.9 to +4.1."""
    if found.low is None or found.high is None:
        return "nothing can be said yet"
    return f"{points(found.low)} to {points(found.high)}"


def quantile(value: float | None, found: Interval) -> str:
    """A response time with its interval: 180 ms (150–240 ms)."""
    if value is None or found.low is None or found.high is None:
        return duration(value)
    low, high = duration(found.low), duration(found.high)
    amount, unit = low.split()
    return f"{duration(value)} ({amount if high.endswith(f' {unit}') else low}–{high})"


def interval(found: Interval) -> str:
    """A ratio's interval: 0.8× to 1.3×, at least 2.4×, at most 1.3×."""
    if found.low is None and found.high is None:
        return "nothing can be said yet"
    if found.high is None:
        return f"at least {times(found.low)}"
    return f"at most {times(found.high)}" if found.low is None else f"{times(found.low)} to {times(found.high)}"


def clean(text: str) -> str:
    """Text without characters that steer a terminal or turn the direction of writing."""
    return "".join(sign for sign in text if unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))


def finite(value: float | None) -> float | None:
    """The number, or None for what JSON has no word for."""
    return value if value is not None and math.isfinite(value) else None
