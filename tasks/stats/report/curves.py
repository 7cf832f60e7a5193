"""Figures with a line for each arm or kind: evidence, response times, and both error rate and times as they went by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ..comparison import Comparison, Point
from ..counts import Histogram
from ..differences import TOO_BAD
from ..draws import base_arm
from . import series, words
from .axes import Axis, duration_axis, evidence_axis, share_axis, tail_axis, time_axis
from .chart import Chart, Place
from .figure import ALLOWED, KINDS, ROLES, STOP, UNKNOWN, Figure, arm_legend, arm_name

NOTHING_YET = "Nothing was counted yet."
QUANTILES = (("p50", 0.50), ("p95", 0.95), ("p99", 0.99))


def evidence(comparison: Comparison) -> Figure:
    """When what was seen became too unlikely for a canary that is within what is allowed."""
    stop = 1 / comparison.rules.alpha
    points = series.thinned(series.evidence(comparison))
    titles = {one.kind: words.clean(one.title) for one in comparison.differences}
    lines = {kind: _weighed(comparison, points, kind) for kind in titles}
    axis = evidence_axis((value for line in lines.values() for _, value in line), stop)
    chart = Chart("evidence", _clock(comparison), axis)
    chart.box((0, stop), (chart.x.high, axis.high), "var(--zone)")
    _mark_stages(chart, comparison)
    chart.line([(0, stop), (chart.x.high, stop)], STOP.css, STOP.dash)
    for kind, line in lines.items():
        look = KINDS.get(kind, UNKNOWN)
        chart.steps(line, look.css, look.dash)
    crossed = _crossings(comparison, lines, stop)
    for kind, place in crossed.items():
        chart.mark(place, "^", KINDS.get(kind, UNKNOWN).css, 6)
    named = ((KINDS.get(kind, UNKNOWN), title) for kind, title in titles.items())
    return Figure(
        name="evidence",
        title="Evidence that the canary is worse than allowed",
        caption=_evidence_caption(crossed, titles),
        heads=("time", *titles.values()),
        cells=tuple(
            (words.moment(point.at), *(words.times(point.evidence.get(kind)) for kind in titles))
            for point in _few(points)
        ),
        svg=chart.svg("Evidence over time, by what is compared, with the stop line") if points else "",
        legend=(*named, (STOP, f"stop line: {words.times(stop)} ({words.share(comparison.rules.alpha)} false alarms)")),
        empty="" if points else NOTHING_YET,
    )


def _weighed(comparison: Comparison, points: Sequence[Point], kind: str) -> list[Place]:
    began = comparison.rollout.began
    start = series.weighed(comparison, kind, 1.0)
    found = [(point.at - began, series.weighed(comparison, kind, point.evidence[kind]))
             for point in points if kind in point.evidence]  # fmt: skip
    return [(0, start), *found]


def _crossings(comparison: Comparison, lines: Mapping[str, list[Place]], stop: float) -> dict[str, Place]:
    """Where the evidence of each kind that is too bad reached the stop line.

    It may be over the line and not too bad: where the users it happened to are too few to matter (`negligible`).
    """
    bad = {one.kind for one in comparison.differences if one.state == TOO_BAD}
    found = {kind: next((place for place in line if place[1] >= stop), None) for kind, line in lines.items()}
    return {kind: place for kind, place in found.items() if place and kind in bad}


def _evidence_caption(crossed: Mapping[str, Place], titles: Mapping[str, str]) -> str:
    peeking = "It may be looked at at any time: that does not raise the share of false alarms."
    if crossed:
        first = min(crossed, key=lambda kind: crossed[kind][0])
        return f"“{titles[first]}” crossed the stop line after {words.span(crossed[first][0])}. {peeking}"
    return (
        f"{peeking} Each kind has its part of the false alarms and is weighed by it, so that all share one stop line."
    )


def latency(comparison: Comparison) -> Figure:
    """The distributions of response times over each other, as what share of requests took longer."""
    arms = [one for one in comparison.arms if one.times.total]
    tails = {one.role: series.slower(one.times) for one in arms}
    smallest = min((tail[-1][1] for tail in tails.values()), default=0.01)
    seconds = [at for tail in tails.values() for at, share in tail if share < 0.999]
    chart = Chart("latency", duration_axis(seconds), tail_axis(smallest))
    for arm in arms:
        look = ROLES.get(arm.role, UNKNOWN)
        chart.line(tails[arm.role], look.css, look.dash)
        for _, share in QUANTILES:
            chart.mark((arm.times.quantile(share) or 0, 1 - share), look.shape, look.css)
    _name_quantiles(chart, [one.times for one in arms])
    return Figure(
        name="latency",
        title="Response times: share of requests slower than …",
        caption="A curve further right is slower. Both axes are logarithmic, because the tail matters.",
        heads=("", *(arm_name(one) for one in comparison.arms)),
        cells=tuple(
            (name, *(words.quantile(getattr(arm, name), getattr(arm, f"{name}_interval")) for arm in comparison.arms))
            for name, _ in QUANTILES
        ),
        svg=chart.svg("Share of requests that took longer than a time, by version") if arms else "",
        legend=arm_legend(comparison.arms),
        empty="" if arms else NOTHING_YET,
    )


def _name_quantiles(chart: Chart, times: Sequence[Histogram]) -> None:
    for name, share in QUANTILES:
        found = [one.quantile(share) or 0 for one in times]
        if found and 1 - share > chart.y.low:
            chart.text((max(found) * 1.12, (1 - share) * 1.15), name)


def errors(comparison: Comparison) -> Figure:
    """The share of requests that failed, in slices of time, and what is allowed beside the base's."""
    found = series.slices(comparison)
    allowed = _allowed_errors(comparison)
    lines = _by_arm(comparison, found, lambda one, arm: one.error_rate(arm))
    largest = max([value for line in lines.values() for part in line for _, value in part], default=0)
    chart = Chart("errors", _clock(comparison), share_axis(max(largest, allowed or 0)))
    if allowed is not None:
        chart.line([(0, allowed), (chart.x.high, allowed)], ALLOWED.css, ALLOWED.dash)
    _mark_stages(chart, comparison)
    _draw(chart, lines)
    factor = comparison.rules.tolerated.failing
    base = comparison.arms[base_arm(comparison.rollout)].role if comparison.arms else "live"
    boundary = ((ALLOWED, f"allowed: {factor:g} × {base}"),) if allowed is not None else ()
    return Figure(
        name="errors",
        title="Error rate over time",
        caption="Share of the requests answered with 500 or above. The verdict counts users who met one.",
        heads=("time", *(f"{one.role} {part}" for one in comparison.arms for part in ("errors", "requests", "rate"))),
        cells=tuple(_error_cells(one) for one in found),
        svg=chart.svg("Share of requests that failed, over time, by version") if found else "",
        legend=(*arm_legend(comparison.arms), *boundary),
        empty="" if found else NOTHING_YET,
    )


