"""Figures that are rows of intervals and bars: differences, goals, and the share of users asked and got."""

from __future__ import annotations

from ..comparison import Comparison, Difference, Interval, Outcome
from . import series, tables, words
from .axes import Axis, difference_axis, ratio_axis, share_axis
from .chart import Chart
from .figure import ROLES, Figure, Look, Row

HEIGHT = 34
SIDE = Axis(0, 1, ((0, ""), (1, "")))
"""What a row has instead of a second axis: 0 is its bottom, 1 its top."""
STATES = {"too bad": Look("bad", shape="^"), "fine": Look("good", shape="o"), "unclear": Look("muted", shape="s"),
          "more": Look("live", shape="^"), "fewer": Look("canary", shape="v")}  # fmt: skip


def differences(comparison: Comparison) -> Figure:
    """How many times as many users as with the base something happened to, each with its interval."""
    found = comparison.differences
    bounds = [
        bound for one in found for bound in (one.ratio, one.interval.low, one.interval.high, one.allowed) if bound
    ]
    axis = ratio_axis(bounds)
    return Figure(
        name="differences",
        title="How much worse or better",
        caption="Bar: the interval that holds at every look. Hatched: what you allow. Judged by the bar, not the mark.",
        heads=("", "base", "canary", "ratio", "interval", "allowed", "evidence", "stop line", "state"),
        cells=tuple(_difference_cells(one) for one in found),
        rows=tuple(_difference_row(one, axis, place, last=place == len(found) - 1) for place, one in enumerate(found)),
        sides=("better", "worse"),
        empty="" if found else "Nothing is compared.",
    )


def _difference_cells(one: Difference) -> tuple[str, ...]:
    return (
        words.clean(one.title),
        _met(one.base_met, one.base_users),
        _met(one.canary_met, one.canary_users),
        words.times(one.ratio),
        words.interval(one.interval),
        f"{one.allowed:g}×",
        words.times(one.evidence),
        words.times(one.boundary),
        one.state,
    )


def _met(met: int, users: int) -> str:
    """How many of how many: 0.74 % (56 of 7,539)."""
    return f"{words.share(met / users if users else None)} ({words.number(met)} of {words.number(users)})"


def _difference_row(one: Difference, axis: Axis, place: int, *, last: bool) -> Row:
    chart = Chart(f"difference{place}", axis if last else _silent(axis), SIDE, HEIGHT + 22 * last, bare=True)
    chart.box((axis.low, 0), (one.allowed, 1), "url(#allowed)")
    chart.line([(1, 0), (1, 1)], "var(--ink)", width=1.2)
    _interval(chart, one.interval, one.ratio, STATES.get(one.state, STATES["unclear"]))
    text = words.interval(one.interval)
    if one.base_users and one.canary_users:
        text = f"{words.share(one.base)} → {words.share(one.canary)} of the users; {text}"
    return Row(words.clean(one.title), text, one.state, chart.svg(f"{words.clean(one.title)}: {text}, {one.state}"))


def _silent(axis: Axis) -> Axis:
    """The same axis for a row that isn't the last: only the lines."""
    return Axis(axis.low, axis.high, tuple((at, "") for at, _ in axis.ticks), log=axis.log)


def _interval(chart: Chart, found: Interval, middle: float | None, look: Look) -> None:
    """A bar with ends, an open end where there is no bound or it lies beyond the axis, and a mark in its middle."""
    axis = chart.x
    if found.low is None and found.high is None and middle is None:
        return
    low = axis.low if found.low is None else found.low
    high = axis.high if found.high is None else found.high
    chart.line([(low, 0.5), (high, 0.5)], look.css, width=2.5)
    for end, given in ((low, found.low), (high, found.high)):
        if given is not None and axis.low < end < axis.high:
            chart.line([(end, 0.3), (end, 0.7)], look.css, width=2.5)
    if middle is not None and (middle > 0 or not axis.log):
        chart.mark((middle, 0.5), look.shape, look.css, 6)


