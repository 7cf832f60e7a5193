"""What others wrote stays text in SQL."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.model.rollout import Goal
from tasks.stats.queries import DUCKDB, LINES, SLICES, events

from .lines import ASKED, Host, line, text

words = st.text(st.sampled_from("a'\"\\;-*/%_{}\n ?$é"), max_size=12)


@given(words)
def test_a_quoted_text_is_that_text(word):
    assert duckdb.execute(f"SELECT {DUCKDB.quote(word)}").fetchone() == (word,)


@given(words, words, words)
def test_a_goal_is_part_of_no_sql_but_its_own_words(path, method, header):
    asked = replace(ASKED, goals={header: Goal(path, method, 200, header)})
    (statement,) = duckdb.extract_statements(events(asked, DUCKDB, LINES, SLICES[0]))
    assert statement.type == duckdb.StatementType.SELECT


@pytest.mark.parametrize(
    ("goal", "reached"),
    [
        (Goal(path="/buy"), ["/buy"]),
        (Goal(path="/buy*"), ["/buy", "/buy/1", "/buyer"]),
        (Goal(path="/%*"), ["/%x"]),
        (Goal(path="/'; DROP TABLE users; --"), ["/'; DROP TABLE users; --"]),
        (Goal(path="/{chunk}"), ["/{chunk}"]),
    ],
)
def test_a_path_is_exact_or_ends_with_a_star(tmp_path, goal, reached):
    paths = ["/", "/buy", "/buy/1", "/buyer", "/%x", "/'; DROP TABLE users; --", "/{chunk}"]
    host = Host(tmp_path / "host")
    host.write(text(line(user=f"{place:032x}", path=path) for place, path in enumerate(paths)))
    asked = replace(ASKED, goals={"it's one": goal})
    assert host.count(asked).users("goal:it's one") == (len(reached), 0, 0)
