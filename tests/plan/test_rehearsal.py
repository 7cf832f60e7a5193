"""A rehearsal: where it takes place, and what its results mean."""

from dataclasses import replace

import pytest

from tasks.errors import Refused
from tasks.model.app import Migration
from tasks.model.environment import Placement
from tasks.model.secrets import Secrets
from tasks.model.service import Need, Service
from tasks.plan import rehearsal
from tasks.plan.rehearsal import Lock

from .test_migrate import facts
from .world import APP, APP1, ENVIRONMENT, TARGET, V1, V2, V3

SERVICES = {"database": Service("postgresql", "app1"), "queue": Service("redis", "app1")}
TRIED = replace(
    TARGET,
    app=replace(APP, migrate=Migration(("x",)), services={name: Need(one.kind) for name, one in SERVICES.items()}),
    environment=replace(ENVIRONMENT, services=SERVICES, apps={"app1": Placement(("app1.foo",))}),
    secrets=Secrets(services={name: {"password": "s3cret"} for name in SERVICES}),
)


def stage(**app):
    return rehearsal.stage(replace(TRIED, app=replace(TRIED.app, **app)), V2, facts())


def test_it_takes_place_at_the_database_and_on_the_first_app_host_with_what_is_live_there():
    there = stage()
    assert (there.service, there.host, there.facts.host, there.version, there.live) == ("database", APP1, APP1, V2, V1)


@pytest.mark.parametrize(
    ("app", "message"),
    [
        ({"migrate": None}, "conf/apps/app1.yml has no migration"),
        ({"services": {}}, "app1 has 0 databases of kind postgresql; a rehearsal clones exactly one"),
        ({"services": {"database": Need("postgresql"), "other": Need("postgresql")}}, "app1 has 2 databases"),
    ],
)
def test_what_can_not_be_rehearsed_is_refused(app, message):
    with pytest.raises(Refused, match=message):
        stage(**app)


def test_a_version_that_is_not_installed_is_not_rehearsed():
    with pytest.raises(Refused, match=f"First: inv install --version {V3}"):
        rehearsal.stage(TRIED, V3, facts())


def test_both_versions_get_the_copy_as_their_database_and_the_other_services_as_they_are():
    texts = [text.decode() for _, text in rehearsal.prepare(stage()) if text]
    assert [text.partition("DEPL_VERSION=")[2].partition("\n")[0] for text in texts] == [str(V2), str(V1)]
    for text in texts:
        assert "/app1-rehearsal?host=" in text
        assert "QUEUE_URL=unix://app1:" in text


def test_nothing_of_the_live_release_is_touched():
    there = stage()
    argvs = [argv for argv, _ in rehearsal.prepare(there)]
    argvs += [*rehearsal.migrate(there), *rehearsal.serve(there, V1), *rehearsal.clear(there), rehearsal.discard(there)]
    said = " ".join(word for argv in argvs for word in argv)
    assert "/srv/depl/app1/releases" not in said
    assert f"app1-{V1}-web" not in said
    assert "s3cret" not in said
    assert rehearsal.discard(there)[-1] == "app1-rehearsal"


def test_where_nothing_is_live_only_the_migration_is_tried():
    there = replace(stage(), live=None)
    assert [text for _, text in rehearsal.prepare(there)][-1] == b""
    assert len(rehearsal.clear(there)) == 2


def samples(*lines):
    return "\n".join(lines)


def test_a_lock_lasts_from_its_first_sample_to_its_last():
    text = samples("100.0|7|notes|AccessExclusiveLock", "100.1|7|notes|AccessExclusiveLock", "102.0|8|counts|ShareLock",
                   "100.9|7|notes|AccessExclusiveLock")  # fmt: skip
    assert rehearsal.locks(text, 0.5) == [Lock("notes", "AccessExclusiveLock", pytest.approx(1.0))]


def test_the_longest_lock_comes_first_and_short_ones_are_left_out():
    text = samples(*(f"{100 + n / 10:.1f}|7|notes|ShareLock" for n in range(20)),
                   *(f"{100 + n / 10:.1f}|8|counts|ShareLock" for n in range(40)),
                   *(f"{100 + n / 10:.1f}|9|brief|ShareLock" for n in range(5)))  # fmt: skip
    assert [(one.table, round(one.seconds, 1)) for one in rehearsal.locks(text, 1)] == [("counts", 4.0), ("notes", 2.0)]


def test_a_lock_that_was_let_go_and_taken_again_is_two():
    text = samples(*(f"{100 + n / 10:.1f}|7|notes|ShareLock" for n in range(15)),
                   *(f"{160 + n / 10:.1f}|7|notes|ShareLock" for n in range(20)))  # fmt: skip
    assert [round(one.seconds, 1) for one in rehearsal.locks(text, 1)] == [2.0, 1.5]


@pytest.mark.parametrize("text", ["", "torn", "x|7|notes|ShareLock", "1|2|3", "nan|7|a|ShareLock", "1|2|3|4|5"])
def test_a_torn_sample_is_none(text):
    assert rehearsal.locks(text, 0.5) == []


def test_the_verdict_is_one_line():
    assert rehearsal.verdict(V1, []).startswith(f"A rollback to {V1} stays possible")
    said = rehearsal.verdict(V1, ["its health check fails (500)", "/notes: 500"])
    assert said == f"A rollback to {V1} would NOT be possible: on the migrated database its health check fails (500)."
    assert "nothing that a rollback could lead to" in rehearsal.verdict(None, [])