def goals(comparison: Comparison) -> Figure:
    """The share of users who reached each goal, and the difference in percentage points."""
    found = comparison.goals
    bounds = [bound for one in found for bound in (one.difference, one.interval.low, one.interval.high) if bound]
    axis = difference_axis(bounds)
    return Figure(
        name="goals",
        title="Goals: share of users who reached them",
        caption="Bar: the interval that holds at every look, in percentage points: right of 0 the canary has more.",
        heads=("", "live", "canary", "difference in points", "interval", "state"),
        cells=tuple(_goal_cells(one) for one in found),
        rows=tuple(_goal_row(one, axis, place, last=place == len(found) - 1) for place, one in enumerate(found)),
    )


def _goal_cells(one: Outcome) -> tuple[str, ...]:
    return (
        words.clean(one.goal),
        _met(one.live_reached, one.live_users),
        _met(one.canary_reached, one.canary_users),
        words.points(one.difference),
        words.points_interval(one.interval),
        one.state,
    )


def _goal_row(one: Outcome, axis: Axis, place: int, *, last: bool) -> Row:
    chart = Chart(f"goal{place}", axis if last else _silent(axis), SIDE, HEIGHT + 22 * last, bare=True)
    chart.line([(0, 0), (0, 1)], "var(--ink)", width=1.2)
    _interval(chart, one.interval, one.difference, STATES.get(one.state, STATES["unclear"]))
    text = f"{words.share(one.live)} → {words.share(one.canary)}; {words.points_interval(one.interval)} points"
    return Row(words.clean(one.goal), text, one.state, chart.svg(f"{words.clean(one.goal)}: {text}, {one.state}"))


def shares(comparison: Comparison) -> Figure:
    """What share of new users each arm but live was to get, and got, in the present stage; all stages as a table."""
    stages = series.stages(comparison)
    others = range(1, len(comparison.arms))
    shown = [value for arm in others for value in (stages[-1].asked[arm], series.part(stages[-1].seen, arm)) if value]
    axis = share_axis(max(shown, default=0.01))
    ratio = comparison.sample_ratio
    seen = any(one.users for one in comparison.arms)
    said = (
        "Nobody was seen yet."
        if not seen
        else "✗ They don't agree, which voids every number on this page."
        if ratio.mismatch
        else "✓ They agree. If they didn't, every number on this page would be void."
    )
    return Figure(
        name="shares",
        title="Share of the users: asked and got",
        caption=f"{said} Outline: asked. Evidence of a mismatch: {words.times(ratio.evidence)}, "
        f"stop line {words.times(ratio.boundary)}.",
        heads=("stage", *(f"{one.role} {what}" for one in comparison.arms for what in ("asked", "got", "users"))),
        cells=tuple((str(number), *_share_cells(stage)) for number, stage in enumerate(stages, start=1)),
        rows=tuple(_share_row(comparison, stages[-1], arm, axis, last=arm == others[-1]) for arm in others),
        below=tables.stages(comparison),
    )


def _share_cells(stage: series.StageCounts) -> tuple[str, ...]:
    found = [(words.share(asked), words.share(series.part(stage.seen, arm)), words.number(stage.seen[arm]))
             for arm, asked in enumerate(stage.asked)]  # fmt: skip
    return tuple(cell for cells in found for cell in cells)


def _share_row(comparison: Comparison, stage: series.StageCounts, arm: int, axis: Axis, *, last: bool) -> Row:
    asked, got, role = stage.asked[arm], series.part(stage.seen, arm), comparison.arms[arm].role
    chart = Chart(f"share{arm}", axis if last else _silent(axis), SIDE, 26 + 22 * last, bare=True)
    if got:
        chart.box((0, 0.2), (got, 0.8), ROLES[role].css)
    chart.box((0, 0.04), (asked, 0.96), "none", "var(--ink)", "4 3")
    text = f"asked {words.share(asked)}, got {words.share(got)}: {words.number(stage.seen[arm])} users"
    return Row(f"{role}, now", text, "", chart.svg(f"{role}: {text}"))
