"""How a release reaches services: by sockets where it shares a host, by TCP and a password of its own elsewhere."""

from dataclasses import replace

import pytest

from tasks.errors import BadConfig, Refused
from tasks.model.environment import Host
from tasks.model.secrets import Secrets
from tasks.model.service import Need, Service, password_of
from tasks.plan import container, needs, variables

from .world import APP, APP1, APP2, ENVIRONMENT, TARGET, V1, Story

SECRETS = Secrets(services={"database": {"password": "s3cret"}})


def target(database=None, need=None, groups=None):
    """An app that needs a database on app1."""
    service = database or Service("postgresql", "app1")
    app = replace(APP, services={"database": need or Need(service.kind)})
    environment = replace(ENVIRONMENT, services={"database": service}, groups=groups or ENVIRONMENT.groups)
    return replace(TARGET, app=app, environment=environment, secrets=SECRETS)


def facts(host=APP2, **addresses):
    return replace(Story(host).facts(), addresses=addresses)


@pytest.mark.parametrize(
    ("services", "message"),
    [
        ({}, r"conf/inventory/vagrant: depl_services: has no database, which conf/apps/app1.yml needs \(postgresql\)"),
        (
            {"database": Service("redis", "app1")},
            "conf/inventory/vagrant: depl_services.database.kind: is redis, but conf/apps/app1.yml needs postgresql",
        ),
    ],
)
def test_a_service_that_no_host_carries_is_named_with_who_needs_it(services, message):
    app = replace(APP, services={"database": Need("postgresql")})
    with pytest.raises(BadConfig, match=message):
        needs.must_be_there(app, replace(ENVIRONMENT, services=services))


def test_services_that_are_there_are_no_matter():
    needs.must_be_there(target().app, target().environment)


def test_on_the_services_host_the_way_is_its_socket_and_elsewhere_tcp():
    password = password_of("s3cret", "app1")
    assert needs.variables(target(), V1, APP1) == {
        "DATABASE_URL": f"postgresql://app1:{password}@/app1?host=/run/services/database"
    }
    assert needs.variables(target(), V1, APP2) == {"DATABASE_URL": f"postgresql://app1:{password}@app1:5432/app1"}


def test_sockets_are_mounted_only_where_the_service_is():
    assert needs.mounts(target(), APP1) == {"/srv/depl/services/database/run": "/run/services/database"}
    assert needs.mounts(target(), APP2) == {}


def test_a_variable_gets_the_part_that_it_asks_for_and_beats_the_inventorys():
    wished = target(need=Need("postgresql", {"DB_USER": "user", "DB_HOST": "host"}))
    assert needs.variables(wished, V1, APP2) == {"DB_USER": "app1", "DB_HOST": "app1"}
    placement = replace(ENVIRONMENT.apps["app1"], environment={"DB_USER": "x"})
    wished = replace(wished, environment=replace(wished.environment, apps={"app1": placement}))
    assert variables.merged(wished, V1, APP2)["DB_USER"] == "app1"


def test_a_rehearsal_leads_to_another_database():
    assert needs.variables(target(), V1, APP2, "copy")["DATABASE_URL"].endswith("@app1:5432/copy")


def test_a_missing_password_stops_what_would_write_it():
    with pytest.raises(Refused, match=r"The service database has no password.\nSet services.database.password"):
        needs.variables(replace(target(), secrets=Secrets()), V1, APP1)


def test_a_service_of_others_needs_no_password():
    other = Service("other", "app1", image="example.com/mail:1", port=2525)
    assert needs.variables(replace(target(other), secrets=Secrets()), V1, APP1) == {"DATABASE_URL": "tcp://app1:2525"}
    assert needs.mounts(target(other), APP1) == {}


def test_containers_are_told_addresses_that_they_could_not_look_up():
    assert needs.remote(target()) == ["app1"]
    assert needs.addresses(target(), facts(app1="192.0.2.1")) == {"app1": "192.0.2.1"}
    assert needs.addresses(target(), facts(APP1)) == {}
    with pytest.raises(Refused, match="app2 can't look up app1, where a service of app1 runs"):
        needs.addresses(target(), facts())


def test_an_address_needs_no_look_up():
    for address in ("192.0.2.1", "2001:db8::1"):
        there = target(groups={"appservers": (Host("app1", address), APP2)})
        assert needs.remote(there) == []
        assert needs.addresses(there, facts()) == {}


def test_containers_are_told_names_that_no_dns_knows():
    groups = {**ENVIRONMENT.groups, "others": (Host("infra", "infra.example"),)}
    names = {"errors.foo": "infra", "mail.foo": "192.0.2.9"}
    named = replace(TARGET, environment=replace(ENVIRONMENT, groups=groups, names=names))
    assert needs.remote(named) == ["infra.example"]
    there = facts(**{"infra.example": "192.0.2.7"})
    assert needs.addresses(named, there) == {"errors.foo": "192.0.2.7", "mail.foo": "192.0.2.9"}
    assert needs.unknown(named, there) == []
    argv = container.create(named, there, V1, "env", "x", "web", APP.web, {})
    assert argv.count("--add-host") == 2


def test_a_name_that_leads_where_nobody_can_look_up_stops_no_deploy_and_is_told():
    groups = {**ENVIRONMENT.groups, "others": (Host("infra", "infra.example"),)}
    names = {"errors.foo": "infra", "mail.foo": "192.0.2.9"}
    named = replace(TARGET, environment=replace(ENVIRONMENT, groups=groups, names=names))
    assert needs.addresses(named, facts()) == {"mail.foo": "192.0.2.9"}
    assert needs.unknown(named, facts()) == ["errors.foo"]


def test_an_app_without_services_asks_for_nothing():
    assert needs.variables(TARGET, V1, APP1) == needs.mounts(TARGET, APP1) == needs.addresses(TARGET, facts()) == {}
