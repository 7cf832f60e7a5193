"""What may go: never what serves, nor the way back, nor what lost its traffic a moment ago."""

from dataclasses import replace

import pytest

from tasks.model.release import Release
from tasks.model.version import Version
from tasks.plan import prune, retire

from .world import NOW, TARGET, Story, installed, whys


def version(n):
    return Version(f"2026.11.22.13.0{n}")


def host(count=8, **options):
    story = Story()
    for n in range(count):
        story.has(installed(version(n), n, at=NOW - 5000 + n, **options))
    return story


def names(found):
    return [str(one.release.version)[-1] for one in found]


def test_live_and_the_way_back_and_the_kept_ones_stay():
    story = host().went_live(Release(version(0), 0), at=1).went_live(Release(version(1), 1), version(0), at=2)
    stopped, removed = retire.spare(TARGET, story.facts())
    assert names(removed) == ["3", "2"]
    assert names(stopped) == ["5", "4"]


def test_a_canary_stays():
    story = host().went_live(Release(version(7), 7), at=1)
    story.went_live(Release(version(7), 7), at=2, canary=Release(version(0), 0), share=50)
    stopped, removed = retire.spare(TARGET, story.facts())
    assert "0" not in names(stopped) + names(removed)


def test_what_lost_its_traffic_a_moment_ago_stays():
    story = host().went_live(Release(version(0), 0), at=1)
    story.went_live(Release(version(6), 6), version(0), at=NOW - 100).went_live(
        Release(version(7), 7), version(6), at=NOW - 5
    )
    stopped, removed = retire.spare(TARGET, story.facts())
    assert "6" not in names(stopped) + names(removed)


@pytest.mark.parametrize("day", [86400, -86400])
def test_when_traffic_was_lost_is_told_by_the_hosts_own_clock(day):
    story = host().went_live(Release(version(1), 1), at=1)
    story.went_live(Release(version(0), 0), version(1), at=NOW - 1000 + day, written=NOW - 1000)
    story.went_live(Release(version(7), 7), version(0), at=NOW - 5 + day, written=NOW - 5)
    story.went_live(Release(version(6), 6), version(7), at=NOW - 1 + day, written=NOW - 1)
    stopped, removed = retire.spare(TARGET, story.facts())
    kept = set("01234567") - set(names([*stopped, *removed]))
    assert "0" in kept, "it lost its traffic a moment ago"
    assert "1" not in kept, "it lost its traffic long ago"


def test_links_to_releases_that_are_gone_are_removed():
    facts = replace(
        host(2).went_live(Release(version(0), 0)).facts(),
        slots={0: f"../releases/{version(0)}@0", 5: f"../releases/{version(5)}@5", 6: "elsewhere"},
        previews={
            str(version(0)): f"../releases/{version(0)}@0",
            str(version(5)): f"../releases/{version(5)}@5",
            "x": "y",
        },
    )
    (step,) = [step for phase in prune.plan(TARGET, [facts]).phases for step in phase.steps[facts.host]]
    assert step.argv[2:] == (TARGET.layout.slot(5), TARGET.layout.version(version(5)))


def test_what_never_got_traffic_does_not_fill_the_slots_for_ever():
    assert retire.spare(TARGET, host().facts())[1]


def test_a_clean_host_has_nothing_to_prune():
    assert not prune.plan(TARGET, [host(2).went_live(Release(version(0), 0)).facts()])


def test_pruning_stops_some_and_removes_others():
    story = host().went_live(Release(version(7), 7))
    said = whys(prune.plan(TARGET, [story.facts()]))
    assert "remove 2026.11.22.13.00: folder" in said
    assert "remove 2026.11.22.13.00: image" in said
    assert "stop 2026.11.22.13.04: container" in said
    assert not [why for why in said if "13.07" in why]


def test_a_removal_that_is_cut_short_leaves_nothing_that_the_next_one_would_not_see():
    said = whys(prune.plan(TARGET, [host().went_live(Release(version(7), 7)).facts()]))
    removed = [why for why in said if why.startswith("remove 2026.11.22.13.00: ")]
    assert removed[-1].endswith(": folder")
    assert removed.index("remove 2026.11.22.13.00: image") > removed.index(
        "remove 2026.11.22.13.00: remove app1-2026.11.22.13.00-web"
    )


def test_a_drain_that_ends_while_prune_is_at_work_does_not_make_it_fail():
    story = host(7).went_live(Release(version(5), 5), at=1)
    for n, ago in ((0, 1000), (4, 1), (6, 0)):
        story.went_live(Release(version(n), n), version(5), at=NOW - ago)
    facts = story.facts()
    later = replace(facts, clock=NOW + TARGET.environment.drain + 1)
    planner = prune.as_of(TARGET, [facts])
    assert whys(planner([later])) == whys(planner([facts]))
    assert whys(prune.plan(TARGET, [later])) != whys(planner([later])), "the next prune has it"
