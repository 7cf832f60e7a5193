"""Services: brought to what is described with their data kept, or left as they were."""

import json
import shlex
from dataclasses import replace
from itertools import pairwise

import pytest

from tasks.commands import docker
from tasks.errors import Refused
from tasks.model.service import Service, password_of
from tasks.plan import services
from tasks.plan.service_facts import Found

from .estate import DATABASE, ESTATE, IMAGE, NOTHING, SECRET, estate, running, up
from .world import APP1, argvs, undone, whys

HELD = "service-database"
NEW = "deploy:5000/services/postgresql:2"
FORMER = ("docker", "rename", f"{HELD}.former", HELD)
LARGER = estate(replace(DATABASE, memory="1g"))


def created(plan):
    (argv,) = [argv for argv in argvs(plan) if argv[:2] == ("docker", "create")]
    return argv


def options(argv, name):
    return [value for word, value in pairwise(argv) if word == name]


def test_where_there_is_nothing_data_are_made_and_apps_let_in_once_it_answers():
    plan = up()
    assert [phase.name for phase in plan.phases] == ["image", "data", "start", "health", "apps"]
    said = whys(plan)
    assert said.index("make the data of database") < said.index(f"create {HELD}") < said.index("wait for database")
    assert said.index("wait for database") < said.index("let app1 use database")


def test_what_is_as_described_is_left_alone():
    assert not up(running())


def test_a_service_that_does_not_answer_is_waited_for_and_not_made_anew():
    assert whys(up(running(health="the database system is starting up"))) == ["wait for database"]


@pytest.mark.parametrize(("of", "image"), [(LARGER, IMAGE), (ESTATE, NEW)])
def test_another_image_or_limit_makes_a_new_container_over_the_same_data(of, image):
    plan = up(running(), of, image)
    assert "make the data of database" not in whys(plan)
    assert created(plan)[-2:] == (image, "start")
    assert "type=bind,source=/srv/depl/services/database/data,target=/data" in options(created(plan), "--mount")


def test_the_former_container_is_kept_until_the_new_one_answers():
    plan = up(running(), LARGER)
    commands = argvs(plan)
    kept, gone = commands.index(docker.call(HELD, f"{HELD}.former")), commands.index(docker.remove(f"{HELD}.former"))
    assert kept < commands.index(created(plan)) < commands.index(services.wait(LARGER, "database").argv) < gone


def test_a_new_container_that_fails_gives_its_place_back_to_the_former_one():
    file = f"/srv/depl/supervisor/{HELD}.conf"
    back = undone(up(running(), LARGER))
    removed = back.index(docker.remove(HELD))
    called, renamed = back.index(FORMER), back.index(("onhost", "rename", f"{file}.former", file))
    assert back[0] == ("onhost", "remove", file)
    assert removed < called < renamed < back.index(("onhost", "start", HELD)) == len(back) - 1


def test_only_an_image_that_was_left_is_removed():
    assert "remove the former image of database" in whys(up(running(), image=NEW))
    assert "remove the former image of database" not in whys(up(running(), LARGER))


def test_a_former_container_that_a_killed_attempt_left_is_the_way_back():
    """What that attempt had begun beside it never answered."""
    for state, program in (("exited", "FATAL"), ("created", ""), ("", "")):
        plan = up(running(LARGER, state=state, program=program, has_former=True))
        assert docker.remove(f"{HELD}.former") not in argvs(plan)[: argvs(plan).index(created(plan))]
        assert undone(plan).index(docker.remove(HELD)) < undone(plan).index(FORMER)


def test_what_answers_is_the_way_back_whatever_a_killed_attempt_left():
    plan = up(running(LARGER, has_former=True))
    commands = argvs(plan)
    kept = commands.index(docker.call(HELD, f"{HELD}.former"))
    assert commands.index(docker.remove(f"{HELD}.former")) < kept
    assert docker.remove(HELD) not in commands


def test_what_a_killed_attempt_left_beside_a_service_that_is_as_described_goes():
    assert whys(up(running(has_former=True))) == ["remove the former database"]


def test_a_full_disk_is_told_before_anything_is_touched():
    with pytest.raises(Refused, match="app1 has 99 MB of disk left, database needs 500 MB"):
        up(disk_free=99 * 2**20)
    assert not up(running(), disk_free=0)


