"""The gate of the company's services: what can't be is refused with the path of its key, and the example can be."""

import copy
from dataclasses import fields

import pytest
import yaml

from tasks.errors import BadConfig
from tasks.model.infra import Infra, InfraService
from tasks.model.service import Service
from tasks.run import inventory
from tasks.run.settings import PROJECT

from .test_inventory import LISTING, listing

TRACKER = {
    "app": "bugsink", "socket": "web.sock", "domains": ["errors.foo"],
    "needs": {"data": {"DATABASE_URL": "postgresql://{user}@/{name}"}},
}  # fmt: skip
WHOLE = {
    "host": "app1",
    "domains": ["infra.foo"],
    "services": {
        "data": {"kind": "postgresql"},
        "tracker": TRACKER,
        "tickets": {"image": "a/b:1", "port": 8080, "data": "/data", "domains": ["tickets.foo"]},
    },
}


def parsed(infra, **more):
    hosts = {"infraservers": {"hosts": ["app1", "app2"]}, "stagingservers": {"hosts": ["app3"]}}
    listed = {**listing(depl_infra=infra, **more), **hosts}
    return inventory.parse("test", listed).infra


def refusal(change, **more):
    infra = copy.deepcopy(WHOLE)
    change(infra["services"], infra)
    with pytest.raises(BadConfig) as refused:
        parsed(infra, **more)
    return str(refused.value).removeprefix("conf/inventory/test: depl_infra.")


def example():
    text = (PROJECT / "conf/inventory/production.example/group_vars/all.yml").read_text()
    block = text.partition("\n# depl_infra:\n")[2].partition("\n\n")[0]
    return yaml.safe_load("\n".join(line.removeprefix("#") for line in block.splitlines()))


def test_a_service_is_where_all_are_unless_it_says_otherwise():
    elsewhere = copy.deepcopy(WHOLE)
    elsewhere["services"]["tickets"]["host"] = "app2"
    found = parsed(elsewhere).services
    assert {name: one.host for name, one in found.items()} == {"data": "app1", "tracker": "app1", "tickets": "app2"}


def test_what_is_not_said_is_closed():
    tracker = parsed(WHOLE).services["tracker"]
    assert (tracker.listen, tracker.writable, tracker.capabilities, tracker.publish) == ("127.0.0.1", False, (), ())


def test_databases_know_where_their_data_are():
    assert parsed(WHOLE).services["data"].data == "/data"


def test_the_example_shows_every_key_and_can_be():
    shown = example()
    listed = copy.deepcopy(LISTING) | {"infraservers": {"hosts": ["infra", "deploy"]}}
    listed["_meta"]["hostvars"] |= {"infra": {}, "deploy": {}}
    for variables in listed["_meta"]["hostvars"].values():
        variables.update(LISTING["_meta"]["hostvars"]["app2"], depl_infra=shown)
    found = inventory.parse("test", listed).infra
    assert set(found.services) == set(shown["services"])
    own = {one.name for one in fields(InfraService)} - {one.name for one in fields(Service)}
    assert own <= {key for one in shown["services"].values() for key in one}
    assert set(shown) == {one.name for one in fields(Infra)}


AGENT = {
    "recipe": "teamcity-agent", "base": "a/agent:1", "data": "/conf", "network": "host", "groups": [996],
    "mounts": {"/etc/depl": "/etc/depl"},
}  # fmt: skip


def agent(of, **more):
    of["agent"] = {**AGENT, **more}


def test_an_agent_needs_no_port_since_nobody_asks_it():
    infra = copy.deepcopy(WHOLE)
    agent(infra["services"])
    found = parsed(infra).services["agent"]
    assert (found.groups, found.mounts, found.domains) == ((996,), {"/etc/depl": "/etc/depl"}, ())


