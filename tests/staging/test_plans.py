"""A build is looked at before visitors come to it; what is not live goes, and the folder goes last."""

from dataclasses import replace

import pytest

from tasks.errors import Refused
from tasks.model.app import Migration
from tasks.plan import branches
from tasks.plan.steps import Plan
from tasks.staging import plans

from ..plan.test_branches import BRANCH, STAGING
from ..plan.test_branches import target as production
from ..plan.world import V1, V2, Story, argvs, installed, whys
from . import world

TARGET = branches.of(production(), BRANCH, 7)
PAGES = replace(TARGET, app=replace(TARGET.app, smoke=("/", "/login")))


def build(version, slot):
    found = installed(version, slot)
    return replace(found, container=replace(found.container, name=TARGET.layout.container(version)))


OLD, NEW = build(V1, 0), build(V2, 1)


def facts(*releases, live=None):
    story = Story(host=STAGING).has(*releases)
    found = (story.went_live(live.release) if live else story).facts()
    return [replace(found, programs={one.container.name: "RUNNING" for one in releases})]


def names(plan):
    return [phase.name for phase in plan.phases]


def test_a_build_gets_its_database_before_it_starts():
    plan = plans.put_in_place(TARGET, V2, {"staging-database": BRANCH.database(V1)}, facts(OLD, live=OLD))
    assert names(plan)[0] == "database"
    made = [words for words in argvs(plan, STAGING) if "copy" in words]
    assert [words[-4:-2] for words in made] == [(BRANCH.database(V1), BRANCH.database(V2))]


def test_a_build_that_is_in_place_gets_no_second_database():
    assert "database" not in names(plans.put_in_place(TARGET, V2, {}, facts(NEW)))


def test_smoke_pages_are_asked_for_before_visitors_are_sent():
    plan = plans.move(PAGES, V2, facts(OLD, NEW, live=OLD))
    assert names(plan).index("smoke") < names(plan).index("prepare") < names(plan).index("flip")
    assert "smoke check of /login" in whys(plan, STAGING)


def test_a_build_is_waited_for_after_its_migration_since_that_may_break_its_health():
    migrating = replace(TARGET, app=replace(TARGET.app, migrate=Migration(("python3", "-m", "migrate"))))
    plan = plans.move(migrating, V2, facts(OLD, NEW, live=OLD))
    assert names(plan)[:3] == ["migrate", "note", "smoke"]
    assert f"wait for GET {TARGET.app.health.path}" in whys(plan, STAGING)
    said = whys(plans.move(PAGES, V2, facts(OLD, NEW, live=OLD)), STAGING)
    assert said.index(f"wait for GET {TARGET.app.health.path}") < said.index("smoke check of /")


def test_visitors_are_sent_back_to_the_former_table_though_what_it_leads_to_is_ill():
    ill = replace(OLD, health=500)
    story = Story(host=STAGING).has(ill, NEW).went_live(OLD.release).went_live(NEW.release)
    plan = plans.put_back(TARGET, 2, [story.facts()])
    back = f"{TARGET.layout.live}.back"
    assert [words[1:] for words in argvs(plan, STAGING)] == [
        ("link", "routes/2", back), ("flip", back, TARGET.layout.live),
    ]  # fmt: skip
    assert plans.put_back(TARGET, 3, [story.facts()]) == Plan()


def test_a_build_that_is_live_is_not_looked_at_again():
    assert plans.move(PAGES, V2, facts(NEW, live=NEW)) == Plan()


def test_what_is_not_live_goes_with_its_database_and_what_is_live_stays():
    plan = plans.tidy(TARGET, [BRANCH.database(V1)], facts(OLD, NEW, live=NEW))
    said = " ".join(word for words in argvs(plan, STAGING) for word in words)
    assert f"{TARGET.name}-{V1}-web" in said
    assert f"releases/{OLD.release}" in said
    assert BRANCH.database(V1) in said
    assert str(V2) not in said


def test_all_is_tidy_where_there_is_one_build():
    assert plans.tidy(TARGET, [], facts(NEW, live=NEW)) == Plan()


def test_a_live_releases_database_is_needed_and_half_made_ones_are_not():
    there = [BRANCH.database(V1), BRANCH.database(V2), f"{BRANCH.database(V2)}~"]
    (found,) = facts(NEW, live=NEW)
    assert plans.needless(BRANCH, there, found) == [BRANCH.database(V1), f"{BRANCH.database(V2)}~"]


def test_traffic_goes_first_and_the_folder_last():
    first = argvs(plans.remove(TARGET, facts(NEW, live=NEW)), STAGING)[0]
    parts, home = argvs(plans.forget(TARGET), STAGING)
    assert first[-1] == TARGET.layout.live
    assert names(plans.reclaim(TARGET, TARGET.app.services)) == ["images", "services"]
    assert TARGET.layout.home not in {
        word for words in argvs(plans.reclaim(TARGET, TARGET.app.services), STAGING) for word in words
    }
    assert home[-1] == TARGET.layout.home
    assert TARGET.layout.branch not in parts


def test_a_branch_goes_from_services_that_it_does_not_need_any_more():
    now = replace(TARGET, app=replace(TARGET.app, services={}))
    assert "services" not in names(plans.reclaim(now, ()))
    assert "services" in names(plans.reclaim(now, ("staging-queue",)))


def test_a_full_host_takes_no_branch():
    plans.must_have_room(world.staging())
    with pytest.raises(
        Refused, match=r"staging has 100 MB of disk left, 500 MB are needed(.|\n)*Delete branches in git"
    ):
        plans.must_have_room(world.staging(disk=100 * 2**20))
    with pytest.raises(Refused, match="staging has 100 MB of memory left"):
        plans.must_have_room(world.staging(memory=100 * 2**20))
