"""What `inv status` says of the newest look at a canary, from the evidence file and nothing else."""

from dataclasses import asdict

import pytest

from tasks.plan import looks

from .world import NOW

WAITS = {
    "at": NOW - 40, "decision": "wait", "headline": "NOT ENOUGH DATA. About 3 h more at this traffic.",
    "reason": "6 of 422 users met an error.", "move": "wait", "why": "6 of 422 users met an error.",
}  # fmt: skip
FINE = {**WAITS, "decision": "promote", "headline": "PROMOTE. 2026.11.22.12.05 is not worse than you allow."}


def said(look):
    newest = looks.newest([{"at": 1.0}, look])
    return newest.line(NOW) if newest else None


def test_the_newest_looks_word_is_said_with_its_time_and_what_to_type():
    assert said(WAITS) == (
        "The newest look of --auto, 40 s ago: NOT ENOUGH DATA. About 3 h more at this traffic.  now: inv compare"
    )


@pytest.mark.parametrize(
    ("move", "why"),
    [("wait", "new in tracker: ValueError (http://bugsink/1)"), ("hold", "No verdict within 600 s at 5 %.")],
)
def test_what_keeps_a_canary_against_its_verdict_is_said_too(move, why):
    assert f"is not worse than you allow. {move}: {why}  now: " in said({**FINE, "move": move, "why": why})


@pytest.mark.parametrize("move", ["grow", "promote"])
def test_a_move_that_follows_the_verdict_is_not_said_twice(move):
    assert said({**FINE, "move": move}).endswith("is not worse than you allow.  now: inv compare")


def test_all_of_a_look_that_status_has_is_there_for_programs():
    assert asdict(looks.newest([WAITS])) == WAITS


def test_a_rollout_that_nobody_looked_at_has_none():
    assert looks.newest([]) is None


@pytest.mark.parametrize("torn", [None, 7, [], {}])
def test_what_is_no_look_is_none(torn):
    assert looks.newest([WAITS, torn]) is None


@pytest.mark.parametrize("part", [{"at": "noon"}, {"at": True}, {"at": float("nan")}, {"headline": 3}, {"why": None}])
def test_a_look_with_a_part_of_another_kind_is_none(part):
    assert looks.newest([{**WAITS, **part}]) is None


def test_titles_that_others_wrote_do_not_steer_the_terminal():
    assert "\x1b" not in said({**FINE, "move": "wait", "why": "new in tracker: \x1b[2J\nLive is 1"})
    assert "\n" not in said({**FINE, "move": "wait", "why": "new in tracker: \x1b[2J\nLive is 1"})
