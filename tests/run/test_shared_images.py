"""Builds of branches and apps share images: none goes while anybody builds with it."""

from tasks.run.shared_images import DAY, KEPT, idle

NOW = 10.0 * DAY


def test_what_was_used_in_the_last_day_stays_however_many_there_are():
    assert idle({f"depl-builder:{n}": NOW - n for n in range(50)}, NOW) == []


def test_what_was_used_last_stays_however_old_it_is():
    used = {f"depl-builder:{n}": float(n) for n in range(KEPT + 2)}
    assert idle(used, NOW) == ["depl-builder:0", "depl-builder:1"]
    assert idle({**used, "depl-builder:0": NOW}, NOW) == ["depl-builder:1", "depl-builder:2"]
