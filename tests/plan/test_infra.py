"""The company's services: which start first, how one finds its database, what a backup of one is made of."""

from dataclasses import replace

import pytest

from tasks.errors import BadInput, Refused
from tasks.model.environment import Environment
from tasks.model.infra import Infra, InfraService
from tasks.model.secrets import Secrets
from tasks.plan import backups, infra, services
from tasks.plan.service_facts import ServiceFacts

from .estate import NOTHING, SECRET
from .world import APP1, NOW, argvs

WAY = {"DATABASE_URL": "jdbc:postgresql://{host}:{port}/{name}", "DATABASE_PASSWORD": "password"}
TRACKER = InfraService(
    app="bugsink", socket="web.sock", domains=("errors.foo",), needs={"tracker-data": {"DATABASE_HOST": "host"}}
)
TICKETS = InfraService(
    image="example.com/tickets:1", port=8080, data="/var/tickets", domains=("tickets.foo",),
    needs={"tickets-data": WAY}, tcp=True, user=0, writable=True, capabilities=("CHOWN",), scratch={"/tmp": "1g"},
    publish=("0.0.0.0:99:99",),
)  # fmt: skip
AGENT = InfraService(
    recipe="teamcity-agent", base="example.com/agent:1", data="/data/teamcity_agent/conf", user=1000, groups=(996,),
    mounts={"/var/run/docker.sock": "/var/run/docker.sock", "/home/ana/.ssh": "/home/agent/.ssh"}, network="host",
)  # fmt: skip
SERVICES = {
    "tickets": TICKETS,
    "tickets-data": InfraService(kind="postgresql", listen="172.17.0.1"),
    "tracker": TRACKER,
    "tracker-data": InfraService(kind="postgresql"),
}
IMAGES = dict.fromkeys(SERVICES, "deploy:5000/image:1")


def estate(**more):
    environment = Environment("vagrant", "deploy:5000", {"infraservers": (APP1,)}, {})
    known = {name: {"password": SECRET} for name in SERVICES} | {"tracker": {"SECRET_KEY": "planted-key", "note": "x"}}
    there = Infra(APP1.name, ("infra.foo",), {**SERVICES, **more})
    return infra.estate(environment, there, "ana@deploy", NOW, Secrets(services=known))


def facts(**found):
    return [ServiceFacts(APP1, NOW, 10**10, {**dict.fromkeys(SERVICES, NOTHING), **found}, (), None)]


def created(of, name):
    return services.run(of, name, "image", {})


def variables(of, name):
    return dict(line.split("=", 1) for line in services.write_variables(of, name).input.decode().splitlines())


def test_databases_come_up_before_what_needs_them():
    first, then = infra.in_order(estate())
    assert set(first.environment.services) == {"tracker-data", "tickets-data"}
    assert set(then.environment.services) == {"tracker", "tickets"}


def test_a_database_lets_in_the_one_that_needs_it_and_nobody_else():
    first, _ = infra.in_order(estate())
    admitted = [argv[-2:] for argv in argvs(services.up(first, IMAGES, facts())) if "admit" in argv]
    assert sorted(admitted) == [("admit", "tickets"), ("admit", "tracker")]


def test_a_service_finds_its_database_by_a_socket():
    of = estate()
    assert variables(of, "tracker")["DATABASE_HOST"] == "/run/services/tracker-data"
    mount = "type=bind,source=/srv/depl/services/tracker-data/run,target=/run/services/tracker-data"
    assert mount in created(of, "tracker")
    assert not of.is_remote("tracker-data")


def test_one_that_knows_no_sockets_finds_it_by_the_address_that_it_listens_on():
    of = estate()
    assert variables(of, "tickets")["DATABASE_URL"] == "jdbc:postgresql://172.17.0.1:5432/tickets"
    assert "172.17.0.1:5432:5432" in created(of, "tickets-data")
    assert not any("tickets-data" in word for word in created(of, "tickets"))


def test_its_port_is_for_nginx_on_its_own_host_alone():
    assert "127.0.0.1:8080:8080" in created(estate(), "tickets")
    assert "--publish" not in created(estate(), "tracker")


def test_its_password_for_the_database_is_not_the_databases_own():
    assert variables(estate(), "tickets")["DATABASE_PASSWORD"] not in ("", SECRET)


