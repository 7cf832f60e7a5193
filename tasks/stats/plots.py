"""Charts as text for `inv compare --watch`: a letter for each line, so that no colour is needed.

plotille draws them (MIT, 6.0 of February 2026, no dependencies): it gives text back and asks no terminal for anything.
plotext draws to the terminal through a module of global state, and its 6.1 is compiled code of 1.2 MB.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import plotille

from . import series, words
from .axes import Axis, duration_axis, evidence_axis, share_axis, tail_axis, time_axis
from .comparison import Comparison
from .counts import FAILING, SLOW50, SLOW95, SLOW99

WIDTH, HEIGHT = 64, 11
"""Of the drawing in characters; labels take 14 more."""
LETTERS = {FAILING: "F", SLOW50: "M", SLOW95: "S", SLOW99: "X", "live": "L", "canary": "C", "control": "O"}
Line = Sequence[tuple[float, float]]


def plots(comparison: Comparison) -> list[str]:
    """Evidence with its stop line, distributions of response times, and the error rate over time, as lines of text."""
    if not comparison.evidence and not comparison.counts.ticks:
        return []
    return [*_evidence(comparison), *_latency(comparison), *_errors(comparison)]


def _evidence(comparison: Comparison) -> list[str]:
    stop = 1 / comparison.rules.alpha
    began = comparison.rollout.began
    points = series.thinned(comparison.evidence, WIDTH)
    lines = {
        one.kind: [(point.at - began, series.weighed(comparison, one.kind, point.evidence[one.kind]))
                   for point in points if one.kind in point.evidence]
        for one in comparison.differences
    }  # fmt: skip
    names = {one.kind: words.clean(one.title) for one in comparison.differences}
    across = time_axis(comparison.counts.until - began)
    up = evidence_axis((value for line in lines.values() for _, value in line), stop)
    return _plot(f"Evidence that the canary is worse than allowed; stop line {words.times(stop)}", across, up, lines,
                 names, stop)  # fmt: skip


def _latency(comparison: Comparison) -> list[str]:
    arms = [one for one in comparison.arms if one.times.total]
    lines = {one.role: series.slower(one.times) for one in arms}
    across = duration_axis(at for line in lines.values() for at, part in line if part < 0.999)
    up = tail_axis(min((line[-1][1] for line in lines.values()), default=0.01))
    return _plot("Share of requests slower than …", across, up, lines, {one.role: one.version for one in arms})


def _errors(comparison: Comparison) -> list[str]:
    began = comparison.rollout.began
    found = series.slices(comparison)
    lines = {
        arm.role: [
            ((one.at + one.until) / 2 - began, rate) for one in found if (rate := one.error_rate(place)) is not None
        ]
        for place, arm in enumerate(comparison.arms)
    }
    largest = max((rate for line in lines.values() for _, rate in line), default=0.0)
    across = time_axis(comparison.counts.until - began)
    return _plot("Error rate over time", across, share_axis(largest), lines,
                 {one.role: one.version for one in comparison.arms})  # fmt: skip


def _plot(
    title: str, across: Axis, up: Axis, lines: Mapping[str, Line], names: Mapping[str, str], stop: float | None = None
) -> list[str]:
    figure = plotille.Figure()
    figure.width, figure.height, figure.origin, figure.with_colors = WIDTH, HEIGHT, False, False
    figure.set_x_limits(across.place(across.low), across.place(across.high))
    figure.set_y_limits(up.place(up.low), up.place(up.high))
    figure.x_label, figure.y_label = across.name, ""
    figure.x_ticks_fkt = lambda value, _: _label(across, value)
    figure.y_ticks_fkt = lambda value, _: _label(up, value)
    if stop is not None:
        figure.plot([across.place(across.low), across.place(across.high)], [up.place(stop)] * 2)
    for kind, line in lines.items():
        letter = LETTERS.get(kind, "?")
        figure.scatter([across.place(x) for x, _ in line], [up.place(y) for _, y in line], marker=letter)
    legend = "   ".join(f"{LETTERS.get(kind, '?')} {name}" for kind, name in names.items())
    return [title, *figure.show().splitlines(), f"  {legend}", ""]


def _label(axis: Axis, scaled: float) -> str:
    value = 10**scaled if axis.log else scaled
    return f"{value:g}"


def _letters(kinds: Iterable[str]) -> str:
    return "".join(LETTERS.get(kind, "?") for kind in kinds)
