"""Names that branches get in host names, folders and databases: no two the same, none too long, none executed."""

import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import BadInput
from tasks.model.branch import LONGEST_APP, Branch, labels, parse
from tasks.model.version import Version

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
V1 = Version("2026.11.22.12.05")


def first(name, app="app1"):
    return next(labels(app, name))


def test_a_branch_is_called_in_urls_what_people_expect():
    assert first("feature/X-12") == "feature-x-12"
    assert first("main") == "main"
    assert first("Grüße_aus.Wien") == "grue-aus-wien"


def test_branches_that_want_the_same_label_get_different_ones():
    one, two = (list(islice(labels("app1", name), 2)) for name in ("a/b", "a-b"))
    assert one[0] == two[0] == "a-b"
    assert one[1] != two[1]
    assert one[1].startswith("a-b-")


@pytest.mark.parametrize("name", ["日本", "x" * 150, "2026-11-22-12-05", "---x---", "ß"])
def test_odd_names_get_a_label_too(name):
    assert LABEL.fullmatch(first(name))


def test_no_branch_takes_the_name_of_a_versions_own_url():
    assert first("2026-11-22-12-05") != "2026-11-22-12-05"


@given(name=st.text(min_size=1, max_size=120), app=st.from_regex(r"[a-z][a-z0-9]{0,29}", fullmatch=True))
def test_every_label_fits_host_names_sockets_and_databases(name, app):
    try:
        name = parse(name)
    except BadInput:
        return
    for label in islice(labels(app, name), 5):
        branch = Branch(app, name, label)
        assert LABEL.fullmatch(label)
        assert "--" not in label
        assert len(app) + len(label) <= LONGEST_APP
        assert len(branch.database(V1)) <= 63
        assert len(f"/srv/depl/{branch.folder}/releases/{V1}@3/run/web.sock") <= 107


@pytest.mark.parametrize(
    "name",
    ["", "-x", "--upload-pack=x", "a b", "a..b", "a~1", "a^", "a:b", "a?", "*", "[a", "a\\b", "a\nb", "\x7f", "a/",
     "/a", "a//b", ".a", "a/.b", "a.", "a.lock", "x.lock/y", "a@{1}", "@", "x" * 201, "\ud800"],
)  # fmt: skip
def test_what_git_refuses_is_refused(name):
    with pytest.raises(BadInput, match="is no branch's name"):
        parse(name)


@pytest.mark.parametrize("name", ["$(reboot)", "a;b", "a'b", 'a"b', "a`b`", "a|b", "a&b", "<script>", "a{{b}}", "%d"])
def test_what_a_shell_would_execute_is_a_name_like_others(name):
    assert LABEL.fullmatch(first(parse(name)))


def test_a_refs_full_name_is_the_branch():
    assert parse("refs/heads/feature/X-12") == "feature/X-12"
