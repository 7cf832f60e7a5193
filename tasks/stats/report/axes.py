"""Axes of charts: from where to where, on which scale, and what is written beside them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .words import duration

MINUTE, HOUR, DAY = 60, 3600, 86400
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440, 2880, 7200, 14400)
"""Minutes between marks of time."""
LABELS = 6


@dataclass(frozen=True)
class Axis:
    """`ticks` are (value, label), and `says` labels any value. `log` is a scale by powers of ten."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    name: str = ""
    log: bool = False
    says: Callable[[float], str] = str

    def place(self, value: float) -> float:
        """Where a value is drawn: on the axis, at its end when it lies beyond."""
        return self.scale(min(self.high, max(self.low, value)))

    def scale(self, value: float) -> float:
        return math.log10(value) if self.log else value


def time_axis(seconds: float) -> Axis:
    """From 0 to so many seconds, marked in minutes, hours or days."""
    minutes = max(seconds, MINUTE) / MINUTE
    step = next((one for one in STEPS if minutes / one <= LABELS), STEPS[-1])
    unit, word = (DAY, "days") if step >= DAY / MINUTE else (HOUR, "hours") if step >= 60 else (MINUTE, "minutes")
    marks = range(0, math.floor(minutes / step) * step + 1, step)

    def says(at: float) -> str:
        return f"{at / unit:.3g}"

    return Axis(0, max(seconds, MINUTE), tuple((mark * MINUTE, says(mark * MINUTE)) for mark in marks), word, says=says)


def evidence_axis(values: Iterable[float], stop: float) -> Axis:
    """Powers of ten around 1 and the stop line; what lies far beyond is drawn at the ends."""
    found = [math.log10(max(value, 1e-9)) for value in values if not math.isnan(value)]
    high = min(6, max(math.ceil(math.log10(stop) + 0.7), math.ceil(max(found, default=0))))
    low = max(-3, min(-1, math.floor(min(found, default=0))))
    ticks = tuple((10.0**one, _evidence(10.0**one)) for one in range(low, high + 1))
    return Axis(10.0**low, 10.0**high, ticks, "evidence", log=True, says=_evidence)


def _evidence(value: float) -> str:
    return f"{value:,.0f}×" if value >= 1 else f"{value:g}×"


def duration_axis(seconds: Iterable[float]) -> Axis:
    """Response times by powers of ten, with marks at 1, 3, 10, 30 and so on."""
    found = [value for value in seconds if value > 0] or [0.01, 1.0]
    marks = [base * 10.0**power for power in range(-5, 5) for base in (1, 3)]
    low = max((one for one in marks if one <= min(found)), default=marks[0])
    high = min((one for one in marks if one >= max(found) and one > low), default=marks[-1])
    inside = [one for one in marks if low <= one <= high]
    shown = inside if len(inside) <= LABELS + 1 else [one for one in inside if f"{one:e}".startswith("1.")]
    return Axis(low, high, tuple((one, duration(one)) for one in shown), "response time", log=True, says=duration)


def tail_axis(smallest: float) -> Axis:
    """Shares from 100 % down to about the smallest, by powers of ten; at most 0.001 %."""
    low = max(-5, min(-2, math.floor(math.log10(max(smallest, 1e-9)))))
    ticks = tuple((10.0**one, _percent(10.0**one)) for one in range(low, 1))
    return Axis(10.0**low, 1, ticks, "slower", log=True, says=_percent)


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"


def share_axis(largest: float) -> Axis:
    """Shares from 0 to a round number that holds the largest."""
    largest = min(1.0, max(largest, 0.0001))
    power = 10 ** math.floor(math.log10(largest))
    step = next(one * power for one in (0.2, 0.5, 1, 2) if largest / (one * power) <= LABELS - 1)
    marks = math.ceil(round(largest / step, 6))
    ticks = tuple((one * step, _percent(one * step)) for one in range(marks + 1))
    return Axis(0, marks * step, ticks, "share", says=_percent)


def difference_axis(values: Iterable[float]) -> Axis:
    """Differences of shares around 0, in percentage points, as far to the left as to the right."""
    high = share_axis(max(abs(value) for value in [*values, 0.002])).high
    places = (-high, -high / 2, 0.0, high / 2, high)
    return Axis(-high, high, tuple((at, _signed(at)) for at in places), "points", says=_signed)


def _signed(share: float) -> str:
    return f"{share * 100:+.4g}".replace("-", "−") if share else "0"


def ratio_axis(values: Iterable[float]) -> Axis:
    """Ratios around 1 by powers of two, wide enough for the values, at most from 1/16 to 32."""
    found = [math.log2(value) for value in values if value > 0 and math.isfinite(value)]
    low = max(-4, min(-1, math.floor(min(found, default=0))))
    high = min(5, max(2, math.ceil(max(found, default=0))))
    every = 1 if high - low <= LABELS else 2
    marks = [one for one in range(low, high + 1) if one % every == 0]
    return Axis(2.0**low, 2.0**high, tuple((2.0**one, _ratio(one)) for one in marks), log=True)


def _ratio(power: int) -> str:
    return f"{2**power}×" if power >= 0 else f"1/{2**-power}×"
