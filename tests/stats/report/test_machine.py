"""JSON for machines is complete, documented, stable and valid."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import pytest

from tasks.stats.report import machine

from .. import samples

every_sample = pytest.mark.parametrize("sample", samples.ALL, ids=lambda one: one.__name__)
KEYS = [
    "app", "arms", "began", "differences", "environment", "evidence", "goals", "hosts", "rollout", "rules",
    "sample_ratio", "sampled", "schema", "slices", "trouble", "until", "verdict", "warnings",
]  # fmt: skip


def keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return {*value, *(key for one in value.values() for key in keys(one))}
    return {key for one in value for key in keys(one)} if isinstance(value, list | tuple) else set()


@every_sample
def test_it_is_json_with_the_same_keys_whatever_happened(sample):
    found = machine.as_json(sample())
    assert sorted(found) == KEYS
    assert keys(json.loads(json.dumps(found, allow_nan=False))) == keys(found)


def test_every_key_is_documented():
    found = machine.as_json(samples.ab_decided())
    del found["rules"]  # named in conf/apps
    counted = {"failing", "slow50", "slow95", "slow99"}
    told = set(re.findall(r"[a-z_0-9]+", machine.as_json.__doc__))
    assert {key for key in keys(found) if not key.isdigit() and not key.startswith("-")} - told - counted == set()


def test_what_is_endless_is_null():
    comparison = samples.failing()
    first = replace(comparison.differences[0], evidence=math.inf)
    found = replace(comparison, differences=(first, *comparison.differences[1:]))
    assert machine.as_json(found)["differences"][0]["evidence"] is None
    assert machine.look(found, 0)["kinds"]["failing"]["evidence"] is None


@every_sample
def test_a_look_says_what_was_seen_the_boundary_and_the_decision(sample):
    comparison = sample()
    found = machine.look(comparison, 17.5)
    assert json.loads(json.dumps(found, allow_nan=False)).keys() == found.keys()
    assert found["at"] == 17.5
    assert found["decision"] == comparison.verdict.word
    assert found["asked"] == list(machine.series.stages(comparison)[-1].asked)
    assert set(found["kinds"]) == {one.kind for one in comparison.differences}
    assert all(one["boundary"] >= 20 for one in found["kinds"].values())
    assert "\n" not in json.dumps(found)


def test_a_look_is_a_line_and_not_a_book():
    assert len(json.dumps(machine.look(samples.three_days(), 0))) < 3000