def test_a_service_without_a_password_is_not_started():
    with pytest.raises(Refused, match=r"Set services.database.password: inv secrets.edit"):
        up(of=estate(password=""))


def test_ports_are_published_only_where_an_app_host_elsewhere_needs_the_service():
    listen = replace(DATABASE, listen="10.0.0.1")
    assert options(created(up(of=estate(listen))), "--publish") == ["10.0.0.1:5432:5432"]
    assert options(created(up(of=estate(listen, hosts="first"))), "--publish") == []
    assert options(created(up(of=estate(listen, needs={}))), "--publish") == []
    six = created(up(of=estate(replace(DATABASE, listen="2001:db8::1"))))
    assert options(six, "--publish") == ["[2001:db8::1]:5432:5432"]


def test_another_port_is_one_outside_so_that_the_socket_keeps_its_name():
    plan = up(of=estate(replace(DATABASE, port=6543)))
    assert options(created(plan), "--publish") == ["0.0.0.0:6543:5432"]
    (given,) = [
        step.input for phase in plan.phases for step in phase.steps[APP1] if step.why.startswith("write the var")
    ]
    assert b"PORT=5432\n" in given


def test_a_service_without_a_socket_is_reached_by_tcp_on_its_own_host_too():
    other = Service("other", "app1", image="example.com/mail:1", port=2525)
    assert options(created(up(of=estate(other, hosts="first"))), "--publish") == ["0.0.0.0:2525:2525"]


def test_only_apps_that_lack_their_password_are_let_in_and_all_are_noted():
    needs = {"app1": ESTATE.needs["app1"], "app2": ESTATE.needs["app1"]}
    of = estate(hosts="first", needs={"app1": ESTATE.needs["app1"]})
    apps = dict.fromkeys(needs, of.environment.apps["app1"])
    both = replace(of, needs=needs, environment=replace(of.environment, apps=apps))
    plan = up(running(of), both)
    assert whys(plan) == ["let app2 use database", "note who uses database"]
    noted = [step.input for phase in plan.phases for step in phase.steps[APP1]][-1]
    assert json.loads(noted).keys() == {"app1", "app2"}


def test_no_password_is_an_argument_or_a_reason():
    secrets = {SECRET, password_of(SECRET, "app1")}
    for plan in (up(), up(running(), LARGER)):
        for phase in plan.phases:
            for step in phase.steps[APP1]:
                said = " ".join((step.why, shlex.join(step.argv), shlex.join(step.undo), shlex.join(step.evidence)))
                assert not [one for one in secrets if one in said]
                assert not [one for one in secrets if one in repr(step)]


def test_another_password_makes_a_new_container_and_gives_each_app_another():
    other = estate(password="Another-Secret")
    assert {f"create {HELD}", "let app1 use database"} <= set(whys(up(running(), other)))


def test_the_kind_of_others_gets_its_own_command_user_and_folder_and_lets_in_nobody():
    other = Service(
        "other", "app1", image="example.com/mail:1", port=2525, command=("run", "-x"), user=1001, data="/mail"
    )
    plan = up(of=estate(other, password=""))
    assert created(up(of=estate(other, password=""), image=other.image))[-3:] == (other.image, "run", "-x")
    assert options(created(plan), "--user") == ["1001:10001"]
    assert "type=bind,source=/srv/depl/services/database/data,target=/mail" in options(created(plan), "--mount")
    assert not [why for why in whys(plan) if why.startswith("let")]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (NOTHING, "not there"),
        (running(), ""),
        (running(state="exited", exit=3), "exited 3"),
        (running(state="exited", out_of_memory=True), "out of memory"),
        (running(program=""), "not watched by supervisord"),
        (running(health="no route"), "no route"),
    ],
)
def test_what_is_wrong_with_a_service_is_said_in_words(found: Found, said):
    assert found.trouble == said
    assert found.healthy is (not said)


def test_a_service_whose_restore_was_cut_short_between_its_data_is_not_started_with_none():
    with pytest.raises(Refused, match=r"A restore of database on app1 was cut short.*\nAgain: inv services.restore"):
        up(replace(NOTHING, has_new=True))


def test_ahead_of_other_data_nobody_counts_as_let_in_so_that_a_killed_attempt_lets_them_in_later():
    said = whys(up(replace(running(), state="", program="", has_data=False)))
    assert said.index("forget who uses database") < said.index("make the data of database")
    assert "let app1 use database" in said
