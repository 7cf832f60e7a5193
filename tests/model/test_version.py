"""Versions: one format, refused or taken as it is, and each build its own."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import BadInput
from tasks.model.version import Version

NOON = datetime(2026, 11, 22, 12, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026.11.22.12.05", "2024.02.29.00.00", "1999.12.31.23.59"])
def test_a_version_is_taken_as_it_is(text):
    assert str(Version.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "1.2", "2026.11.22", "2026.11.22.12.5", "2026.13.22.12.05", "2026.02.30.12.05", "2026.11.22.24.00",
     "2026.11.22.12.05\n", " 2026.11.22.12.05", "２０２６.11.22.12.05", "2026.11.22.12.05;id", "../2026.11.22.12.05",
     "$(id)", "latest", "0000.11.22.12.05"],
)  # fmt: skip
def test_anything_else_is_refused_with_the_format_in_the_message(text):
    with pytest.raises(BadInput, match=r"YYYY\.MM\.DD\.HH\.MM"):
        Version.parse(text)


@given(st.text(max_size=40))
def test_no_text_makes_it_fail_in_another_way(text):
    try:
        assert str(Version.parse(text)) == text
    except BadInput as error:
        assert 1 <= len(str(error).splitlines()) <= 3


def test_a_build_is_named_by_its_minute_in_utc():
    there = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert Version.next(there, []) == Version("2026.11.22.12.05")


def test_a_second_build_in_the_same_minute_gets_its_own_version():
    first = Version.next(NOON, [])
    second = Version.next(NOON, [first])
    third = Version.next(NOON, [first, second])
    assert first < second < third
    assert str(third) == "2026.11.22.12.07"
