"""What leaves the registry: never what a host needs, nor the newest, nor what was just built, nor a shared manifest."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.model.image import CONTROL
from tasks.model.release import Release
from tasks.model.version import Version
from tasks.plan import built

from .world import APP1, APP2, NOW, TARGET, Story, installed

LATER = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
V = [Version(f"2026.11.22.12.{n:02}") for n in range(10)]
TAGS = [str(one) for one in V]


def short(tags):
    return sorted(tag.removeprefix("2026.11.22.12.0") for tag in tags)


def test_the_newest_stay_and_older_ones_go():
    assert short(built.old(TAGS, 7, (), LATER)) == ["0", "1", "2"]


@pytest.mark.parametrize("keep", [10, 11, 10000])
def test_where_there_are_no_more_than_are_kept_none_goes(keep):
    assert not built.old([*TAGS, f"2026.11.22.11.00{CONTROL}"], keep, (), LATER)


def test_what_a_host_needs_stays_however_old_it_is():
    assert short(built.old(TAGS, 7, {V[1]}, LATER)) == ["0", "2"]


def test_what_a_host_needs_takes_no_place_of_the_newest():
    assert built.old(TAGS, 7, {V[0], V[1]}, LATER) == {TAGS[2]}


def test_nothing_of_the_last_day_goes_so_that_no_name_is_given_twice():
    assert not built.old(TAGS, 1, (), V[0].minute + built.DAY)
    assert short(built.old(TAGS, 1, (), V[0].minute + built.DAY + 1)) == ["0"]


def test_of_a_branch_all_goes_but_the_newest_what_is_live_and_the_last_hour():
    def gone(live, now):
        return short(built.old_of_branch(TAGS, [Story().went_live(Release(live, 0), V[1], at=1).facts()], now))

    assert gone(V[9], LATER) == list("012345678"), "nobody goes back to a former build"
    assert gone(V[2], LATER) == list("01345678"), "the newest may be on its way, or have failed"
    assert gone(V[9], V[2].minute + built.HOUR + 1) == list("012")


def test_a_branchs_live_build_keeps_its_manifest_under_each_of_its_names():
    facts = [Story().went_live(Release(V[9], 0), at=1).facts()]
    digests = dict.fromkeys(TAGS[:9], "sha256:a") | {TAGS[0]: "sha256:b", TAGS[9]: "sha256:b"}
    assert built.leaving(digests, built.old_of_branch(TAGS, facts, LATER)) == {"sha256:a": tuple(TAGS[1:9])}


def test_a_branch_without_a_live_build_loses_none():
    assert not built.old_of_branch(TAGS, [Story().facts()], LATER)
    assert not built.old_of_branch(TAGS, [], LATER)


def test_a_version_in_the_same_minute_as_the_newest_keeps_its_name():
    """Two builds in a minute: the second has the next minute's name, and the first's would be free for a third."""
    now = datetime(2026, 11, 22, 12, 5, 40, tzinfo=UTC)
    there = [V[5], V[6]]
    left = [one for one in there if str(one) not in built.old(map(str, there), 1, (), now.timestamp())]
    assert Version.next(now, left) not in there


def test_tags_of_another_kind_stay_and_count_as_no_version():
    others = ["latest", "2026.11.22.12.00-0123abc", "2026.13.01.00.00", "2026.11.22.12.0"]
    assert short(built.old([*TAGS, *others], 9, (), LATER)) == ["0"]


def test_a_control_arms_name_goes_with_the_versions_of_its_time_and_counts_as_none():
    arms = [f"2026.11.22.11.00{CONTROL}", f"2026.11.22.12.30{CONTROL}"]
    assert built.old([*TAGS, *arms], 9, (), LATER) == {TAGS[0], arms[0]}
    assert built.old([*TAGS, *arms], 9, {Version("2026.11.22.11.00")}, LATER) == {TAGS[0]}


def test_a_manifest_that_a_kept_tag_has_too_stays_with_all_its_tags():
    digests = {TAGS[0]: "sha256:a", f"{TAGS[9]}{CONTROL}": "sha256:a", TAGS[1]: "sha256:b", TAGS[2]: "sha256:c"}
    assert built.leaving(digests, {TAGS[0], TAGS[1]}) == {"sha256:b": (TAGS[1],)}


def test_a_manifest_whose_tags_are_all_old_goes_once():
    digests = {TAGS[0]: "sha256:a", f"{TAGS[1]}{CONTROL}": "sha256:a"}
    assert built.leaving(digests, set(digests)) == {"sha256:a": (TAGS[0], f"{TAGS[1]}{CONTROL}")}


@given(st.dictionaries(st.sampled_from([*TAGS, *(f"{tag}{CONTROL}" for tag in TAGS), "x"]), st.sampled_from("abcdef")),
       st.integers(1, 12), st.sets(st.sampled_from(V)))  # fmt: skip
def test_whatever_leaves_no_kept_tag_loses_its_manifest_and_a_second_prune_finds_nothing(digests, keep, needed):
    old = built.old(digests, keep, needed, LATER)
    leaving = built.leaving(digests, old)
    left = {tag: digest for tag, digest in digests.items() if digest not in leaving}
    assert set(digests) - set(left) <= old
    assert {str(one) for one in needed} & set(digests) <= set(left)
    newest = sorted(tag for tag in digests if tag in TAGS)[-keep:]
    assert set(newest) <= set(left)
    assert not built.leaving(left, built.old(left, keep, needed, LATER))


# --- what hosts need ---


def test_what_is_installed_live_canary_or_the_way_back_on_any_host_is_needed():
    one = Story(APP1).has(installed(V[3], 0), installed(V[4], 1))
    one.went_live(Release(V[3], 0), V[0], at=1, canary=Release(V[4], 1), share=50)
    other = Story(APP2).has(installed(V[5], 0)).went_live(Release(V[5], 0), at=1)
    assert built.needed(TARGET, [one.facts(), other.facts()]) == {V[0], V[3], V[4], V[5]}


def test_what_serves_is_needed_though_its_folder_is_gone():
    assert built.needed(TARGET, [Story().went_live(Release(V[2], 0), at=1).facts()]) == {V[2]}


def test_the_version_that_a_control_arm_is_made_of_is_needed_beside_the_arms_own_name():
    arm = replace(installed(V[7], 2), control_of=V[1])
    story = Story().has(installed(V[3], 0), arm)
    story.went_live(Release(V[3], 0), at=1, canary=Release(V[7], 2), share=10)
    assert built.needed(TARGET, [story.facts()]) == {V[1], V[3], V[7]}


def test_what_a_prune_takes_off_a_host_is_not_needed():
    story = Story()
    for n in range(8):
        story.has(installed(V[n], n, at=NOW - 5000 + n))
    story.went_live(Release(V[0], 0), at=1)
    assert built.needed(TARGET, [story.facts()]) == {V[0], V[4], V[5], V[6], V[7]}