def test_secrets_in_capitals_are_its_variables():
    found = variables(estate(), "tracker")
    assert found["SECRET_KEY"] == "planted-key"
    assert "note" not in found


def test_limits_are_loosened_only_for_whom_the_inventory_says():
    loose, tight = created(estate(), "tickets"), created(estate(), "tracker")
    assert "--read-only" in tight
    assert "--cap-add" not in tight
    assert "--read-only" not in loose
    assert loose[loose.index("--cap-add") + 1] == "CHOWN"
    assert "/tmp:rw,nosuid,nodev,size=1g,mode=1777" in loose
    assert "0.0.0.0:99:99" in loose
    assert {"--cap-drop", "--security-opt", "--memory", "--pids-limit"} <= set(loose)


def test_what_of_its_host_an_agent_may_use_is_what_the_inventory_says():
    argv = created(estate(agent=AGENT), "agent")
    assert argv[argv.index("--group-add") + 1] == "996"
    assert argv[argv.index("--network") + 1] == "host"
    assert "type=bind,source=/home/ana/.ssh,target=/home/agent/.ssh" in argv
    assert not {"--group-add", "--network"} & {*created(estate(), "tickets"), *created(estate(), "tracker")}


def test_a_backup_or_a_restore_of_an_agent_sees_nothing_of_its_host_but_the_data():
    argv = services.run(estate(agent=AGENT), "agent", "image", {}, ("backup",))
    assert [word for word in argv if word.startswith("type=bind")] == [
        "type=bind,source=/srv/depl/services/agent/data,target=/data/teamcity_agent/conf"
    ]
    assert not {"--group-add", "--network"} & set(argv)


def test_an_agents_image_follows_its_base_its_user_and_depls_requirements():
    agents = [AGENT, replace(AGENT, base="example.com/agent:2"), replace(AGENT, user=1001)]
    tags = [services.recipe(one, b"invoke").tag() for one in agents]
    assert len({*tags, services.recipe(AGENT, b"invoke==2").tag()}) == 4


def test_a_restore_publishes_nothing():
    assert "--publish" not in services.run(estate(), "tickets", "image", {}, ("restore",), "/new")


def test_a_backup_of_a_service_is_of_its_data_and_its_databases():
    assert set(infra.with_data(estate(), "tickets").environment.services) == {"tickets", "tickets-data"}
    assert set(infra.with_data(estate(), "tracker").environment.services) == {"tracker-data"}
    assert set(infra.with_data(estate(), None).environment.services) == {"tickets", "tickets-data", "tracker-data"}


def test_a_restore_brings_the_databases_back_before_what_needs_them():
    assert infra.names_in_order(infra.with_data(estate(), "tickets")) == ["tickets-data", "tickets"]


def test_a_restore_may_be_of_a_service_without_its_databases():
    assert infra.names_in_order(infra.with_data(estate(), "tickets", alone=True)) == ["tickets"]
    with pytest.raises(Refused, match=r"tracker has no data of its own\.\nWith its databases: .*without --alone"):
        infra.with_data(estate(), "tracker", alone=True)


BOTH = ("tickets-data", "tickets")


def chosen(of_data, of_tickets, file=None):
    found = {
        "tickets-data": replace(NOTHING, backups=dict.fromkeys(of_data, 5)),
        "tickets": replace(NOTHING, backups=dict.fromkeys(of_tickets, 5)),
    }
    of = infra.with_data(estate(), "tickets")
    taken = backups.choose_together(of, BOTH, file, facts(**found))
    return taken, backups.passed_over(of, taken, facts(**found))


def test_what_belongs_together_is_restored_from_backups_of_one_moment():
    taken, newer = chosen(["19.gz", "20.gz", "22.gz"], ["19.gz", "20.gz", "21.gz"])
    assert taken == dict.fromkeys(BOTH, "20.gz")
    assert newer == {"tickets-data": "22.gz", "tickets": "21.gz"}
    assert chosen(["19.gz", "20.gz"], ["19.gz", "20.gz"]) == (dict.fromkeys(BOTH, "20.gz"), {})


