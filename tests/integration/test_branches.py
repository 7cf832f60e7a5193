"""Every pushed branch is an app of its own: its page, its database, its end. By git, over real hosts."""

import pytest

from tests.teamcity import read

from .conftest import wait_until
from .twigs import APP, DOMAIN, pushed

pytestmark = pytest.mark.integration

HOSTILE = "$(id>/tmp/trap);`id`'\"<b>"
LONG = "x" * 120
NAMES = ("main", "feature/X-12", "a/b", "a-b", "Grüße", HOSTILE, LONG, "conflict/one", "conflict/two", "moving")
CONFLICT = {"conflict/one": "int", "conflict/two": "text"}


@pytest.fixture(scope="module")
def twigs(sandbox, tmp_path_factory):
    """Ten branches pushed at once, by git alone, each with its page and its migration."""
    with pushed(sandbox, tmp_path_factory.mktemp("twigs")) as there:
        there.git("tag", "base")
        for name in NAMES:
            number = NAMES.index(name)
            steps = [f"INSERT INTO notes (text) VALUES ('note {number}')"]
            if name in CONFLICT:
                steps.append(f"ALTER TABLE notes ADD COLUMN colour {CONFLICT[name]}")
            there.change(name, f"Page {number}", *steps, of="base")
        there.git("branch", "bot/update", "base")
        there.said = there.push("refs/heads/*:refs/heads/*", "main:refs/heads/-odd")
        yield there


def page(twigs, label):
    answer = twigs.get(label)
    return answer.text.partition(" for ")[0] if answer.status_code == 200 else answer.status_code


def test_ten_pushed_branches_have_ten_urls_with_ten_pages_and_ten_databases(twigs):
    rows = twigs.rows()
    assert set(rows) == {*NAMES}, twigs.said
    for number, name in enumerate(NAMES):
        label = twigs.label(name)
        assert twigs.get(label).text == f"Page {number} for base domain\n"
        assert twigs.get(label, domain=f"foo.{DOMAIN}").text == f"Page {number} for foo\n"
        assert twigs.notes(label) == [f"note {number}"]
        assert rows[name]["state"] == "live"
        assert rows[name]["database"] > 0
        assert f"{name} is up at" in twigs.said
    assert len(twigs.psql(f"SELECT datname FROM pg_database WHERE datname LIKE '{APP}--%'")) == len(NAMES)


def test_names_that_want_the_same_label_and_long_ones_have_urls_of_their_own(twigs):
    labels = {name: twigs.label(name) for name in NAMES}
    assert len(set(labels.values())) == len(NAMES)
    assert {labels["a/b"].partition("-b")[0], labels["a-b"].partition("-b")[0]} == {"a"}
    assert labels["feature/X-12"] == "feature-x-12"
    assert all(len(f"{APP}--{label}") <= 45 for label in labels.values())


def test_a_hostile_name_is_a_name_and_one_that_no_app_can_have_is_told(twigs):
    for host in ("deploy", "staging"):
        assert twigs.sandbox.ssh(host, "ls /tmp/trap").code != 0
    assert page(twigs, twigs.label(HOSTILE)) == f"Page {NAMES.index(HOSTILE)}"
    assert "left out, since no app can have such a name: -odd" in twigs.said
    assert "Left out by depl_branches.skip: bot/update" in twigs.said


def test_conflicting_migrations_live_side_by_side(twigs):
    kinds = {}
    for name in CONFLICT:
        (base,) = twigs.psql(f"SELECT datname FROM pg_database WHERE datname LIKE '{APP}--{twigs.label(name)}.%'")
        asked = "SELECT data_type FROM information_schema.columns WHERE column_name = 'colour'"
        kinds[name] = " ".join(twigs.psql(asked, base))
    assert kinds == {"conflict/one": "integer", "conflict/two": "text"}


