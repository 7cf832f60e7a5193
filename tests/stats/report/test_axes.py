"""Axes hold what is drawn, carry few labels, and put what lies beyond at their ends."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as some

from tasks.stats.report import axes

POSITIVE = some.floats(1e-9, 1e9)
SHARES = some.floats(0, 1)


def sound(axis: axes.Axis) -> None:
    places = [at for at, _ in axis.ticks]
    assert axis.low < axis.high
    assert all(axis.low * 0.999 <= at <= axis.high * 1.001 or axis.low <= at <= axis.high for at in places)
    assert all(one < other for one, other in itertools.pairwise(places))
    assert 2 <= len(places) <= 11
    assert len({label for _, label in axis.ticks}) == len(places)
    assert axis.place(-1e12 if not axis.log else 1e-12) == axis.scale(axis.low)
    assert axis.place(1e12) == axis.scale(axis.high)


@given(some.floats(0, 40 * 86400))
def test_time_is_marked_in_minutes_hours_or_days(seconds):
    axis = axes.time_axis(seconds)
    assert axis.high >= seconds
    assert axis.ticks[0] == (0, "0")
    if seconds > 120:
        sound(axis)


@given(some.lists(POSITIVE), some.floats(2, 1000))
def test_evidence_always_shows_the_stop_line_with_room_above(values, stop):
    axis = axes.evidence_axis(values, stop)
    sound(axis)
    assert axis.low < 1 < stop < axis.high


@given(some.lists(some.floats(1e-4, 1e3)))
def test_response_times_lie_between_the_ends(seconds):
    axis = axes.duration_axis(seconds)
    sound(axis)
    assert all(axis.low <= one <= axis.high for one in seconds)


@given(SHARES)
def test_tails_reach_down_to_the_smallest_share(smallest):
    axis = axes.tail_axis(smallest)
    sound(axis)
    assert axis.high == 1
    assert axis.low <= max(smallest, 1e-5)


@given(SHARES)
def test_shares_begin_at_nothing(largest):
    axis = axes.share_axis(largest)
    sound(axis)
    assert axis.low == 0
    assert axis.high >= largest * 0.999


@given(some.lists(POSITIVE))
def test_ratios_have_one_in_the_middle(values):
    axis = axes.ratio_axis(values)
    sound(axis)
    assert axis.low < 1 < axis.high


@given(some.lists(some.floats(-1, 1)))
def test_differences_reach_as_far_to_both_sides(values):
    axis = axes.difference_axis(values)
    sound(axis)
    assert axis.low == -axis.high
