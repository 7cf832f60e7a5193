"""Charts as text for `inv compare --watch`: a letter for each line, so that no colour is needed.

plotille draws them (MIT, 6.0 of February 2026, no dependencies): it gives text back and asks no terminal for anything.
plotext draws to the terminal through a module of global state, and its 6.1 is compiled code of 1.2 MB.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

import plotille

from ..comparison import Comparison
from ..counts import FAILING, SLOW50, SLOW95, SLOW99
from . import series, words
from .axes import Axis, duration_axis, evidence_axis, share_axis, tail_axis, time_axis

WIDTH, HEIGHT = 50, 12
"""Of the drawing, in characters at most; labels take up to 30 more."""
LETTERS = {FAILING: "F", SLOW50: "M", SLOW95: "S", SLOW99: "X", "live": "L", "canary": "C", "control": "O"}
BLANK = "\N{BRAILLE PATTERN BLANK}"
Line = Sequence[tuple[float, float | None]]
"""Each value holds until the next; None is none."""


def plots(comparison: Comparison) -> list[str]:
    """Evidence with its stop line, distributions of response times, and the error rate over time, as lines of text."""
    if not comparison.evidence or not comparison.counts.ticks:
        return []
    return [*_evidence(comparison), *_latency(comparison), *_errors(comparison)]


def _evidence(comparison: Comparison) -> list[str]:
    stop = 1 / comparison.rules.alpha
    began = comparison.rollout.began
    lines = {
        one.kind: [
            (point.at - began, series.weighed(comparison, one.kind, point.evidence[one.kind]))
            for point in series.evidence(comparison)
            if one.kind in point.evidence
        ]
        for one in comparison.differences
    }
    names = {one.kind: words.clean(one.title) for one in comparison.differences}
    up = evidence_axis((value for line in lines.values() for _, value in line), stop)
    title = f"Evidence that the canary is worse than allowed; stop line {words.times(stop)}"
    return _plot(title, _clock(comparison), up, lines, names, stop)


def _latency(comparison: Comparison) -> list[str]:
    arms = [one for one in comparison.arms if one.times.total]
    tails = {one.role: series.slower(one.times) for one in arms}
    across = duration_axis(at for line in tails.values() for at, part in line if part < 0.999)
    up = tail_axis(min((line[-1][1] for line in tails.values()), default=0.01))
    lines: dict[str, Line] = {role: [(0, 1.0), *tail, (tail[-1][0] * 1.02, None)] for role, tail in tails.items()}
    return _plot("Share of requests slower than …", across, up, lines, {one.role: one.version for one in arms})


def _errors(comparison: Comparison) -> list[str]:
    began = comparison.rollout.began
    found = series.slices(comparison)
    lines = {
        arm.role: [(one.at - began, one.error_rate(place)) for one in found]
        for place, arm in enumerate(comparison.arms)
    }
    up = share_axis(max((rate or 0.0 for line in lines.values() for _, rate in line), default=0.0))
    names = {one.role: one.version for one in comparison.arms}
    return _plot("Error rate over time", _clock(comparison), up, lines, names)


def _clock(comparison: Comparison) -> Axis:
    return time_axis(comparison.counts.until - comparison.rollout.began)


def _plot(
    title: str, across: Axis, up: Axis, lines: Mapping[str, Line], names: Mapping[str, str], stop: float | None = None
) -> list[str]:
    figure = plotille.Figure()
    steps = len(up.ticks) - 1
    figure.width, figure.height = WIDTH, steps * max(1, HEIGHT // steps)
    figure.origin, figure.with_colors = False, False
    left, right = across.place(across.low), across.place(across.high)
    figure.set_x_limits(left, right)
    figure.set_y_limits(up.place(up.low), up.place(up.high))
    figure.x_label, figure.y_label = across.name.split()[-1], up.name
    figure.x_ticks_fkt = lambda value, _: across.says(10**value if across.log else value)
    figure.y_ticks_fkt = lambda value, _: _at_a_tick(up, value)
    # What lies on the upper edge itself is left out; this is the middle of the highest row.
    top = up.scale(up.high) - (up.scale(up.high) - up.scale(up.low)) / figure.height / 2
    if stop is not None:
        figure.plot([left, right], [up.place(stop)] * 2)
    for kind, line in lines.items():
        columns = _columns(across, line)
        heights = [min(up.place(value), top) for _, value in columns]
        figure.scatter([x for x, _ in columns], heights, marker=LETTERS.get(kind, "?"))
    drawn = [row.replace(BLANK, " ").rstrip() for row in figure.show().splitlines()]
    return [title, *drawn, *(f"  {LETTERS.get(kind, '?')} {name}" for kind, name in names.items()), ""]


def _columns(across: Axis, line: Line) -> list[tuple[float, float]]:
    """The line's value in the middle of each column of characters: (place, value)."""
    left, right = across.place(across.low), across.place(across.high)
    starts = [across.scale(x) if x > 0 or not across.log else left for x, _ in line]
    found = []
    for column in range(WIDTH):
        at = left + (column + 0.5) / WIDTH * (right - left)
        place = bisect_right(starts, at) - 1
        value = line[place][1] if place >= 0 else None
        if value is not None:
            found.append((at, value))
    return found


def _at_a_tick(axis: Axis, place: float) -> str:
    """The label of a row that lies on a tick; the rows between say nothing."""
    size = axis.scale(axis.high) - axis.scale(axis.low)
    return next((label for value, label in axis.ticks if abs(axis.scale(value) - place) < size / 1000), "")
