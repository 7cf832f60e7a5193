"""Numbers are said with their unit, with as many digits as matter, and nothing is rounded to a lie."""

from __future__ import annotations

import math

import pytest

from tasks.stats.comparison import Interval
from tasks.stats.report import words


@pytest.mark.parametrize(
    ("part", "said"),
    [(0, "0 %"), (0.00001, "< 0.01 %"), (0.0021, "0.21 %"), (0.05, "5 %"), (0.0998, "9.98 %"), (0.09999, "10 %"),
     (0.126, "12.6 %"), (0.9990, "99.9 %"), (1, "100 %"), (None, "–")],
)  # fmt: skip
def test_shares_keep_three_digits(part, said):
    assert words.share(part) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0004, "0.4 ms"), (0.0099, "9.9 ms"), (0.00996, "10 ms"), (0.045, "45 ms"), (0.9994, "999 ms"), (0.9999, "1 s"),
     (1.23, "1.2 s"), (None, "–")],
)  # fmt: skip
def test_response_times_change_their_unit(seconds, said):
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59, "59 s"), (90, "2 min"), (1440, "24 min"), (7200, "2 h"), (5400 + 3600, "2.5 h"), (86400, "24 h"),
     (3 * 86400, "3 d")],
)  # fmt: skip
def test_spans_change_their_unit(seconds, said):
    assert words.span(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.001, "< 0.01×"), (0.4, "0.40×"), (1.5, "1.5×"), (240.4, "240×"), (12345, "12,345×"), (1e12, "> 1,000,000×"),
     (math.inf, "> 1,000,000×"), (math.nan, "> 1,000,000×"), (None, "–")],
)  # fmt: skip
def test_ratios_and_evidence_end_somewhere(value, said):
    assert words.times(value) == said


def test_an_interval_without_a_bound_says_so():
    assert words.interval(Interval(0.8, 1.3)) == "0.80× to 1.3×"
    assert words.interval(Interval(2.4, None)) == "at least 2.4×"
    assert words.interval(Interval(None, 1.3)) == "at most 1.3×"
    assert words.interval(Interval(None, None)) == "nothing can be said yet"
    assert words.points_interval(Interval(-0.029, 0.041)) == "−2.9 to +4.1"
    assert words.points_interval(Interval(None, 0.1)) == "nothing can be said yet"


def test_a_unit_is_said_once_for_an_interval_that_has_one():
    assert words.quantile(0.18, Interval(0.15, 0.24)) == "180 ms (150–240 ms)"
    assert words.quantile(1.0, Interval(0.79, 2.0)) == "1 s (790 ms–2 s)"
    assert words.quantile(0.18, Interval(0.15, None)) == "180 ms"


def test_nothing_that_steers_a_terminal_is_left():
    assert words.clean("a\x1b[31m\nb\u202e\u2028c \N{ZERO WIDTH SPACE}ü") == "a[31mbc ü"
