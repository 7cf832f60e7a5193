"""Wheels are kept by all that decides what they are: what requirements include, and code that they lead to."""

import os

import pytest

from tasks.errors import StepFailed
from tasks.run.foreign import remove_folder
from tasks.run.requirements import inputs
from tasks.staging.raising import is_to_blame


@pytest.fixture
def source(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "requirements.txt").write_text("flask==3.1.3\n")
    (tmp_path / "setup.py").write_text("# one\n")
    return tmp_path


def say(source, text, name="requirements.txt"):
    (source / name).write_text(text)
    return inputs(source, "requirements.txt")


@pytest.mark.parametrize(
    "line",
    [
        "flask",
        "flask==3.1.3  # why",
        "g_unicorn[x, y]>=23,<24; python_version < '3.12'",
        "flask==3.1.3 \\\n  --hash=sha256:abc \\\n  --hash=sha256:def",
        "x @ https://example.org/x-1.whl",
        "git+https://example.org/x@v1#egg=x",
        "--index-url https://example.org/simple",
        "--no-binary :all:",
        "--require-hashes",
    ],
)
def test_a_change_of_code_compiles_nothing_where_requirements_come_from_elsewhere(source, line):
    before = say(source, f"# all\n\n{line}\n")
    (source / "setup.py").write_text("# two\n")
    assert inputs(source, "requirements.txt") == before


@pytest.mark.parametrize(
    "line",
    [
        "./sub",
        "/source/sub",
        "sub/x.whl",
        "-e .",
        "--editable=.",
        "file:///source/sub",
        "x @ file:///source/sub",
        "git+file:///source",
        "--find-links sub",
        "-f sub",
        "--pre --find-links sub",
        "--index-url file:///source/sub",
        "${HOME}/../source/sub",
        "-r /source/more.txt",
        "-r missing.txt",
        "-c ../outside.txt",
    ],
)
def test_requirements_that_lead_into_the_source_are_kept_by_all_of_it(source, line):
    before = say(source, f"flask\n{line}\n")
    (source / "sub" / "setup.py").write_text("# another's\n")
    assert inputs(source, "requirements.txt") != before


@pytest.mark.parametrize("line", ["-r sub/more.txt", "-rsub/more.txt", "--constraint=sub/more.txt", "-c\tsub/more.txt"])
def test_what_requirements_include_decides_as_they_do(source, line):
    say(source, "-c last.txt\n", "sub/more.txt")
    say(source, "flask==1\n", "sub/last.txt")
    before = say(source, f"{line}\n")
    (source / "setup.py").write_text("# two\n")
    assert inputs(source, "requirements.txt") == before
    assert say(source, "flask==2\n", "sub/last.txt") != before
    assert say(source, "./vendored\n", "sub/last.txt") != before


def test_requirements_that_include_each_other_come_to_an_end(source):
    say(source, "-r requirements.txt\n", "more.txt")
    for line in ("-r more.txt\n", "-r sub/../requirements.txt\n"):
        assert say(source, line) == inputs(source, "requirements.txt")


def test_a_link_out_of_the_source_is_not_followed(source, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "more.txt"
    outside.write_text("flask\n")
    (source / "more.txt").symlink_to(outside)
    before = say(source, "-r more.txt\n")
    outside.write_text("django\n")
    assert inputs(source, "requirements.txt") == before


@pytest.mark.parametrize("what", ["file", "folder", "link", "link to"])
def test_names_that_are_no_utf_8_decide_as_others_do(source, what):
    odd = source / os.fsdecode(b"caf\xe9")
    before = say(source, "./sub\n")
    if what == "file":
        odd.write_text("one")
    elif what == "folder":
        odd.mkdir()
    else:
        (odd if what == "link" else source / "link").symlink_to("sub" if what == "link" else odd.name)
    assert inputs(source, "requirements.txt") != before
    say(source, "flask\n")
    assert inputs(source, "requirements.txt") != before


def test_plain_names_are_counted_as_ever(source):
    """Else all wheels would be compiled anew."""
    (source / "sub" / "é.py").write_text("é")
    (source / "link").symlink_to("sub/é.py")
    assert say(source, "./sub\n") == "0344ed7c2ca74b0d"
    assert say(source, "flask\n-r sub/é.py") == "64fd280874d92b87"


@pytest.mark.parametrize("line", ["-r " + "a" * 300, "-r " + "a/" * 3000 + "b", "-r a\0b"])
def test_a_name_that_no_file_can_have_is_not_there(source, line):
    before = say(source, f"{line}\n")
    (source / "setup.py").write_text("# two\n")
    assert inputs(source, "requirements.txt") != before


@pytest.fixture
def deep(source):
    """Make this many folders in each other, all of a name."""

    def make(levels, name):
        here = os.open(source, os.O_RDONLY)
        for _ in range(levels):
            os.mkdir(name, dir_fd=here)
            below = os.open(name, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(here)

    yield make
    remove_folder(source)


def test_all_of_a_deep_tree_decides(source, deep):
    before = say(source, "./sub\n")
    deep(1500, "d")
    assert inputs(source, "requirements.txt") != before


def test_a_path_that_is_too_long_is_told_and_held_against_the_code(source, deep):
    deep(100, "d" * 80)
    with pytest.raises(StepFailed, match="wheels: a path in the source is too long to be read") as caught:
        say(source, "./sub\n")
    assert is_to_blame(caught.value)
