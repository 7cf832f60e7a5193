"""A branch's spaces in services: asked for by name, with no password in an argument, and undone where a build fails."""

from dataclasses import replace

import pytest

from tasks.errors import Refused
from tasks.model.branch import Branch
from tasks.model.environment import Branches, BranchPlacement, Host
from tasks.model.secrets import Secrets
from tasks.model.service import Need, Service, password_of
from tasks.plan import branches, spaces

from .world import APP, ENVIRONMENT, TARGET, V1, V2

BRANCH = Branch("app1", "feature/X-12", "feature-x-12")
MADE, LIVE = BRANCH.database(V2), BRANCH.database(V1)
KINDS = {"database": "postgresql", "queue": "redis", "search": "groonga", "mail": "other"}
PLACEMENT = BranchPlacement(("staging.app1.foo",), services={name: f"staging-{name}" for name in KINDS})


def target(*needed, passwords=True):
    """A branch's app that needs some services; all of them unless told otherwise."""
    needs = {name: Need(KINDS[name]) for name in needed or KINDS}
    environment = replace(
        ENVIRONMENT,
        groups={**ENVIRONMENT.groups, "stagingservers": (Host("staging", "staging"),)},
        services={f"staging-{name}": Service(kind, "staging") for name, kind in KINDS.items()},
        branches=Branches("staging", {"app1": PLACEMENT}),
    )
    secrets = Secrets(services={f"staging-{name}": {"password": "s3cret"} for name in KINDS if passwords})
    return branches.of(
        replace(TARGET, app=replace(APP, services=needs), environment=environment, secrets=secrets), BRANCH, 7
    )


def asked(steps):
    """What each step runs in which service's container."""
    return [step.argv[3:] for step in steps]


def test_each_known_service_gives_the_branch_a_space_under_its_name_and_number():
    assert asked(spaces.allot(target())) == [
        (f"service-staging-{name}", "allot", BRANCH.folder, "7") for name in ("database", "queue", "search")
    ]


def test_the_password_goes_by_standard_input_and_is_the_one_that_the_branch_is_told():
    (step,) = spaces.allot(target("database"))
    password = password_of("s3cret", BRANCH.folder)
    assert step.input == f"{password}\n".encode()
    assert password not in " ".join(step.argv)
    assert password not in repr(step)


def test_a_service_without_a_password_is_named_before_anything_is_made():
    with pytest.raises(Refused, match="The service staging-database has no password"):
        spaces.allot(target("database", passwords=False))


@pytest.mark.parametrize(("source", "word"), [(LIVE, LIVE), (None, "")])
def test_a_builds_database_is_a_copy_of_what_is_live_else_of_the_apps_template(source, word):
    (step,) = spaces.copy(target(), V2, {"staging-database": source} if source else {})
    assert asked([step]) == [("service-staging-database", "copy", word, MADE, BRANCH.folder, "template.app1")]


def test_a_copy_is_undone_by_itself_alone():
    (step,) = spaces.copy(target(), V2, {"staging-database": LIVE})
    assert step.undo[3:] == ("service-staging-database", "discard", MADE)
    assert step.undo == spaces.discard(target(), [MADE])[0].argv


def test_the_size_and_the_seconds_of_a_copy_are_shown():
    assert all(step.tells for step in spaces.copy(target(), V2, {}))


def test_only_databases_are_copied_and_discarded():
    assert spaces.copy(target("queue", "search"), V2, {}) == ()
    assert spaces.discard(target("queue", "search"), [LIVE]) == ()
    assert spaces.question(target("queue", "search")) == {}


def test_all_that_a_branch_has_is_taken_back_from_every_service():
    found = asked(spaces.reclaim(target()))
    assert [words[1:] for words in found] == [("reclaim", BRANCH.folder, "7")] * 3


def test_what_it_was_given_by_an_inventory_of_before_is_taken_back_too():
    now = target("database")
    found = asked(spaces.reclaim(now, ["staging-database", "staging-queue", "staging-mail", "gone"]))
    assert [words[0] for words in found] == ["service-staging-database", "service-staging-queue"]


def test_what_was_given_by_a_service_that_has_left_the_host_is_not_asked_for_there():
    now = target("database")
    elsewhere = {**now.environment.services, "staging-queue": Service("redis", "app1")}
    moved = replace(now, environment=replace(now.environment, services=elsewhere))
    assert len(spaces.reclaim(moved, ["staging-queue"])) == 1


def test_databases_are_told_by_their_names_and_bytes():
    argv = spaces.question(target())["staging-database"]
    assert argv[3:] == ("service-staging-database", "databases", BRANCH.folder)
    assert spaces.databases(f"{LIVE}|7500000\n{MADE}~|12\n") == {LIVE: 7_500_000, f"{MADE}~": 12}


@pytest.mark.parametrize("text", ["", "\n", "psql: error", "a|b\n|5\n", f"{LIVE}|²\n"])
def test_what_is_no_answer_tells_no_databases(text):
    assert spaces.databases(text) == {}


def test_the_longest_names_of_a_database_and_of_one_in_the_making_fit():
    longest = Branch("a" * 20, "x", "b" * 23)
    assert len(f"{longest.database(V1)}~") == 63


def test_a_template_is_scrubbed_before_it_is_used_and_what_fails_drops_what_was_loaded():
    steps = spaces.fill("app1", "staging-database", "conf/scrub.sql", b"DELETE FROM mails;")
    (scrub,), (use,) = steps["scrub"], steps["use"]
    assert list(steps) == ["scrub", "use"]
    assert scrub.input == b"DELETE FROM mails;"
    assert asked([scrub, use]) == [
        ("service-staging-database", "template", stage, "app1") for stage in ("scrub", "use")
    ]
    assert scrub.undo == use.undo == spaces.drop("app1", "staging-database")


def test_an_app_without_a_file_to_scrub_with_uses_what_was_loaded():
    assert spaces.fill("app1", "staging-database", "", b"")["scrub"] == ()


def test_a_template_is_for_exactly_one_database():
    app = replace(APP, services={"database": Need("postgresql")})
    assert spaces.database_service(app, PLACEMENT) == "staging-database"
    with pytest.raises(Refused, match="app1 has 0 databases of kind postgresql"):
        spaces.database_service(APP, PLACEMENT)
