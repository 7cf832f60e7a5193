"""Routing tables: exact shares, and no user moved back."""

import struct
from bisect import bisect_right
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import BadInput
from tasks.model.percent import BUCKETS, Percent
from tasks.model.release import Release
from tasks.model.route import Table, offset
from tasks.model.version import Version

LIVE = Release(Version("2026.11.21.18.30"), 0)
CANARY = Release(Version("2026.11.22.12.05"), 1)
CONTROL = Release(Version("2026.11.22.13.00"), 2)
PLACES = ("hundreds", "tens", "ones")
"""What the ids are hashed with for each digit of a bucket, in templates/nginx/site.conf.j2."""


def canary_buckets(share):
    return {n for n, release in enumerate(Table(LIVE, CANARY, Percent(share)).buckets()) if release == CANARY}


@given(st.integers(0, BUCKETS))
def test_the_canary_gets_exactly_its_share(share):
    assert Counter(Table(LIVE, CANARY, Percent(share)).buckets())[CANARY] == share


@given(st.integers(0, BUCKETS), st.integers(0, BUCKETS))
def test_a_growing_canary_moves_nobody_back(one, other):
    assert canary_buckets(min(one, other)) <= canary_buckets(max(one, other))


def test_without_a_canary_everybody_meets_the_live_release():
    assert set(Table(LIVE).buckets()) == {LIVE}
    assert len(Table(LIVE).buckets()) == BUCKETS


def test_not_always_the_same_users_meet_a_new_version_first():
    firsts = {offset(Version(f"2026.11.22.12.{minute:02d}")) for minute in range(60)}
    assert len(firsts) > 50


@pytest.mark.parametrize(
    ("text", "buckets"), [("5", 50), ("0.1", 1), ("100", 1000), ("0", 0), ("12.5", 125), ("100.0", 1000)]
)
def test_a_percentage_is_read_in_steps_of_a_tenth(text, buckets):
    assert Percent.parse(text).buckets == buckets


@pytest.mark.parametrize("text", ["", "five", "-1", "101", "100.1", "0.05", "5%", "1e1", "5;id", "٥", "1000", " 5"])
def test_a_bad_percentage_is_refused(text):
    with pytest.raises(BadInput, match="percentage"):
        Percent.parse(text)


@pytest.mark.parametrize(("buckets", "text"), [(50, "5 %"), (1, "0.1 %"), (125, "12.5 %"), (1000, "100 %")])
def test_a_percentage_is_shown_as_people_write_it(buckets, text):
    assert str(Percent(buckets)) == text


@pytest.mark.parametrize(
    "name", ["", "2026.11.22.12.05", "2026.11.22.12.05@", "x@1", "2026.11.22.12.05@1/..", "nothing"]
)
def test_a_folder_that_is_no_release_is_none(name):
    assert Release.from_folder(name) is None


def test_a_release_is_read_as_it_is_written():
    assert Release.from_folder(str(CANARY)) == CANARY


@given(st.integers(0, BUCKETS))
def test_a_control_arm_is_as_big_as_the_canary_while_there_are_so_many_left(share):
    table = Table(LIVE, CANARY, Percent(share), CONTROL)
    counts = Counter(table.buckets())
    assert counts[CANARY] == share
    assert counts[CONTROL] == table.control_share.buckets == min(share, BUCKETS - share)


@given(st.integers(0, BUCKETS), st.integers(0, BUCKETS))
def test_beside_a_control_arm_a_growing_canary_moves_nobody_back(one, other):
    tables = [Table(LIVE, CANARY, Percent(share), CONTROL).buckets() for share in sorted((one, other))]
    assert all(after == CANARY for before, after in zip(*tables, strict=True) if before == CANARY)
    assert not any(before == CONTROL and after == LIVE for before, after in zip(*tables, strict=True)
                   if max(one, other) <= BUCKETS / 2)  # fmt: skip


def murmur2(text):
    """MurmurHash2 of 32 bits with seed 0, as nginx hashes in split_clients (Appleby's, public domain)."""
    mask, times = 0xFFFFFFFF, 0x5BD1E995
    data = text.encode()
    whole = len(data) // 4 * 4
    found = len(data)
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        mixed = word * times & mask
        mixed = (mixed ^ mixed >> 24) * times & mask
        found = found * times & mask ^ mixed
    if data[whole:]:
        found = (found ^ int.from_bytes(data[whole:], "little")) * times & mask
    found = (found ^ found >> 13) * times & mask
    return found ^ found >> 15


def digit(text):
    """Where split_clients with nine times 10 % and a rest puts a text: nginx takes percentages in hundredths."""
    bounds = [0xFFFFFFFF * 1000 * tenth // 10_000 for tenth in range(1, 10)]
    return bisect_right(bounds, murmur2(text))


@pytest.mark.parametrize(("text", "number"), [("", 0), ("a", 0x92685F5E), ("abc", 0x13577C9B), ("abcd", 0x26873021)])
def test_the_hash_is_murmur2(text, number):
    assert murmur2(text) == number


def test_of_100000_users_a_canary_gets_its_share_within_the_binomial_error():
    buckets = Table(LIVE, CANARY, Percent(50)).buckets()
    ids = Random(1)
    users = (f"{ids.getrandbits(128):032x}" for _ in range(100_000))
    got = Counter(buckets[int("".join(str(digit(place + user)) for place in PLACES))] for user in users)
    assert abs(got[CANARY] / 100_000 - 0.05) < 4 * (0.05 * 0.95 / 100_000) ** 0.5


def test_steps_grow():
    assert Percent.parse_steps("1,5,25,100") == tuple(map(Percent, (10, 50, 250, 1000)))
    assert Percent.parse_steps("5") == (Percent(50),)


@pytest.mark.parametrize("text", ["5,1", "5,5", "0,5", "0"])
def test_steps_that_do_not_grow_are_refused(text):
    with pytest.raises(BadInput, match="expected growing percentages above 0"):
        Percent.parse_steps(text)


@pytest.mark.parametrize("text", ["1,,5", "1;5", "1, 5", "a,b", ",", "1,101"])
def test_steps_that_are_no_percentages_are_refused(text):
    with pytest.raises(BadInput, match="is not a percentage"):
        Percent.parse_steps(text)