def test_a_broken_migration_is_told_and_the_former_build_keeps_serving(twigs):
    before = twigs.rows()["main"]
    twigs.change("main", "Broken", "ALTER TABLE no_such_table ADD COLUMN x int", of="main")
    said = twigs.push("main")
    assert 'relation "no_such_table" does not exist' in said
    assert f"It keeps {before['commit']['id'][:12]}" in said
    assert "Not as the remote has them: main." in said
    after = twigs.rows()["main"]
    assert (page(twigs, "main"), twigs.notes("main")) == ("Page 0", ["note 0"])
    assert (after["version"], after["state"]) == (before["version"], "live")
    assert "failed: " in after["why"]
    assert left_of_builds(twigs, "main") == 1
    again = twigs.inv("sync")
    assert (again.code, "is not tried again" in again.text) == (1, True)


def test_a_broken_page_is_told_and_the_former_build_keeps_serving_until_a_good_one_comes(twigs):
    before = twigs.rows()["a/b"]
    twigs.change("a/b", "Page", of="a/b", more='\n\n@pages.before_app_request\ndef broken() -> None:\n'
                 '    if request.path == "/notes":\n        raise RuntimeError("a bug of this branch")\n')  # fmt: skip
    said = twigs.push("a/b")
    assert "smoke check of /notes: GET /notes answered 500" in said
    assert "a bug of this branch" in said
    assert twigs.rows()["a/b"]["version"] == before["version"]
    assert twigs.notes(twigs.label("a/b")) == ["note 2"]
    assert left_of_builds(twigs, "a/b") == 1
    twigs.change("a/b", "Mended", of="a/b")
    assert "a/b is up at" in twigs.push("a/b")
    assert (page(twigs, twigs.label("a/b")), twigs.rows()["a/b"]["why"]) == ("Mended", "")


def left_of_builds(twigs, branch):
    """How many builds of a branch have a container, a database and a folder; fails where these are not as many."""
    twig = twigs.twig(branch)
    left = twigs.left(twig)
    folders = twigs.sandbox.on("staging", f"ls /srv/depl/{twig.name}/releases").split()
    assert len(left["containers"]) == len(left["databases"]) == len(left["images"]) == len(folders)
    return len(folders)


def test_a_push_keeps_the_branchs_data_and_a_force_push_before_its_migrations_begins_anew(twigs):
    twigs.change("moving", "Moved", "INSERT INTO notes (text) VALUES ('more')", of="moving")
    twigs.push("moving")
    assert (page(twigs, "moving"), twigs.notes("moving")) == ("Moved", ["more", "note 9"])
    twigs.change("moving", "Rewritten", of="base")
    said = twigs.push("moving")
    assert "(a force-push): its database is begun anew" in said
    assert (page(twigs, "moving"), twigs.notes("moving")) == ("Rewritten", [])
    assert left_of_builds(twigs, "moving") == 1


def test_a_commit_that_is_up_is_left_alone_and_begun_anew_only_where_that_is_asked_for(twigs):
    version = twigs.rows()["a-b"]["version"]
    assert "Nothing to do: a-b is up at" in twigs.must("up", "--branch", "a-b")
    said = twigs.must("up", "--branch", "a-b", "--fresh-db")
    assert f"{version} is built from" in said
    assert "✓ source" not in said
    assert twigs.rows()["a-b"]["version"] > version
    assert twigs.notes(twigs.label("a-b")) == ["note 3"]