def _allowed_errors(comparison: Comparison) -> float | None:
    """The base's error rate times what is tolerated; None where the base had no errors to compare with."""
    if not comparison.arms:
        return None
    base = comparison.arms[base_arm(comparison.rollout)]
    return comparison.rules.tolerated.failing * base.errors / base.requests if base.errors else None


def _error_cells(one: series.Slice) -> tuple[str, ...]:
    numbers = [(words.number(bad), words.number(all_), words.share(one.error_rate(arm)))
               for arm, (bad, all_) in enumerate(zip(one.errors, one.requests, strict=True))]  # fmt: skip
    return (words.moment(one.at), *(cell for cells in numbers for cell in cells))


def times(comparison: Comparison) -> Figure:
    """p95 and p50 of the response times in slices of time, and the thresholds frozen before the rollout."""
    found = series.slices(comparison)
    high = _by_arm(comparison, found, lambda one, arm: one.times[arm].quantile(0.95))
    low = _by_arm(comparison, found, lambda one, arm: one.times[arm].quantile(0.50))
    slow = comparison.rollout.slow
    limits = [slow.p50, slow.p95] if slow else []
    drawn = [value for lines in (high, low) for line in lines.values() for part in line for _, value in part]
    chart = Chart("times", _clock(comparison), duration_axis([*drawn, *limits]))
    for limit, name in zip(limits, ("p50", "p95"), strict=False):
        chart.line([(0, limit), (chart.x.high, limit)], ALLOWED.css, ALLOWED.dash)
        chart.text((chart.x.high * 0.005, limit * 1.06), name)
    _mark_stages(chart, comparison)
    _draw(chart, low, 1.2)
    _draw(chart, high)
    before = ((ALLOWED, f"before: p50 {words.duration(slow.p50)}, p95 {words.duration(slow.p95)}"),) if slow else ()
    return Figure(
        name="times",
        title="Response times over time",
        caption="Upper lines: p95, which 95 % of the requests stay below. Lower lines: p50, the median.",
        heads=("time", *(f"{one.role} {name}" for one in comparison.arms for name, _ in QUANTILES)),
        cells=tuple(
            (words.moment(one.at), *(words.duration(t.quantile(share)) for t in one.times for _, share in QUANTILES))
            for one in found
        ),
        svg=chart.svg("95th percentile and median of response times over time, by version") if found else "",
        legend=(*arm_legend(comparison.arms), *before),
        empty="" if found else NOTHING_YET,
    )


# --- what these share ---

Lines = dict[str, list[list[Place]]]
"""By role: the pieces of a line that is broken where there is no value."""


def _by_arm(
    comparison: Comparison, found: Iterable[series.Slice], value: Callable[[series.Slice, int], float | None]
) -> Lines:
    began = comparison.rollout.began
    lines: Lines = {one.role: [[]] for one in comparison.arms}
    for one in found:
        for arm, role in enumerate(lines):
            got = value(one, arm)
            if got is None:
                lines[role].append([])
            else:
                lines[role][-1].append(((one.at + one.until) / 2 - began, got))
    return lines


def _draw(chart: Chart, lines: Lines, width: float = 2) -> None:
    for role, pieces in lines.items():
        look = ROLES.get(role, UNKNOWN)
        for piece in pieces:
            chart.line(piece, look.css, look.dash, width)
            if len(piece) == 1:
                chart.mark(piece[0], look.shape, look.css, 3)


def _clock(comparison: Comparison) -> Axis:
    return time_axis(max(comparison.counts.until, comparison.rollout.ended or 0) - comparison.rollout.began)


def _mark_stages(chart: Chart, comparison: Comparison) -> None:
    """A line where each later stage begins, named where there is room."""
    named = 0.0
    for stage in comparison.rollout.stages[1:]:
        at = stage.at - comparison.rollout.began
        if not 0 < at < chart.x.high:
            continue
        chart.line([(at, chart.y.low), (at, chart.y.high)], "var(--muted)", "1 3", 1)
        if at - named > chart.x.high / 8:
            chart.text((at + chart.x.high / 100, chart.y.high), str(stage.share), valign="top")
            named = at


def _few(points: Sequence[Point], most: int = 30) -> list[Point]:
    """A table's worth of points, the last one included."""
    step = max(1, -(-len(points) // most))
    return list(points[::-1][::step][::-1])
