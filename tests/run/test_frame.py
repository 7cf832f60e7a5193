"""What all verbs have around them, as a build server sees it: `inv` with a pipe for a terminal."""

import os
import subprocess
import sys

import pytest
from invoke import Collection, task

from tasks import ns
from tasks.run.frame import framed
from tasks.run.settings import PROJECT
from tests.teamcity import read

ORDER = "##teamcity[buildNumber 'mine']"


def inv(*words, **variables):
    """Run `inv` with an input that stays open and has nothing in it, and nothing that opens secrets."""
    about = {**os.environ, "TEAMCITY_VERSION": "2025.07", "DEPL_ENVIRONMENT": "vagrant", **variables}
    idle, kept = os.pipe()
    try:
        return subprocess.run(
            [sys.executable, "-m", "invoke", *words],
            cwd=PROJECT, env=about, stdin=idle, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    finally:
        os.close(idle)
        os.close(kept)


@pytest.mark.parametrize("name", ns.task_names)
def test_every_verb_has_the_frame(name):
    assert hasattr(ns[name].body, "__wrapped__")


def test_a_refusal_is_told_once_and_ends_with_1():
    ended = inv("install", "--version", "tomorrow")
    (problem,) = read(ended.stdout).all("buildProblem")
    assert ended.returncode == 1
    assert problem["description"].startswith("'tomorrow' is not a version")
    assert problem["identity"].startswith("depl_install_BadInput_")
    assert "##teamcity" not in ended.stderr


@pytest.mark.parametrize(
    "words", [("status", "--app", ORDER), ("build", "--ref", ORDER), ("promote", "--version", ORDER)]
)
def test_an_argument_gives_a_server_no_orders(words):
    ended = inv(*words)
    assert ended.returncode == 1
    assert [one.name for one in read(ended.stdout).messages] == ["buildProblem"]
    assert read(ended.stderr).messages == []


def test_the_same_refusal_has_the_same_name_whatever_was_typed():
    one, other = (read(inv("promote", "--version", typed).stdout).problems() for typed in ("tomorrow", "1.2.3"))
    assert one == other


def test_nobody_is_asked_where_nobody_sits():
    ended = inv("secrets.edit", EDITOR="cat /dev/stdin")
    assert ended.returncode == 1
    assert "Secrets are edited by a person" in ended.stderr


def test_a_fault_of_ours_is_a_problem_with_a_name_too(capsys, monkeypatch):
    @task
    def broken(c):
        """Fail."""
        raise ZeroDivisionError(f"\n{ORDER}")

    monkeypatch.setenv("TEAMCITY_VERSION", "2025.07")
    monkeypatch.setattr("tasks.run.frame._ask_nobody", lambda: None)
    with pytest.raises(ZeroDivisionError):
        framed(Collection(broken))["broken"].body(None)
    (name,) = read(capsys.readouterr().out).problems()
    assert name.startswith("depl_broken_ZeroDivisionError_")


@pytest.mark.parametrize("variables", [{}, {"FORCE_COLOR": "1"}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}])
def test_tables_have_no_colours_where_there_is_no_terminal(variables):
    program = "from tasks.run import screen; screen.show('t', ('A', '>B'), [('x', '1')])"
    about = {**os.environ, **variables}
    shown = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, env=about, capture_output=True, check=True)
    assert b"\x1b" not in shown.stdout
    assert b"x" in shown.stdout
