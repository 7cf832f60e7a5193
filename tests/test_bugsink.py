"""What Bugsink's start leaves of the tokens to its API, over tokens as its models keep them."""

import re
import sys
from dataclasses import dataclass
from types import ModuleType

import pytest
import yaml

from tasks.run.settings import PROJECT

FORMER, NEW, OTHERS = "f" * 40, "a" * 40, "e" * 40


@dataclass
class Tokens:
    """As much of Django's query sets as the start asks: (token, description) each."""

    all: list
    chosen: list

    def filter(self, **wanted):
        return Tokens(self.all, [one for one in self.chosen if wanted.items() <= one.items()])

    def exclude(self, **wanted):
        return Tokens(self.all, [one for one in self.chosen if not wanted.items() <= one.items()])

    def exists(self):
        return bool(self.chosen)

    def delete(self):
        self.all[:] = [one for one in self.all if one not in self.chosen]


@pytest.fixture
def start(monkeypatch):
    """Run what the container runs in Bugsink's own shell, over some tokens; returns those that are left."""
    *_, script = yaml.safe_load((PROJECT / "conf/apps/bugsink.yml").read_text())["components"]["web"]["command"]
    (program,) = re.findall(r'manage shell --no-imports --command "\n(.*?)"\n', script, re.S)
    assert not set(program) & set('"$`\\'), "the shell would read it otherwise"

    def run(token, *there):
        found = [{"token": one, "description": description} for one, description in there]

        class AuthToken:
            objects = Tokens(found, found)

            @staticmethod
            def create_full_access(**about):
                found.append(about)

        models = ModuleType("bsmain.models")
        models.AuthToken = AuthToken
        monkeypatch.setitem(sys.modules, "bsmain", ModuleType("bsmain"))
        monkeypatch.setitem(sys.modules, "bsmain.models", models)
        monkeypatch.setenv("API_TOKEN", token)
        exec(compile(program, "bugsink.yml", "exec"), {})
        return [(one["token"], one["description"]) for one in found]

    return run


def test_a_first_start_makes_depls_token_and_a_second_one_leaves_it(start):
    assert start(NEW) == [(NEW, "depl")]
    assert start(NEW, (NEW, "depl")) == [(NEW, "depl")]


def test_a_token_that_was_replaced_opens_nothing_any_more(start):
    assert start(NEW, (FORMER, "depl"), (OTHERS, "of a person")) == [(OTHERS, "of a person"), (NEW, "depl")]


def test_without_a_token_of_now_none_of_depl_is_left(start):
    assert start("", (FORMER, "depl"), (OTHERS, "of a person")) == [(OTHERS, "of a person")]
