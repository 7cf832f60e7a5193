"""Branches' spaces in real services on staging: apart from each other, copied in use, and wholly taken back."""

import json
import re
import subprocess
from contextlib import contextmanager

import pytest

from tasks.model.branch import Branch
from tasks.model.version import Version

from .conftest import PROJECT, changed, inventory, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.long]

APP = "board"
ONE, TWO = (Branch(APP, f"spaces/{name}", f"spaces-{name}") for name in ("one", "two"))
NUMBERS = {ONE: "198", TWO: "199"}
V1, V2 = Version("2026.11.22.12.05"), Version("2026.11.22.12.06")
TEMPLATE = f"template.{APP}"
DATABASE, QUEUE, SEARCH = (f"staging-{name}" for name in ("database", "queue", "search"))
SCRUB = PROJECT / "build" / "scrub.sql"
PEOPLE = """\
--
-- PostgreSQL database dump
--
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE TABLE people (id int PRIMARY KEY, mail text);
ALTER TABLE people OWNER TO somebody_elsewhere;
COPY people (id, mail) FROM stdin;
1\tana@example.com
2\tbo@example.com
\\.
--
-- PostgreSQL database dump complete
--
"""


class Spaces:
    """What is run in the containers of staging's services, as their own programs or as a branch."""

    def __init__(self, sandbox):
        self.sandbox = sandbox

    def run(self, service, *words, text=""):
        return self.sandbox.ssh("staging", "sudo", "docker", "exec", "-i", f"service-{service}", *words, input=text)

    def must(self, service, *words, text=""):
        ended = self.run(service, *words, text=text)
        assert ended.code == 0, ended.text
        return ended.out

    def allot(self, branch):
        for service in (DATABASE, QUEUE, SEARCH):
            self.must(service, "allot", branch.folder, NUMBERS[branch], text=f"of {branch.label}\n")

    def reclaim(self, branch):
        for service in (DATABASE, QUEUE, SEARCH):
            self.must(service, "reclaim", branch.folder, NUMBERS[branch])

    def copy(self, branch, version, source=""):
        return self.run(DATABASE, "copy", source, branch.database(version), branch.folder, TEMPLATE)

    def databases(self, branch):
        lines = self.must(DATABASE, "databases", branch.folder).splitlines()
        return [line.partition("|")[0] for line in lines]

    def sql(self, branch, database, *lines):
        """Ask a database as a branch does."""
        psql = ("psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1")
        words = ("env", f"PGPASSWORD=of {branch.label}", *psql, f"--username={branch.folder}", database)
        return self.run(DATABASE, *words, text="\n".join(lines))

    def keys(self, branch, number, *words):
        """Ask the queue as a branch does."""
        cli = ("redis-cli", "-s", "/run/service/redis.sock", "-e", "--no-auth-warning", "--user", branch.folder)
        return self.run(QUEUE, "env", f"REDISCLI_AUTH=of {branch.label}", *cli, "-n", number, *words)

    def find(self, branch, path, command="table_list"):
        """Ask the search as a branch does; returns the status of the answer, and its text."""
        url = f"http://localhost/{path}/{command}"
        options = ("--silent", "--unix-socket", "/run/service/groonga.sock", "--write-out", " %{http_code}")
        said = self.must(SEARCH, "curl", *options, "--user", f"{branch.folder}:of {branch.label}", url)
        return said[-3:], said[:-4]


@pytest.fixture(scope="module")
def up(sandbox):
    sandbox.must("services.up")
    return Spaces(sandbox)


@pytest.fixture
def spaces(up):
    """Two branches with their spaces, each with an empty database."""
    drop = f'DROP DATABASE IF EXISTS "{TEMPLATE}" WITH (FORCE); DROP ROLE IF EXISTS "{TEMPLATE}";'
    try:
        for branch in (ONE, TWO):
            up.reclaim(branch)
            up.allot(branch)
            assert up.copy(branch, V1).code == 0
        yield up
    finally:
        for branch in (ONE, TWO):
            up.reclaim(branch)
        up.must(DATABASE, "psql", "--username=postgres", "--quiet", "postgres", text=drop)