def test_two_syncs_at_once_do_the_work_once(twigs):
    twigs.change("main", "Once", of="base")
    with twigs.without_hook():
        twigs.push("main")
    words = ("branch.sync", "--app", APP)
    both = [twigs.sandbox.start_inv(*words, environment=twigs.environment) for _ in range(2)]
    said = [one.communicate()[0].decode() for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    assert sum("main is up at" in one for one in said) == 1
    assert sum("Waiting for another sync of twigs" in one for one in said) == 1
    assert page(twigs, "main") == "Once"


@pytest.mark.parametrize(
    ("when", "phase"), [("after", "database"), ("before", "flip"), ("after", "flip"), ("before", "tidy")]
)
def test_an_up_that_was_killed_is_finished_by_the_next_one(twigs, when, phase):
    former, text = page(twigs, "main"), f"Killed {when} {phase}"
    twigs.change("main", text, of="main")
    with twigs.without_hook():
        twigs.push("main")
    twigs.killed(when, phase, "up", "--branch", "main")
    assert page(twigs, "main") == (text if (when, phase) in (("after", "flip"), ("before", "tidy")) else former)
    twigs.must("sync")
    assert page(twigs, "main") == text
    assert left_of_builds(twigs, "main") == 1


@pytest.mark.parametrize(("when", "phase"), [("after", "end"), ("after", "services")])
def test_a_down_that_was_killed_is_finished_by_the_next_one(twigs, when, phase):
    with twigs.without_hook():
        twigs.change("short", "Short", of="base")
        twigs.push("short")
        twigs.must("up", "--branch", "short")
        short = twigs.twig("short")
        twigs.queue("-n", str(short.number), "set", "word", "x")
        twigs.killed(when, phase, "down", "--branch", "short")
        assert page(twigs, "short") == 503
        twigs.push(":refs/heads/short")
        assert "short is down" in twigs.must("sync")
    assert twigs.left(short) == {}


def test_a_branch_can_be_read_and_entered_and_one_that_is_not_there_is_told(twigs):
    assert "Listening at" in twigs.must("logs", "--branch", "main")
    said = twigs.must("shell", "--branch", "main", "--command", "import os; print(os.environ['DEPL_VERSION'])")
    assert said.strip() == twigs.rows()["main"]["version"]
    ended = twigs.inv("down", "--branch", "mian")
    assert (ended.code, "No branch 'mian' of twigs is up.\nDid you mean main" in ended.text) == (1, True)
    ended = twigs.inv("shell", "--branch", "main")
    assert (ended.code, "Say what to run: --command" in ended.text) == (1, True)


def test_a_build_server_reads_what_becomes_of_a_branch(twigs):
    def said(verb, *words, ends=0):
        about = f"{twigs.environment} TEAMCITY_VERSION=2025.07"
        ended = twigs.sandbox.inv(f"branch.{verb}", "--app", APP, *words, environment=about)
        assert ended.code == ends, ended.text
        return read(ended.out)

    anew = said("up", "--branch", "a-b", "--fresh-db")
    assert anew.one("buildNumber") == twigs.rows()["a-b"]["version"]
    assert "a-b is up at" in anew.all("buildStatus")[-1]["text"]
    assert "depl.branch.upSeconds" in anew.statistics()
    for words in ("list",), ("logs", "--branch", HOSTILE):
        assert said(*words).messages == []
    nowhere = [said("up", "--branch", name, ends=1).problems() for name in ("mian", "no/where")]
    assert nowhere[0] == nowhere[1]
    assert len(nowhere[0]) == 1


def test_branches_that_git_deletes_are_gone_with_all_that_they_had(twigs):
    main, *gone = (twigs.twig(name) for name in NAMES)
    former = page(twigs, "main")
    for one in gone:
        twigs.queue("-n", str(one.number), "set", "word", "x")
        assert page(twigs, one.label) != 404
    wait_until(lambda: all(twigs.is_seen(one) for one in gone), 40)
    assert set(twigs.left(gone[-1])) == {
        "containers", "programs", "images", "folder", "queue", "keys", "search", "databases", "roles", "builds",
        "registry", "locks",
    }  # fmt: skip
    said = twigs.push(*(f":refs/heads/{one.branch}" for one in gone))
    for one in gone:
        assert f"{one.branch} is down" in said
        assert twigs.left(one) == {}
        assert page(twigs, one.label) == 404
    made = {one for one in twigs.kept() - twigs.before if main.name not in one}
    shared = {one for one in made if one in ("./git", "./wheels", "./images.lock") or one.startswith("./used")}
    assert made - shared == {f"./{main.lock}", f"./sync-{APP}.lock"}
    wait_until(lambda: not any(twigs.is_seen(one) for one in gone), 40)
    assert set(twigs.rows()) == {"main"}
    assert page(twigs, "main") == former != 404
