"""What the live version's last hour says before a rollout begins."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.model.rollout import Thresholds
from tasks.stats.collect import ENOUGH, baseline
from tasks.stats.counts import Counts
from tasks.stats.queries import Asked

from .lines import BEGAN, LIVE, Host, line, text

LAST_HOUR = Asked("app1", (LIVE,), (BEGAN,))


def of_lines(tmp_path, lines) -> Counts:
    host = Host(tmp_path / "host")
    host.write(text(lines))
    return host.count(LAST_HOUR, tick=3600)


def test_a_baseline_says_how_many_users_came_how_many_failed_and_what_is_slow(tmp_path):
    lines = [
        line(time=BEGAN + place, user=f"{place % 100:032x}", status=500 if place % 100 == 7 else 200,
             request_time=0.01 if place % 10 else 1)
        for place in range(1000)
    ]  # fmt: skip
    found = baseline(of_lines(tmp_path, lines), 600)
    assert (found.users, found.users_per_minute, found.requests, found.failing) == (100, 10, 1000, 0.01)
    slow = (found.slow.p50, found.slow.p95, found.slow.p99)
    assert slow == pytest.approx((0.01, 1, 1), rel=0.015)


def test_few_requests_make_no_threshold(tmp_path):
    found = baseline(of_lines(tmp_path, [line()] * (ENOUGH - 1)), 600)
    assert found.slow is None
    assert baseline(of_lines(tmp_path, [line()]), 600).slow == Thresholds(*[found_at(0.012)] * 3)


def found_at(seconds: float) -> float:
    """The middle of the bin of a time."""
    from tasks.stats.counts import Histogram

    place = next(one for one in range(200) if Histogram({one: 1}).quantile(1) >= seconds / 1.01)
    return Histogram({place: 1}).quantile(1)


def test_nobody_came(tmp_path):
    found = baseline(of_lines(tmp_path, []), 600)
    assert (found.users, found.requests, found.failing, found.slow) == (0, 0, 0, None)


def test_a_sample_stands_for_all(tmp_path):
    counted = of_lines(tmp_path, [line()])
    assert baseline(replace(counted, sampled=0.25), 60).users_per_minute == 4