def test_the_moment_may_be_chosen_where_all_have_it():
    assert chosen(["19.gz", "20.gz"], ["19.gz", "20.gz"], "19.gz")[0] == dict.fromkeys(BOTH, "19.gz")
    with pytest.raises(BadInput, match=r"'22\.gz' is no backup of tickets; there are: 19\.gz\."):
        chosen(["19.gz", "22.gz"], ["19.gz"], "22.gz")


def test_backups_of_two_moments_are_not_mixed_unless_each_is_asked_for():
    with pytest.raises(Refused) as refused:
        chosen(["22.gz"], ["19.gz", "20.gz"])
    assert str(refused.value).splitlines() == [
        "No backup is of one moment of tickets-data (newest: 22.gz) and tickets (newest: 20.gz).",
        "To mix them, in this order: inv infra.restore tickets-data --alone, inv infra.restore tickets --alone",
    ]


def removed(of_data, of_tickets, name=None, sick=(), keep=2):
    """The old backups that go with one of moment 30, by service."""
    found = {
        "tickets-data": replace(NOTHING, backups=dict.fromkeys(of_data, 5)),
        "tickets": replace(NOTHING, backups=dict.fromkeys(of_tickets, 5)),
    }
    well = {"state": "running", "program": "RUNNING", "health": "", "bytes": 5}
    found = {one: there if one in sick else replace(there, **well) for one, there in found.items()}
    kept = {one: replace(SERVICES[one], keep_backups=keep) for one in found}
    plan = backups.back_up(infra.to_back_up(estate(**kept), name), "30", None)(facts(**found))
    paths = [path for argv in argvs(plan) if argv[:2] == ("onhost", "remove") for path in argv[2:]]
    return sorted(path.removeprefix("/srv/depl/services/").replace("backups/", "") for path in paths)


def test_while_all_are_well_so_many_backups_are_kept_of_each():
    assert removed(["20.gz", "21.gz"], ["20.gz", "21.gz"]) == ["tickets-data/20.gz", "tickets/20.gz"]
    assert removed(["20.gz"], ["20.gz"], keep=1) == ["tickets-data/20.gz", "tickets/20.gz"]


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_while_one_is_sick_the_newest_moment_that_all_have_stays(keep):
    there = ["18.gz", "19.gz", "20.gz", "21.gz", "22.gz"]
    gone = [f"tickets-data/{one}" for one in there[: 6 - keep] if one != "19.gz"]
    assert removed(there, ["18.gz", "19.gz"], sick=["tickets"], keep=keep) == gone


def test_once_it_is_well_again_the_older_moment_goes():
    assert removed(["19.gz", "22.gz"], ["19.gz"]) == ["tickets-data/19.gz"]


def test_a_database_that_is_backed_up_alone_keeps_the_moment_that_it_shares():
    assert removed(["19.gz", "21.gz", "22.gz"], ["19.gz"], "tickets-data") == ["tickets-data/21.gz"]


def test_where_there_never_was_a_common_moment_nothing_more_is_kept():
    assert removed(["19.gz", "20.gz"], ["18.gz"], sick=["tickets"]) == ["tickets-data/19.gz"]


def test_what_is_only_looked_at_is_neither_backed_up_nor_called_sick():
    of = infra.to_back_up(estate(), "tickets-data")
    assert set(of.environment.services) == {"tickets", "tickets-data"}
    assert set(of.on(APP1)) == {"tickets-data"}
    assert set(backups.sick(of, facts())) == {"tickets-data"}


def test_a_service_without_data_of_its_own_gets_no_mount_for_them():
    assert not any("target=," in word or word.endswith("target=") for word in created(estate(), "tracker"))


def test_a_missing_password_names_its_place():
    with pytest.raises(Refused, match=r"Set services\.x\.password: inv secrets\.edit"):
        variables(estate(x=InfraService(kind="postgresql")), "x")


def test_advice_names_the_tasks_for_these_services():
    of = infra.with_data(estate(), "tracker")
    with pytest.raises(Refused, match=r"inv infra\.backup"):
        backups.choose(of, "tracker-data", None, facts())
    with pytest.raises(Refused, match=r"inv infra\.up"):
        backups.back_up(of, "stamp", "tracker-data")(facts())


def test_a_service_is_found_by_what_it_is_made_of():
    of = estate()
    assert of.of("bugsink") == "tracker"
    assert of.of("zabbix") == ""
    assert of.url("tracker") == "http://errors.foo"
