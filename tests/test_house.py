"""The house's rules that no linter knows, read off the code itself.

Above all: no shell string is ever built from input. Commands are argument lists, and the one place that
turns a list into a line, since SSH has no lists, quotes it.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tasks import ns

TASKS = Path(__file__).resolve().parents[1] / "tasks"
FILES = sorted(TASKS.rglob("*.py"))
THE_PLACE_THAT_QUOTES = "run/ssh.py"
THE_READER_OF_TEMPLATES = "plan/render.py"

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(TASKS)))


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def where(file: Path) -> str:
    return file.relative_to(TASKS).as_posix()


def calls(file: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call, with the name that is called as it is written: subprocess.run, self._start, open."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def imports(file: Path) -> set[str]:
    """Every module that is imported, and from where every name is: os, os.environ, time.time."""
    found: set[str] = set()
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {str(node.module), *(f"{node.module}.{one.name}" for one in node.names)}
    return found


# --- no shell string is built from input ---


@each_file
def test_one_place_quotes(file):
    if where(file) == THE_PLACE_THAT_QUOTES:
        quoting = [node for name, node in calls(file) if name.startswith("shlex.")]
        (sent,) = [node for name, node in calls(file) if name.endswith("exec_command")]
        assert [ast.unparse(one) for one in quoting] == ["shlex.join(argv)"]
        assert sent.args == quoting
        assert not sent.keywords
        return
    assert not {one for one in imports(file) if one.partition(".")[0] in ("shlex", "pipes")}
    assert not [name for name, _ in calls(file) if name.endswith(("exec_command", "invoke_shell"))]


@each_file
def test_no_program_is_started_through_a_shell(file):
    for name, node in calls(file):
        assert name not in ("eval", "exec", "os.system", "os.popen")
        assert not name.startswith(("os.exec", "os.spawn", "os.posix_spawn"))
        assert "shell" not in {keyword.arg for keyword in node.keywords}, ast.unparse(node)
        if name.startswith("subprocess."):
            assert name == "subprocess.run", f"{name}: run() is enough for all of them, and takes a list"
            assert isinstance(node.args[0], ast.List | ast.Name), "an argument list"
    assert not {"subprocess.run", "subprocess.Popen", "os.system", "os.popen", "pty", "commands"} & imports(file)


CONNECTIONS = ("c", "ctx", "context", "connection", "_connection")


@each_file
def test_fabric_and_invoke_run_nothing(file):
    """Their run, sudo and local take a line for a shell."""
    for name, _ in calls(file):
        owner, _, method = name.rpartition(".")
        assert method not in ("sudo", "local", "shell"), name
        assert not (method == "run" and owner.rpartition(".")[2] in CONNECTIONS), name


def interpreted(node: ast.AST) -> Iterator[ast.expr]:
    """The programs in argument lists such as (…, "sh", "-c", PROGRAM, …)."""
    if isinstance(node, ast.Tuple | ast.List):
        words = [one.value if isinstance(one, ast.Constant) else None for one in node.elts]
        shells = {"sh", "bash", "/bin/sh", "python3", "python"} & {one for one in words if isinstance(one, str)}
        for flag, program in zip(words, node.elts[1:], strict=False):
            if shells and flag == "-c":
                yield program


def constants(file: Path) -> set[str]:
    """The names that a module gives to literal text, once."""
    given = [node for node in tree(file).body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)]
    return {ast.unparse(target) for node in given for target in node.targets}


@each_file
def test_programs_for_an_interpreter_are_constants(file):
    for node in ast.walk(tree(file)):
        for program in interpreted(node):
            literal = isinstance(program, ast.Constant)
            checked = where(file) == "run/images.py" and ast.unparse(program) == "code"  # templates/docker/bin
            assert literal or checked or ast.unparse(program) in constants(file), ast.unparse(program)


@each_file
def test_no_argument_list_is_split_from_text(file):
    for name, node in calls(file):
        if name.startswith("subprocess."):
            assert ".split(" not in ast.unparse(node.args[0])
    if where(file).startswith("commands/"):
        assert not [node for name, node in calls(file) if name.endswith(".split")]


def test_the_search_finds_what_it_looks_for():
    bad = ast.parse('subprocess.run(["sh", "-c", f"ls {x}"])')
    (program,) = [found for node in ast.walk(bad) for found in interpreted(node)]
    assert isinstance(program, ast.JoinedStr)
    assert len([one for file in FILES for node in ast.walk(tree(file)) for one in interpreted(node)]) >= 4


# --- only run/ touches a machine ---

MACHINE = {
    "subprocess", "os", "socket", "time", "shutil", "tempfile", "signal", "getpass", "paramiko", "fabric", "docker",
}  # fmt: skip
FILE_METHODS = (
    "read_text", "read_bytes", "write_text", "write_bytes", "open", "exists", "is_file", "is_dir", "mkdir", "unlink",
    "touch", "iterdir", "glob", "rglob", "stat", "rename", "symlink_to", "rmdir", "cwd", "home",
)  # fmt: skip


@each_file
def test_only_run_touches_a_machine(file):
    if where(file).startswith("run/"):
        return
    assert not {one.partition(".")[0] for one in imports(file)} & MACHINE
    for name, _ in calls(file):
        assert name not in ("open", "input"), name
        assert not name.endswith((".now", ".today", ".utcnow")) or name == "progress.now", f"{name}: a clock"
        if name.rpartition(".")[2] in FILE_METHODS and not name.startswith("files."):
            assert where(file) == THE_READER_OF_TEMPLATES, name
            assert name == "(TEMPLATES / 'host' / 'onhost.py').read_bytes" or name.startswith(
                ("(TEMPLATES / 'docker' /", "(TEMPLATES / path)")
            )


# --- tasks are for people ---


def is_task(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and any(
        ast.unparse(one).partition("(")[0] == "task" for one in node.decorator_list
    )


DECLARED = [node for file in sorted(TASKS.glob("*.py")) for node in tree(file).body if is_task(node)]
WIDTH = 80


ALL_TASKS = sorted((name, ns[name]) for name in ns.task_names)
every_task = pytest.mark.parametrize(("name", "task"), ALL_TASKS, ids=[name for name, _ in ALL_TASKS])


def test_every_task_is_in_the_table_of_contents():
    assert {task.body.__name__ for _, task in ALL_TASKS} == {node.name for node in DECLARED}


@every_task
def test_every_option_has_help(name, task):
    options = task.get_arguments()
    assert all(one.help for one in options), [one.name for one in options if not one.help]


@every_task
def test_the_list_of_tasks_gives_each_one_line(name, task):
    first = task.body.__doc__.splitlines()[0]
    column = max(len(other) for other, _ in ALL_TASKS)
    assert first.endswith(".")
    assert 2 + column + 3 + len(first) <= WIDTH, f"{len(first)} characters"


@pytest.mark.parametrize("node", DECLARED, ids=lambda node: node.name)
def test_options_are_text_or_switches(node):
    """Invoke turns `--lines five` for a number into a traceback: text is taken, and parsed by us."""
    for default in node.args.defaults:
        assert isinstance(default, ast.Constant)
        assert isinstance(default.value, str | bool | None)


# --- nouns and plans say what they take and give ---

PUBLIC = [
    (file, node)
    for file in FILES
    if where(file).startswith(("model/", "plan/", "commands/"))
    for node in ast.walk(tree(file))
    if isinstance(node, ast.FunctionDef) and (not node.name.startswith("_") or node.name == "__init__")
]


@pytest.mark.parametrize(("file", "node"), PUBLIC, ids=[f"{where(file)}:{node.name}" for file, node in PUBLIC])
def test_public_functions_have_types(file, node):
    assert node.returns is not None
    taken = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    assert all(one.annotation for one in taken if one.arg not in ("self", "cls"))


@each_file
def test_every_module_says_what_it_is(file):
    assert (ast.get_docstring(tree(file)) or "").strip().split("\n")[0].endswith((".", ":"))


def test_every_room_is_in_what_is_packaged():
    about = tomllib.loads((TASKS.parent / "pyproject.toml").read_text("utf-8"))
    rooms = {".".join(file.parent.relative_to(TASKS.parent).parts) for file in FILES}
    assert set(about["tool"]["setuptools"]["packages"]) == rooms
