"""What is suggested can be typed, and fits what happened."""

from __future__ import annotations

import copy
import shlex
from dataclasses import replace

import pytest
from invoke.parser import Parser

from tasks import ns
from tasks.stats.report.advice import done, next_commands

from .. import samples

every_sample = pytest.mark.parametrize("sample", [one for one in samples.ALL if one is not samples.hostile])


@every_sample
def test_every_command_is_one_that_inv_understands(sample):
    found = next_commands(sample())
    assert found
    for command, _ in found:
        inv, *words = shlex.split(command)
        assert inv == "inv"
        Parser(contexts=copy.deepcopy(ns).to_contexts()).parse_argv(words)


def test_a_canary_that_is_put_back_is_not_put_back_again():
    assert "was taken out of traffic at 2026-11-22 12:27 UTC" in done(samples.failing())
    assert next_commands(samples.failing())[0][0].startswith("inv logs --version 2026.11.22.12.05")


def test_one_that_still_has_its_users_is_told_from_one_that_has_not():
    held = samples.held()
    assert done(held) == "It still gets 5 % of the users."
    assert done(replace(held, rules=replace(held.rules, on_fail="hold"))).endswith("nobody is put back.")
    assert next_commands(held)[0][0] == "inv canary --percent 0 --app app1"


def test_a_promoted_one_can_be_taken_back():
    good = samples.good()
    assert next_commands(good)[0][0] == "inv promote --version 2026.11.22.12.05 --app app1"
    promoted = replace(good, rollout=replace(good.rollout, ended=samples.BEGAN + 3600, outcome="promoted"))
    assert next_commands(promoted)[0][0] == "inv rollback --app app1"
    assert "all users have it" in done(promoted)


def test_nothing_is_promoted_without_data():
    for sample in (samples.waiting, samples.no_traffic, samples.mismatch, samples.ab_open):
        assert not any("promote" in command for command, _ in next_commands(sample()))