@contextmanager
def connected(spaces, branch, database):
    """Somebody who uses a database, and fails when he is cut off."""
    line = (
        f"sudo docker exec -i service-{DATABASE} env 'PGPASSWORD=of {branch.label}' psql -v ON_ERROR_STOP=1 -qAt"
        f" --username={branch.folder} {database}"
    )
    there = subprocess.Popen([*spaces.sandbox.ssh_argv("staging"), line], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    there.stdin.write(b"SELECT 'there';\n")
    there.stdin.flush()
    assert there.stdout.readline() == b"there\n"
    try:
        yield
    finally:
        said, _ = there.communicate(b"SELECT 'still there';\n", timeout=30)
        assert (there.returncode, said) == (0, b"still there\n")


def test_branches_see_nothing_of_each_others_databases(spaces):
    assert spaces.sql(ONE, ONE.database(V1), "CREATE TABLE t (a int);", "SELECT 1;").out == "1\n"
    ended = spaces.sql(TWO, ONE.database(V1), "SELECT 1;")
    assert ended.code != 0
    assert "permission denied for database" in ended.text
    assert spaces.sql(TWO, TWO.database(V1), "CREATE TABLE t (b text);").code == 0


def test_branches_see_nothing_of_each_others_keys(spaces):
    for branch in (ONE, TWO):
        assert spaces.keys(branch, NUMBERS[branch], "set", "word", branch.label).out == "OK\n"
    assert spaces.keys(ONE, NUMBERS[ONE], "get", "word").out == f"{ONE.label}\n"
    for words in (("get", "word"), ("flushdb",)):
        assert "SELECT 199 failed: NOPERM" in spaces.keys(ONE, NUMBERS[TWO], *words).text
    reach = (("swapdb", "198", "199"), ("flushall",), ("move", "word", "199"), ("copy", "word", "word", "db", "199"))
    for words in (*reach, ("eval", "return redis.call('select', 199)", "0")):
        assert spaces.keys(ONE, NUMBERS[ONE], *words).code != 0
    assert spaces.keys(TWO, NUMBERS[TWO], "get", "word").out == f"{TWO.label}\n"


def test_branches_see_nothing_of_each_others_tables_of_search(spaces):
    create = "table_create?name=Words&flags=TABLE_HASH_KEY&key_type=ShortText"
    assert spaces.find(ONE, ONE.folder, create)[0] == "200"
    assert "Words" in spaces.find(ONE, ONE.folder)[1]
    assert "Words" not in spaces.find(TWO, TWO.folder)[1]
    assert spaces.find(TWO, ONE.folder)[0] == spaces.find(TWO, "d")[0] == "401"


def test_what_a_branch_has_stays_when_it_is_allotted_again_and_when_services_restart(spaces):
    spaces.sql(ONE, ONE.database(V1), "CREATE TABLE t (a int);")
    spaces.keys(ONE, NUMBERS[ONE], "set", "word", "kept")
    spaces.find(ONE, ONE.folder, "table_create?name=Words&flags=TABLE_HASH_KEY&key_type=ShortText")
    spaces.allot(ONE)
    for service in (DATABASE, QUEUE, SEARCH):
        spaces.sandbox.on("staging", f"sudo docker restart service-{service}")
    wait_until(lambda: all(spaces.run(one, "health").code == 0 for one in (DATABASE, QUEUE, SEARCH)), 60)
    assert spaces.sql(ONE, ONE.database(V1), "SELECT count(*) FROM t;").out == "0\n"
    assert spaces.keys(ONE, NUMBERS[ONE], "get", "word").out == "kept\n"
    assert "Words" in spaces.find(ONE, ONE.folder)[1]


def test_nothing_is_left_of_a_branch_that_is_taken_down_not_even_in_use(spaces):
    spaces.keys(ONE, NUMBERS[ONE], "set", "word", "x")
    assert spaces.copy(ONE, V2, ONE.database(V1)).code == 0
    assert spaces.databases(ONE) == [ONE.database(V1), ONE.database(V2)]
    spaces.reclaim(ONE)
    listed = spaces.must(DATABASE, "psql", "--username=postgres", "-At", "-c", r"\l", "-c", r"\du", "postgres")
    listed += spaces.must(QUEUE, "admin", "acl", "list") + spaces.must(SEARCH, "find", "/data")
    assert ONE.folder not in listed
    assert TWO.folder in listed
    assert spaces.must(QUEUE, "admin", "-n", NUMBERS[ONE], "dbsize") == "0\n"
    assert spaces.find(TWO, ONE.folder)[0] == "404"


def test_a_number_that_redis_has_no_database_of_is_refused_with_the_setting(spaces):
    ended = spaces.run(QUEUE, "allot", ONE.folder, "200", text="x\n")
    assert ended.code == 1
    assert "set more than 200 in settings: {databases: " in ended.err


@pytest.mark.parametrize("service", [DATABASE, QUEUE, SEARCH])
def test_an_app_that_is_no_branch_is_not_reclaimed(spaces, service):
    ended = spaces.run(service, "reclaim", APP, "1")
    assert (ended.code, ended.err) == (1, f"{APP} is no branch's name\n")


def test_a_database_in_use_is_copied_without_cutting_anybody_off(spaces):
    spaces.sql(ONE, ONE.database(V1), "CREATE TABLE t (a int);", "INSERT INTO t VALUES (5);")
    with connected(spaces, ONE, ONE.database(V1)):
        ended = spaces.copy(ONE, V2, ONE.database(V1))
    assert ended.code == 0
    assert re.fullmatch(r"database copied from \S+, which is in use: \d+ kB, \d+\.\d s\n", ended.out)
    assert spaces.sql(ONE, ONE.database(V2), "ALTER TABLE t ADD b int;", "SELECT a FROM t;").out == "5\n"
    assert spaces.sql(ONE, ONE.database(V1), "SELECT * FROM t;").out == "5\n"


def test_what_a_branch_wrote_never_runs_as_postgres_while_its_database_is_copied(spaces):
    spaces.sql(
        ONE, ONE.database(V1), "CREATE TABLE ran (who name);",
        "CREATE FUNCTION tell(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN",
        "EXECUTE 'RESET ROLE'; INSERT INTO public.ran VALUES (session_user); RETURN true;",
        "EXCEPTION WHEN undefined_table THEN RETURN true; END $$;",
        "CREATE TABLE t (a int, CHECK (tell(a)));", "INSERT INTO t VALUES (5);", "TRUNCATE ran;",
        "CREATE EXTENSION hstore;", "SELECT lo_from_bytea(7, 'large');",
    )  # fmt: skip
    with connected(spaces, ONE, ONE.database(V1)):
        ended = spaces.copy(ONE, V2, ONE.database(V1))
    assert ended.code == 0, ended.text
    assert spaces.sql(ONE, ONE.database(V2), "SELECT * FROM ran;").out == f"{ONE.folder}~\n"
    said = spaces.sql(ONE, ONE.database(V2), "SELECT a, convert_from(lo_get(7), 'UTF8'), 'k=>1'::hstore->'k' FROM t;")
    assert said.out == "5|large|1\n"
    assert f"{ONE.folder}~" not in spaces.must(DATABASE, "psql", "--username=postgres", "-At", "-c", r"\du", "postgres")


def test_what_a_branch_cannot_make_itself_is_named_when_its_database_in_use_is_copied(spaces):
    extend = ("psql", "--username=postgres", "-c", "CREATE EXTENSION pageinspect", ONE.database(V1))
    spaces.must(DATABASE, *extend)
    with connected(spaces, ONE, ONE.database(V1)):
        ended = spaces.copy(ONE, V2, ONE.database(V1))
    assert ended.code == 1
    assert 'permission denied to create extension "pageinspect"' in ended.err
    assert spaces.databases(ONE) == [ONE.database(V1)]
    assert spaces.copy(ONE, V2, ONE.database(V1)).code == 0


def test_a_copy_that_fails_leaves_no_database(spaces):
    for source, why in (
        (f"{ONE.folder}.gone", "there is no database"),
        (TWO.database(V1), f"is not {ONE.folder}'s"),
    ):
        ended = spaces.copy(ONE, V2, source)
        assert ended.code == 1
        assert why in ended.err
    assert spaces.databases(ONE) == [ONE.database(V1)]


def template(spaces, dump, environment=""):
    """Make the template of a text."""
    line = f"cd /vagrant && {environment} inv staging.template --app {APP} --from -"
    return spaces.sandbox.ssh("deploy", line, input=dump)


@contextmanager
def scrubbed(sql):
    """An inventory whose templates are scrubbed by some SQL."""
    SCRUB.parent.mkdir(exist_ok=True)
    SCRUB.write_text(sql)
    where = "      services: {database: staging-database"
    try:
        with inventory("scrubbed", changed(where, f"      scrub: build/{SCRUB.name}\n{where}")) as environment:
            yield environment
    finally:
        SCRUB.unlink()


def test_new_branches_begin_with_the_scrubbed_template_and_own_all_of_it(spaces):
    with scrubbed("UPDATE people SET mail = 'someone-' || id || '@example.org';") as environment:
        made = template(spaces, PEOPLE, environment)
    assert made.code == 0, made.text
    assert 'passed over: role "somebody_elsewhere" does not exist' in made.out
    assert made.out.index("✓ load") < made.out.index("✓ scrub") < made.out.index("✓ use")
    ended = spaces.copy(ONE, V2)
    assert f"database copied from {TEMPLATE}: " in ended.out
    said = spaces.sql(ONE, ONE.database(V2), "ALTER TABLE people ADD n int;", "SELECT mail FROM people WHERE id = 1;")
    assert said.out == "someone-1@example.org\n", said.text
    for database in (TEMPLATE, "postgres"):
        assert spaces.sql(ONE, database, "CREATE TABLE x (a int);").code != 0


@pytest.mark.parametrize(
    ("sql", "dump", "why"),
    [
        ("", PEOPLE[: len(PEOPLE) // 2], "staging: load the dump: it is cut off: its last line is missing"),
        ("", "", "staging: load the dump: it is empty"),
        ("", "CREATE TABLE x (a no_such_type);", 'staging: load the dump: type "no_such_type" does not exist'),
        ("DELETE FROM mails;", PEOPLE, 'run build/scrub.sql: line 1: relation "mails" does not exist'),
    ],
)
def test_a_dump_that_is_refused_leaves_the_former_template(spaces, sql, dump, why):
    assert template(spaces, PEOPLE.replace("ana", "former")).code == 0
    with scrubbed(sql) as environment:
        ended = template(spaces, dump, environment)
    assert ended.code == 1
    lines = ended.err.strip().splitlines()
    assert why in lines[0]
    assert lines[1] == f"{TEMPLATE} is what it was before, and so are all branches."
    assert len(lines) == 3
    assert spaces.copy(ONE, V2).code == 0
    assert spaces.sql(ONE, ONE.database(V2), "SELECT mail FROM people WHERE id = 1;").out == "former@example.com\n"
    everything = spaces.must(DATABASE, "psql", "--username=postgres", "-Atc", "SELECT datname FROM pg_database")
    assert not re.findall(rf"^{TEMPLATE}.$", everything, re.MULTILINE)


def test_a_backup_holds_what_branches_have(spaces):
    spaces.sql(ONE, ONE.database(V1), "CREATE TABLE held (a int);")
    spaces.find(ONE, ONE.folder, "table_create?name=Held&flags=TABLE_HASH_KEY&key_type=ShortText")
    assert template(spaces, PEOPLE).code == 0
    held = {}
    for service in (DATABASE, SEARCH):
        spaces.sandbox.must("services.backup", "--service", service)
        found = json.loads(spaces.sandbox.must("services.status", "--json"))["services"]
        assert service in {row["service"] for row in found}
        newest = f"$(sudo ls -t /srv/depl/services/{service}/backups/*.gz | head -1)"
        held[service] = spaces.sandbox.on("staging", f"sudo sh -c 'zcat {newest}'")
    assert "CREATE TABLE public.held" in held[DATABASE]
    assert f'CREATE DATABASE "{ONE.database(V1)}"' in held[DATABASE]
    assert f'CREATE DATABASE "{TEMPLATE}"' in held[DATABASE]
    assert f"#branch {ONE.folder}\ntable_create Held" in held[SEARCH]
