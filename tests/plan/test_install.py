"""Install as a plan: a free slot, nothing live touched, nothing left over."""

from dataclasses import replace

import pytest

from tasks.errors import Refused
from tasks.model.environment import Certificate
from tasks.model.release import Release
from tasks.model.version import Version
from tasks.plan import install

from .world import APP1, NOW, TARGET, V1, V2, V3, Story, argvs, installed, whys


def slot_of(plan):
    (link,) = [argv for argv in argvs(plan) if argv[:2] == ("onhost", "link") and "/slots/" in argv[-1]]
    return int(link[-1].rsplit("/", 1)[1])


def test_a_healthy_release_needs_no_step():
    assert not install.plan(TARGET, V1, [Story().has(installed(V1, 0)).facts()])


def test_live_traffic_is_not_touched():
    plan = install.plan(TARGET, V2, [Story().has(installed(V1, 0)).went_live(Release(V1, 0)).facts()])
    assert not [argv for argv in argvs(plan) if any(word.endswith("/live") for word in argv)]


def test_nginx_is_configured_once_and_then_left_alone():
    new = Story()
    new.site = "another"
    assert "load the nginx site" in whys(install.plan(TARGET, V1, [new.facts()]))
    assert "load the nginx site" not in whys(install.plan(TARGET, V2, [Story().has(installed(V1, 0)).facts()]))


def with_certificates(*names):
    tls = {name: Certificate("/etc/a.crt", "/etc/a.key") for name in names}
    return replace(TARGET, environment=replace(TARGET.environment, tls=tls))


def test_a_site_is_not_written_where_its_certificate_is_missing():
    new = Story(site="another").facts()
    for name in ("app1.foo", "*.app1.foo", "*.foo"):
        there = replace(new, certificates={name.replace("*", "_"): NOW})
        assert "write the nginx site" in whys(install.plan(with_certificates(name), V1, [there]))
        with pytest.raises(Refused, match="app1 has no certificate for .*\n.*inv bootstrap --only appserver"):
            install.plan(with_certificates(name), V1, [new])


def test_a_host_that_an_older_depl_bootstrapped_is_refused():
    with pytest.raises(Refused, match="older depl.*\nFirst: inv bootstrap --only appserver"):
        install.plan(TARGET, V1, [replace(Story().facts(), certificates=None)])


def test_a_preview_has_a_name_that_its_certificate_covers():
    assert TARGET.preview(V1) == f"http://{V1}.app1.foo"
    assert with_certificates("app1.foo").preview(V1) == f"http://{V1}.app1.foo"
    assert with_certificates("*.app1.foo").preview(V1) == "https://2026-11-22-12-01.app1.foo"
    assert with_certificates("*.foo").url == "https://app1.foo"


def test_a_slot_rests_as_long_as_possible():
    story = Story().has(installed(V1, 0, at=NOW - 20), installed(V2, 1, at=NOW - 10))
    assert slot_of(install.plan(TARGET, V3, [story.facts()])) == 2


def test_what_an_interrupted_install_left_is_cleared_first():
    story = Story().has(installed(V1, 4, complete=False, state="created", health=None))
    plan = install.plan(TARGET, V1, [story.facts()])
    assert plan.phases[0].name == "clear"
    assert slot_of(plan) == 4


def test_the_slot_of_another_release_is_neither_taken_nor_given_up():
    half = installed(V2, 4, complete=False, state="created", health=None)
    story = Story().has(installed(V1, 4), half).went_live(Release(V1, 4))
    plan = install.plan(TARGET, V2, [replace(story.facts(), slots={4: f"../releases/{V1}@4"})])
    assert slot_of(plan) != 4
    assert f"remove what is left of {V2}: folder" in whys(plan)
    assert not [argv for argv in argvs(plan) if TARGET.layout.slot(4) in argv]


def test_a_stopped_release_is_started_again_in_its_slot():
    story = Story().has(installed(V1, 3, state="exited", health=None))
    assert slot_of(install.plan(TARGET, V1, [story.facts()])) == 3


def test_a_sick_live_release_is_not_installed_over():
    story = Story().has(installed(V1, 0, health=500)).went_live(Release(V1, 0))
    with pytest.raises(Refused, match="inv rollback"):
        install.plan(TARGET, V1, [story.facts()])


def test_without_room_on_the_disk_nothing_is_pulled():
    with pytest.raises(Refused, match="499 MB of disk left.*\n.*inv prune"):
        install.plan(TARGET, V1, [Story(disk_free=499 * 2**20).facts()])


def full():
    story = Story(APP1)
    for slot in range(8):
        story.has(installed(Version(f"2026.11.22.13.0{slot}"), slot, at=NOW - 1000 + slot))
    return story


def test_without_a_free_slot_the_oldest_spare_release_makes_room():
    story = full().went_live(Release(Version("2026.11.22.13.00"), 0))
    plan = install.plan(TARGET, V1, [story.facts()])
    assert "remove 2026.11.22.13.01: slot 1" in whys(plan)
    assert slot_of(plan) == 1


@pytest.mark.parametrize("secret", ["a=b", "with space", "quote'\"", "$(id)"])
def test_values_of_variables_travel_as_input_and_never_as_arguments(secret):
    app = type(TARGET.app)(**{**TARGET.app.__dict__, "environment": {"SECRET": secret}})
    target = type(TARGET)(app, TARGET.environment, TARGET.who, NOW)
    plan = install.plan(target, V1, [Story().facts()])
    steps = [step for phase in plan.phases for step in phase.steps[APP1]]
    assert any(f"SECRET={secret}\n".encode() in step.input for step in steps)
    assert not any(f"SECRET={secret}" in word for step in steps for word in step.argv)


def test_containers_get_the_limits_of_a_hostile_network():
    (create,) = [
        argv for argv in argvs(install.plan(TARGET, V1, [Story().facts()])) if argv[:2] == ("docker", "create")
    ]
    text = " ".join(create)
    for limit in (
        "--user 10001:10001", "--read-only", "--cap-drop ALL", "--security-opt no-new-privileges",
        "--memory 256m", "--pids-limit 256", "--init", "--restart no",
    ):  # fmt: skip
        assert limit in text
