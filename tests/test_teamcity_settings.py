"""TeamCity's settings: they are Kotlin, no step pastes what others wrote into a shell, and each types what `inv` knows.

Types are checked by `make check-teamcity`, which needs a compiler.
"""

from __future__ import annotations

import copy
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import tree_sitter_kotlin
from invoke.parser import Parser
from tree_sitter import Language, Node
from tree_sitter import Parser as Reader

from tasks import ns

PROJECT = Path(__file__).resolve().parents[1]
FILES = sorted((PROJECT / ".teamcity").rglob("*.kt*"))
STAND_INS = sorted((PROJECT / "tests" / "dsl").glob("*.kt"))
SAMPLES = {"DEPL_VERSION": "2026.11.22.12.05", "DEPL_PERCENT": "1,5", "DEPL_APP": "app1"}
QUOTED = re.compile(r'"\$(\w+)"|"\$\{(\w+)#[\w/]+\}"|\$\{(\w+):\+(--\w+) "\$\3"\}')
"""The ways in which a step may name a variable: "$X", "${X#prefix}", ${X:+--option "$X"}."""


@cache
def tree(file: Path) -> Node:
    return Reader(Language(tree_sitter_kotlin.language())).parse(file.read_bytes()).root_node


def nodes(within: Node) -> Iterator[Node]:
    yield within
    for child in within.children:
        yield from nodes(child)


def steps() -> Iterator[str]:
    """What configurations have `inv` do, as a shell sees it."""
    for file in FILES:
        for node in nodes(tree(file)):
            if node.type == "call_expression" and node.text.startswith(b'inv("'):
                literal = next(one for one in nodes(node) if one.type == "string_literal")
                text = literal.text.decode()[1:-1].replace("$COMPARISON", "comparison.html")
                yield text.replace('\\"', '"').replace("\\$", "$")


STEPS = list(steps())
each_step = pytest.mark.parametrize("step", STEPS)


@pytest.mark.parametrize("file", [*FILES, *STAND_INS], ids=lambda file: file.name)
def test_settings_are_kotlin(file):
    broken = [node for node in nodes(tree(file)) if node.is_error or node.is_missing]
    assert not broken, [(node.start_point, node.text) for node in broken]


def test_there_is_a_step_for_each_thing_that_a_server_shall_do():
    verbs = {"build", "install", "canary", "compare", "promote", "rollback", "branch.up", "branch.sync"}
    assert {step.split()[0] for step in STEPS} == verbs


def test_what_a_push_brings_up_is_not_what_the_inventory_skips():
    """Nobody typed it: the trigger takes every branch."""
    (step,) = [step for step in STEPS if step.startswith("branch.up ")]
    assert step.endswith(" --unless-skipped")


@each_step
def test_no_parameter_is_pasted_into_a_script(step):
    """What a %parameter% holds would be executed; a variable in quotes is one word, whatever it holds."""
    assert "%" not in step
    assert not set("$`;&|<>()\\") & set(QUOTED.sub("", step)), step


def test_scripts_come_from_one_place():
    found = [node for file in FILES for node in nodes(tree(file)) if node.text == b"scriptContent"]
    assert len(found) == 1


@each_step
def test_each_step_names_the_app_that_the_server_works_for(step):
    assert '--app "$DEPL_APP"' in step


@each_step
def test_each_step_types_what_inv_understands(step):
    def sample(found):
        name = found[1] or found[2] or found[3]
        return f"{found[4] or ''} {SAMPLES.get(name, 'x')}"

    words = shlex.split(QUOTED.sub(sample, step))
    asked = Parser(contexts=copy.deepcopy(ns).to_contexts()).parse_argv(words)
    assert [context.name for context in asked if context.name] == [words[0]]


def test_what_was_checked_with_types_is_what_there_is():
    """`make check-teamcity` compares this file with what the settings describe; here, that its scripts are today's."""
    described = (PROJECT / "tests" / "dsl" / "described.txt").read_text("utf-8")
    scripts = re.findall(r'^script\texec "\$DEPL_VENV/bin/inv" (.*)$', described, re.M)
    assert sorted(scripts) == sorted(STEPS)
