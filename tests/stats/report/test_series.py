"""What is thinned for a picture keeps all that was counted, and every crossing of the stop line."""

from __future__ import annotations

import pytest

from tasks.stats.comparison import Point
from tasks.stats.counts import FAILING, SEEN, Histogram
from tasks.stats.report import series

from .. import samples


@pytest.mark.parametrize("sample", [samples.failing, samples.waiting, samples.control, samples.three_days])
def test_slices_lose_nothing(sample):
    counts = sample().counts
    found = series.slices(sample())
    assert tuple(map(sum, zip(*(one.requests for one in found), strict=True))) == counts.requests()
    assert tuple(map(sum, zip(*(one.errors for one in found), strict=True))) == counts.errors()
    assert tuple(map(sum, zip(*(one.seen for one in found), strict=True))) == counts.users(SEEN)
    assert [sum(one.times[1].total for one in found)] == [counts.times(1).total]


def test_slices_are_few_and_of_equal_length():
    found = series.slices(samples.three_days())
    assert len(found) <= series.SLICES
    assert len({round(one.until - one.at) for one in found}) == 1


def test_hours_without_a_tick_are_not_drawn():
    whole = samples.three_days()
    ticks = (*whole.counts.ticks[:100], *whole.counts.ticks[3000:])
    torn = samples.replace(whole, counts=samples.replace(whole.counts, ticks=ticks))
    found = series.slices(torn)
    assert max(later.at - sooner.until for sooner, later in series.pairwise(found)) > 40 * 3600
    assert sum(one.requests[0] for one in found) == torn.counts.requests()[0]


def test_nothing_counted_is_nothing_to_draw():
    assert series.slices(samples.no_traffic()) == []
    assert series.slower(Histogram()) == []
    (stage,) = series.stages(samples.no_traffic())
    assert stage.asked == (0.95, 0.05)
    assert series.part(stage.seen, 1) is None


def test_stages_add_up_to_the_whole():
    comparison = samples.control()
    found = series.stages(comparison)
    assert [one.asked[1] for one in found] == [0.01, 0.05, 0.25]
    assert sum(one.seen[1] for one in found) == comparison.counts.users(SEEN)[1]
    assert sum(one.failing[2] for one in found) == comparison.counts.users(FAILING)[2]
    assert [one.until for one in found[:-1]] == [one.at for one in found[1:]]


def test_thinning_keeps_the_highest_and_the_last():
    points = [Point(float(at), {FAILING: 1.0, "slow95": 0.5}) for at in range(10_000)]
    points[4321] = Point(4321.0, {FAILING: 0.1, "slow95": 70.0})
    found = series.thinned(points)
    assert len(found) <= 2 * series.STEPS
    assert points[4321] in found
    assert found[-1] == points[-1]
    assert [one.at for one in found] == sorted({one.at for one in found})


def test_all_kinds_share_one_stop_line():
    comparison = samples.failing()
    for one in comparison.differences:
        assert series.weighed(comparison, one.kind, one.boundary) == pytest.approx(1 / comparison.rules.alpha)


def test_evidence_is_there_when_its_tick_ends():
    comparison = samples.failing()
    assert series.evidence(comparison)[0].at == comparison.counts.ticks[1].at
    assert series.evidence(comparison)[-1].at == comparison.counts.until


def test_tails_fall_from_all_to_one_request():
    times = samples.failing().arms[0].times
    tail = series.slower(times)
    assert tail[0][1] == 1
    assert tail[-1][1] >= 1 / times.total
    assert all(later[1] < sooner[1] and later[0] > sooner[0] for sooner, later in series.pairwise(tail))
