"""The terminal says it in 80 columns, without colours, without a terminal, and the verdict last."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tasks.stats.report import plots, text

from .. import samples

every_sample = pytest.mark.parametrize("sample", samples.ALL, ids=lambda one: one.__name__)


def printed(comparison, capsys, **options) -> str:
    text.show(comparison, print, **options)
    return capsys.readouterr().out


@every_sample
def test_it_is_plain_text(sample, capsys):
    out = printed(sample(), capsys, charts=True)
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_every_number_has_its_unit_and_its_interval(capsys):
    out = printed(samples.failing(), capsys)
    for said in ("7,539", "386", "56 (0.74 %)", "32 (8.29 %)", "46 ms (45–48 ms)", "9.7 MB", "at least 5.3 times"):
        assert said in out, said
    for row in ("users", "requests", "failing users", "error rate", "p50", "p95", "p99", "sent"):
        assert f"\n{row} " in out


def test_the_verdict_comes_last_with_what_to_type_next():
    lines = text.last(samples.failing())
    assert lines[0] == "ABORT. 2026.11.22.12.05 fails too often."
    assert lines[-1].startswith("next: inv logs --version 2026.11.22.12.05")
    noted = text.last(replace(samples.failing(), warnings=("app2 is silent.",)))
    assert noted[:2] == ["warning: app2 is silent.", lines[0]]


def test_the_arms_fit_80_columns_also_with_a_control_arm(capsys):
    out = printed(replace(samples.control(), differences=()), capsys)
    table = out.split("Stages")[0].splitlines()
    assert max(map(len, table)) <= 80
    assert out.count("2026.11.21.18.30") == 2


def test_goals_are_shown_with_their_difference_in_points(capsys):
    out = printed(samples.ab_decided(), capsys)
    (row,) = [line for line in out.splitlines() if line.startswith("order ")]
    assert "10.5 %" in row
    assert "+3.7 to +7.6" in row
    assert "▲ more" in row


# --- charts ---


@every_sample
def test_charts_fit_80_columns(sample):
    assert all(len(line) <= 80 for line in plots.plots(sample()) if "alert(1)" not in line)


def test_each_line_has_a_letter_of_its_own():
    drawn = "\n".join(plots.plots(samples.control()))
    for named in ("F met an error", "L 2026.11.21.18.30", "C 2026.11.22.12.05", "O 2026.11.21.18.30"):
        assert f"  {named}" in drawn
    assert "stop line 20×" in drawn
    assert re.search("[⠁-⣿]{9}", drawn)


def test_evidence_beyond_the_axis_stays_at_its_edge():
    top = plots.plots(samples.held())[2:4]
    assert top[0].startswith("1,000,000×")
    assert re.search("[FSX]{20}", top[1])


def test_nothing_counted_is_nothing_drawn():
    assert plots.plots(samples.no_traffic()) == []
