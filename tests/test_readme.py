"""What the README and docs/ tell people to type, set, open or look for is really there."""

from __future__ import annotations

import copy
import re
import shlex
from functools import cache
from pathlib import Path

import pytest
from invoke.parser import Parser
from invoke.parser.parser import ParseError

from tasks import ns
from tasks.main import program
from tasks.run.inventory import _OPTIONS

PROJECT = Path(__file__).resolve().parents[1]
PAGES = [PROJECT / "README.md", PROJECT / "CHANGELOG.md", *sorted((PROJECT / "docs").glob("*.md"))]
ROOMS = ("tasks", ".teamcity", "templates", "conf", "testapp", "Makefile", "Vagrantfile")
COOKIES = ("depl_version",)
FOREIGN_VARIABLES = {"ANSIBLE_VAULT_PASSWORD_FILE"}
FOREIGN_PATHS = ("/vagrant", "/home/teamcity", "/etc/ssh", "/var/lib/docker", "/home/depl")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@cache
def code() -> str:
    """All that the project consists of, with text that is broken over lines joined."""
    tops = [PROJECT / room for room in ROOMS]
    files = [file for top in tops for file in ([top] if top.is_file() else sorted(top.rglob("*"))) if file.is_file()]
    text = "\n".join(file.read_text("utf-8") for file in files if file.suffix not in (".pyc", ".tar"))
    return re.sub(r'"\s*\n\s*f?"', "", text)


def snippets(page: Path) -> list[str]:
    """Lines of code blocks, fenced or indented, and inline code."""
    text = page.read_text("utf-8")
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    blocks = [line.strip() for line in re.findall(r"^    .*$", prose, re.M)]
    rest = re.sub(r"^    .*$", "", prose, flags=re.M)
    assert all(line.count("`") % 2 == 0 for line in rest.splitlines()), f"{page.name}: code that goes over a line's end"
    inline = re.findall(r"`([^`\n]+)`", rest)
    return [line for block in fenced for line in block.splitlines()] + blocks + inline


def commands(page: Path, name: str) -> list[list[str]]:
    """The words after a command's name, wherever it stands in code: typed, or suggested by an output."""
    found = []
    for snippet in snippets(page):
        for words in re.findall(rf"(?<![\w./-]){name} +((?:(?!  |[;|&)#]).)+)", snippet):
            found.append(shlex.split(words))
    return found


@pages
def test_every_inv_command_is_one_that_inv_understands(page):
    names = set(ns.task_names)
    for words in commands(page, "inv"):
        if len(words) == 1 and words[0] in names:
            continue
        try:
            # Two passes, as in Invoke itself: its own options, then tasks with theirs.
            core = Parser(initial=program.initial_context, ignore_unknown=True).parse_argv(words)
            # A copy, since Invoke takes the help texts out of a task when it lists its arguments.
            asked = Parser(contexts=copy.deepcopy(ns).to_contexts()).parse_argv(core.unparsed)
        except ParseError as error:
            pytest.fail(f"{page.name}: inv {' '.join(words)}: {error}")
        assert core[0].args.help.value in {None, *names}, words
        assert {context.name for context in asked if context.name} <= names, words


@pages
def test_every_make_target_exists(page):
    makefile = (PROJECT / "Makefile").read_text("utf-8")
    there = set(re.findall(r"^([a-z_-]+):", makefile, re.M))
    for words in commands(page, "make"):
        settings = [word.partition("=")[0] for word in words if "=" in word]
        assert {word for word in words if "=" not in word} <= there, f"{page.name}: make {' '.join(words)}"
        assert all(f"$({name})" in makefile for name in settings), f"{page.name}: make {' '.join(words)}"


@pages
def test_every_variable_is_read_somewhere(page):
    for snippet in snippets(page):
        for name in re.findall(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9]\b", snippet):
            assert name in FOREIGN_VARIABLES or name in code(), f"{page.name}: {name}"


@pages
def test_every_inventory_key_is_known(page):
    for snippet in snippets(page):
        for key in re.findall(r"\bdepl_([a-z_]+)\b", snippet):
            assert key in _OPTIONS or f"depl_{key}" in COOKIES, f"{page.name}: depl_{key}"


@pages
def test_every_file_of_the_project_exists(page):
    made = set((PROJECT / ".gitignore").read_text("utf-8").replace("/\n", "\n").split())
    for snippet in snippets(page):
        for path in re.findall(r"(?<![\w/.<@-])(?:tasks|templates|conf|testapp|tests|docs)/[\w/.<>@-]*", snippet):
            known = f"/{path.rstrip('/')}" in made or any(PROJECT.glob(re.sub(r"<\w+>", "*", path.rstrip("/."))))
            assert known, f"{page.name}: {path}"


@pages
def test_every_link_leads_somewhere(page):
    for where in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        path, _, anchor = where.partition("#")
        there = (page.parent / path) if path else page
        assert there.exists(), f"{page.name}: {where}"
        if anchor:
            heads = re.findall(r"^#+ (.+)$", there.read_text("utf-8"), re.M)
            slugs = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
            assert anchor in slugs, f"{page.name}: {where}"


@pages
def test_every_path_on_a_host_is_known_to_the_code(page):
    for snippet in snippets(page):
        for path in re.findall(r"(?<![\w.…>/-])/(?:etc|opt|srv|var|usr|home|vagrant)[\w/.@-]*", snippet):
            start = "/".join(path.rstrip("/").split("/")[:4])
            known = start.startswith(FOREIGN_PATHS) or start.replace("/app1", "") in code()
            assert known, f"{page.name}: {path}"


def test_every_message_that_operations_explains_is_one_that_the_code_says():
    text = (PROJECT / "docs" / "operations.md").read_text("utf-8")
    table = text.partition("| message has |")[2].partition("\n\n")[0]
    heads = [line.split("|")[1] for line in table.splitlines()[2:]]
    messages = [message for head in heads for message in re.findall(r"`([^`]+)`", head)]
    assert len(messages) > 20
    for message in messages:
        for piece in re.split(r"…|\bapp\d|\bdepl\b|\d[\d.]*|conf/|some\.key", message):
            if len(piece.strip(" ,;:/")) > 2:
                assert piece.strip(" ,;:/") in code(), f"{message}: {piece!r}"


def test_the_daily_verbs_stand_in_one_block_that_can_be_run_in_order():
    (block,) = re.findall(r"^```console\n(.*?)^```", PAGES[0].read_text("utf-8"), re.M | re.S)
    typed = [line.removeprefix("$ inv ") for line in block.splitlines() if line.startswith("$")]
    assert {line.split()[0] for line in typed} >= {"buildinst", "promote", "canary", "status", "rollback", "prune"}


def test_the_readme_stays_short():
    assert len(PAGES[0].read_text("utf-8").splitlines()) < 170