REFUSED = [
    (lambda of, _: agent(of, base=""), "services.agent.base: is for recipes that need one: teamcity-agent"),
    (lambda of, _: agent(of, base="a b"), "services.agent.base: 'a b' is no image"),
    (lambda of, _: of["tickets"].update(base="a/b:1"), "services.tickets.base: is for recipes that need one"),
    (lambda of, _: of["data"].update(mounts={"/a": "/a"}), "services.data.mounts: is for services of kind 'other'"),
    (lambda of, _: agent(of, data=""), "services.agent.data: say where in its container its data are"),
    (lambda of, _: agent(of, mounts={"../etc": "/etc"}), "services.agent.mounts: '../etc' is no absolute path"),
    (lambda of, _: agent(of, mounts={"/a/../etc": "/etc"}), "services.agent.mounts: '/a/../etc' is no absolute path"),
    (lambda of, _: agent(of, mounts={"/etc": "/a/.."}), "services.agent.mounts./etc: expected an absolute path"),
    (lambda of, _: agent(of, mounts={"/etc": "/a,readonly"}), "services.agent.mounts./etc: expected an absolute path"),
    (lambda of, _: agent(of, mounts={"/etc": "/conf"}), "services.agent.mounts./etc: /conf in its container is some"),
    (lambda of, _: agent(of, groups=["docker"]), "services.agent.groups.0: expected a whole number, got 'docker'"),
    (lambda of, _: agent(of, groups=[0]), "services.agent.groups: expected numbers of groups"),
    (lambda of, _: agent(of, network="container:x"), "services.agent.network: expected host, or nothing"),
    (lambda of, _: agent(of, port=80), "services.agent.network: one with its host's network publishes no port"),
    (lambda of, _: of["tickets"].pop("data"), "services.tickets.data: say where in its container its data are"),
    (lambda of, _: of["tickets"].update(needs={"data": {}}, data=""), "services.tickets.data: say where"),
    (lambda of, _: of["tickets"].update(data="data"), "services.tickets.data: expected an absolute path"),
    (lambda of, _: of["tickets"].update(domains=["errors.foo"]), "services.tickets.domains: errors.foo is tracker's"),
    (lambda of, _: of["tickets"].update(domains=["infra.foo"]), "services.tickets.domains: infra.foo is the page"),
    (lambda of, _: of["tickets"].update(domains=["app1.foo"]), "services.tickets.domains: app1.foo is the app app1's"),
    (lambda of, _: of["tickets"].update(domains=["a b"]), "services.tickets.domains: 'a b' is no host name"),
    (lambda of, _: of["tickets"].pop("port"), "services.tickets.port: say port or socket"),
    (lambda of, _: of["tickets"].pop("image"), "services.tickets.image: a service of kind 'other' needs one of"),
    (lambda of, _: of["tickets"].update(app="bugsink"), "services.tickets.image: a service of kind 'other' needs"),
    (lambda of, _: of["tracker"].update(app="none"), "services.tracker.app: there is no conf/apps/none.yml"),
    (lambda of, _: of["tickets"].update(memory="1"), "services.tickets.memory: expected a size"),
    (lambda of, _: of["tickets"].update(publish=["99"]), "services.tickets.publish: expected address:port:port"),
    (lambda of, _: of["tickets"].update(scratch={"tmp": "1m"}), "services.tickets.scratch: 'tmp' is no absolute"),
    (lambda of, _: of["tickets"].update(capabilities=["chown;"]), "services.tickets.capabilities: 'chown;' is no"),
    (lambda of, _: of["tickets"].update(colour="red"), "services.tickets.colour: unknown key"),
    (lambda of, _: of["tickets"].update(health=[]), "services.tickets.health: expected a program"),
    (lambda of, _: of["tickets"].update(memory="512"), "services.tickets.memory: expected a size"),
    (lambda of, _: of["tickets"].update(memory=512), "services.tickets.memory: expected text, got a number"),
    (lambda of, _: of["tickets"].update(memory="-1g"), "services.tickets.memory: expected a size"),
    (lambda of, _: of["tickets"].update(publish=["0.0.0.0:1:70000"]), "services.tickets.publish: expected address"),
    (lambda of, _: of["tickets"].update(publish=["10.0.0.256:1:1"]), "services.tickets.publish: expected address"),
    (lambda of, _: of.update(more=dict(of["tickets"], domains=[])), "services.more.port: 8080 on app1 is tickets'"),
    (lambda of, _: of["tracker"].update(publish=["8080:80"]), "services.tickets.port: 8080 on app1 is tracker's"),
    (lambda of, _: of["tickets"].update(publish=["443:443"]), "services.tickets.publish: 443 on app1 is nginx's"),
    (lambda of, _: two_databases(of), "services.more-data.port: 5432 on app1 is data's already"),
    (lambda of, infra: infra.update(error_tracker="sentry") or of["tickets"].update(port=9000),
     "services.tickets.port: 9000 on app1 is Sentry's"),
    (lambda of, infra: infra.update(error_tracker="sentry") or of["tickets"].update(domains=["sentry.infra.foo"]),
     "services.tickets.domains: sentry.infra.foo is Sentry's"),
    (lambda of, _: of["tracker"].update(host="app3"), "services.tracker.host: app3 is not in group infraservers"),
    (lambda of, _: of.update({"../etc": of["tickets"]}), "services.../etc: a service's name has 1 to 30"),
    (lambda of, _: of.update({"a;reboot": of["tickets"]}), "services.a;reboot: a service's name has 1 to 30"),
    (lambda of, _: of.update({"a\n": of["tickets"]}), r"services.a\n: a service's name has 1 to 30"),
    (lambda of, _: of["tracker"].update(needs={"x": {}}), "services.tracker.needs.x: depl_infra.services has no x"),
    (lambda of, _: of["tracker"].update(needs={"tickets": {}}), "services.tracker.needs.tickets: depl_infra"),
    (lambda of, _: of["tracker"].update(host="app2"), "services.tracker.needs.data: data is on app1, tracker on"),
    (lambda of, _: of["tracker"].update(tcp=True), "services.tracker.needs.data: tracker reaches it by TCP: give"),
    (lambda of, _: of["tracker"].update(needs={"data": {"A": "{no}"}}), "services.tracker.needs.data.A: expected"),
    (lambda of, _: of["tracker"].pop("domains"), "services.tracker.domains: inv infra.apps asks it by a name: say one"),
    (lambda of, _: of.update(zabbix={"recipe": "zabbix", "data": "/data", "socket": "s"}),
     "services.zabbix.domains: inv infra.apps asks it by a name: say one"),
    (lambda _, infra: infra.update(host="gone"), "services.data.host: there is no host 'gone'"),
    (lambda _, infra: infra.update(domains=[]), "domains: is empty"),
    (lambda _, infra: infra.update(error_tracker="x"), "error_tracker: expected one of bugsink, sentry"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), REFUSED)
