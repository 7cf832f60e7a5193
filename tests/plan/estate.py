"""Services to plan for, and what a host says of them, made in a line or two."""

from dataclasses import replace

from tasks.model.environment import Environment, Placement
from tasks.model.secrets import Secrets
from tasks.model.service import Need, Service, password_of
from tasks.plan import services
from tasks.plan.service_facts import Found, ServiceFacts
from tasks.plan.wishes import Estate

from .world import APP1, APP2, NOW

SECRET = "Planted-Secret"
IMAGE = "deploy:5000/services/postgresql:1"
DATABASE = Service("postgresql", "app1")
NEEDS = {"app1": {"database": Need("postgresql")}}
NOTHING = Found("", 0, False, "", "", None, None, "", "is not running", False, False, False, {}, {}, None)


def estate(database=DATABASE, *, hosts="appservers", needs=None, password=SECRET):
    """An environment with a database on app1; its app lives on app1 and app2, or on app1 alone."""
    environment = Environment(
        name="vagrant",
        registry="deploy:5000",
        groups={"appservers": (APP1, APP2), "first": (APP1,)},
        apps={"app1": Placement(domains=("app1.foo",), hosts=hosts)},
        services={"database": database},
    )
    secrets = Secrets(services={"database": {"password": password}} if password else {})
    return Estate(environment, NEEDS if needs is None else needs, "ana@deploy", NOW, secrets)


ESTATE = estate()


def running(of=ESTATE, image=IMAGE, **other):
    """The database as an `up` of this estate leaves it."""
    digest = services._digest(of, "database", image)
    apps = {app: services._short(password_of(SECRET, app)) for app in of.apps_of("database")}
    found = Found(
        "running", 0, False, image, digest, 50_000_000, 90_000_000, "RUNNING", "", True, False, False, apps, {}, None
    )
    return replace(found, **other)


def facts(found=NOTHING, *, disk_free=10**10):
    return ServiceFacts(APP1, NOW, disk_free, {"database": found}, (), None)


def up(found=NOTHING, of=ESTATE, image=IMAGE, **other):
    return services.up(of, {"database": image}, [facts(found, **other)])