def test_what_can_not_be_is_refused_by_its_path(change, said):
    assert refusal(change).startswith(said)


def test_an_error_tracker_that_nobody_asks_needs_no_name():
    infra = copy.deepcopy(WHOLE) | {"error_tracker": "sentry"}
    del infra["services"]["tracker"]["domains"]
    assert parsed(infra).services["tracker"].domains == ()


def two_databases(of):
    """Both are reached by the port that is their kind's, on one address."""
    of["data"]["listen"] = "172.17.0.1"
    of["more-data"] = dict(of["data"])
    of["tickets"].update(tcp=True, needs={"data": {}, "more-data": {}})


def test_two_may_listen_on_one_port_of_different_addresses():
    infra = copy.deepcopy(WHOLE)
    two_databases(infra["services"])
    infra["services"]["more-data"]["listen"] = "172.18.0.1"
    assert parsed(infra).services["more-data"].outer_port == 5432


def test_no_branch_may_come_to_have_a_services_name():
    branches = {"host": "app3", "apps": {"app1": {"domains": ["staging.foo"]}}}
    for domain in ("staging.foo", "tickets.staging.foo"):
        said = refusal(lambda of, _, domain=domain: of["tickets"].update(domains=[domain]), depl_branches=branches)
        assert said == f"services.tickets.domains: {domain} is the branches of app1's already"


def test_services_of_apps_listen_on_hosts_too():
    mail = {"kind": "other", "image": "a/mail:1", "host": "app1", "port": 8080}
    said = refusal(lambda *_: None, depl_services={"mail": mail})
    assert said == "services.tickets.port: 8080 on app1 is mail's already"


def test_ports_of_nginx_and_sshd_are_free_on_an_address_of_a_host_without_the_companys_services():
    git = {"kind": "other", "host": "app2", "image": "git:1", "publish": ["192.0.2.5:22:22"]}
    assert parsed(WHOLE, depl_services={"git": git})
    assert refusal(lambda *_: None, depl_services={"git": git | {"host": "app1"}}).endswith(
        "depl_services.git.publish: 22 on app1 is sshd's already"
    )


def test_two_services_of_one_name_would_be_one_container():
    said = refusal(lambda *_: None, depl_services={"data": {"kind": "redis", "host": "app1"}})
    assert said.startswith("services.data: data is in depl_services too")
