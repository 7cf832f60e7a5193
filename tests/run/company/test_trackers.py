"""Projects in error trackers: made once, by each product's own API; against servers that follow what is documented."""

import io
from dataclasses import replace

import pytest

from tasks.errors import DeplError, Unreachable
from tasks.model.infra import Infra, InfraService
from tasks.model.notice import Notify, Tracker
from tasks.model.secrets import Secrets
from tasks.plan import infra as plans
from tasks.run.company import bugsink, introduce, sentry
from tasks.run.report import Report

from ...plan.world import ENVIRONMENT
from ..notify.server import listening

CANONICAL, ZERO = "/api/canonical/0", "/api/0"


@pytest.fixture
def server():
    with listening() as found:
        yield found


class Sentry:
    """Teams, projects and keys of the organization acme, by docs.sentry.io/api."""

    def __init__(self, server, *projects, teams=()):
        self.server, self.teams = server, list(teams)
        server.answers["POST", f"{ZERO}/organizations/acme/teams/"] = self._team
        server.answers["POST", f"{ZERO}/teams/acme/depl/projects/"] = self._project
        server.answers["GET", f"{ZERO}/projects/acme/shop/keys/"] = (404, {"detail": "The requested resource does not"})
        for one in projects:
            self._add(one)

    def _add(self, slug):
        keys = [{"isActive": active, "dsn": {"public": f"https://{key}@errors.foo/1"}} for key, active in
                (("old", False), (f"key-of-{slug}", True))]  # fmt: skip
        self.server.answers["GET", f"{ZERO}/projects/acme/{slug}/keys/"] = (200, keys)

    def _team(self, server):
        asked = server.told[-1].json
        if asked["slug"] in self.teams:
            return 409, {"detail": "A team with this slug already exists."}
        self.teams.append(asked["slug"])
        return 201, asked

    def _project(self, server):
        asked = server.told[-1].json
        if "depl" not in self.teams:
            return 404, {"detail": "The requested resource does not exist"}
        self._add(asked["slug"])
        return 201, {"slug": asked["slug"], "name": asked["name"]}


def in_sentry(server, *apps, **slugs):
    named = {app: app for app in apps} | slugs
    return sentry.projects(sentry.connect(f"{server.url}/", "t0ken", 20), "acme", named)


@pytest.mark.parametrize("teams", [(), ("depl",)])
def test_sentry_gets_a_project_for_each_app_that_has_none(server, teams):
    Sentry(server, "app1", teams=teams)
    dsns = {"app1": "https://key-of-app1@errors.foo/1", "shop": "https://key-of-shop@errors.foo/1"}
    assert in_sentry(server, "app1", "shop") == (dsns, ["shop"])
    assert in_sentry(server, "app1", "shop") == (dsns, [])
    assert {one.headers["authorization"] for one in server.told} == {"Bearer t0ken"}
    (made,) = [one.json for one in server.told if one.path.endswith("/depl/projects/")]
    assert made == {"name": "shop", "slug": "shop", "platform": "python"}


def test_an_app_has_the_project_of_sentrys_that_the_inventory_names(server):
    Sentry(server, "app1")
    assert in_sentry(server, app1="shop") == ({"app1": "https://key-of-shop@errors.foo/1"}, ["shop"])


def test_a_project_of_sentrys_without_a_key_is_named(server):
    Sentry(server)
    server.answers["GET", f"{ZERO}/projects/acme/app1/keys/"] = (200, [{"isActive": False, "dsn": {"public": "x"}}])
    with pytest.raises(DeplError, match="has no key for app1 that is not disabled"):
        in_sentry(server, "app1")


class Bugsink:
    """Teams and projects, two on a page, by bugsink.com/docs/api."""

    def __init__(self, server, *names):
        self.server, self.names, self.teams = server, list(names), []
        server.answers["GET", f"{CANONICAL}/projects/"] = self._list
        server.answers["POST", f"{CANONICAL}/projects/"] = self._project
        server.answers["GET", f"{CANONICAL}/teams/"] = lambda _: (200, {"next": None, "results": self.teams})
        server.answers["POST", f"{CANONICAL}/teams/"] = self._team

    def _list(self, server):
        begin = int(server.told[-1].path.partition("cursor=")[2] or 0)
        there = [{"id": place, "name": name, "dsn": f"http://k{place}@errors.foo/{place}"}
                 for place, name in enumerate(self.names)]  # fmt: skip
        later = f"{server.url}{CANONICAL}/projects/?cursor={begin + 2}" if begin + 2 < len(there) else None
        return 200, {"next": later, "results": there[begin : begin + 2]}

    def _team(self, server):
        self.teams.append({"id": "7e4", **server.told[-1].json})
        return 201, self.teams[-1]

    def _project(self, server):
        assert server.told[-1].json["team"] == "7e4"
        self.names.append(server.told[-1].json["name"])
        return 201, {"id": str(len(self.names) - 1)}


def in_bugsink(server, *apps, **numbers):
    return bugsink.projects(bugsink.connect(server.url, "t0ken", 20), apps, numbers)


def test_bugsink_gets_a_project_for_each_app_that_has_none(server):
    Bugsink(server, "a", "b", "app1")
    dsns = {"app1": "http://k2@errors.foo/2", "shop": "http://k3@errors.foo/3"}
    assert in_bugsink(server, "app1", "shop") == (dsns, ["shop"])
    assert in_bugsink(server, "app1", "shop") == (dsns, [])


def test_an_app_has_the_project_of_bugsinks_that_the_inventory_names_and_none_is_made(server):
    there = Bugsink(server, "a", "b", "shop")
    assert in_bugsink(server, "app1", app1="2") == ({"app1": "http://k2@errors.foo/2"}, [])
    with pytest.raises(DeplError, match=r"no project 7, which depl_notify\.tracker\.projects names for app1"):
        in_bugsink(server, "app1", app1="7")
    assert there.names == ["a", "b", "shop"]


def estate(server, kind):
    service = InfraService("bugsink", domains=(server.url.removeprefix("http://"),), app="bugsink")
    infra = Infra("infra.foo", (), {"bugsink": service}, error_tracker=kind)
    found = Secrets(services={"bugsink": {"API_TOKEN": "t0ken"}}, notify={"tracker": {"token": "t0ken"}})
    return plans.estate(ENVIRONMENT, infra, "ana@deploy", 0, found)


def made_known(server, ours, theirs, **projects):
    notify = Notify(tracker=Tracker(server.url, theirs, "acme", projects))
    return introduce.projects(
        estate(server, ours), replace(ENVIRONMENT, notify=notify), ["app1"], Report(io.StringIO())
    )


def test_projects_are_those_of_the_inventory(server):
    Sentry(server, "app1")
    there = Bugsink(server, "a", "app1", "shop")
    assert made_known(server, "sentry", "sentry", app1="shop")[0] == {"app1": "https://key-of-shop@errors.foo/1"}
    assert made_known(server, "bugsink", "bugsink", app1="2")[0] == {"app1": "http://k2@errors.foo/2"}
    assert made_known(server, "bugsink", "bugsink", another="2")[0] == {"app1": "http://k1@errors.foo/1"}
    assert made_known(server, "bugsink", "sentry", app1="shop")[0] == {"app1": "http://k1@errors.foo/1"}
    assert there.names == ["a", "app1", "shop"]


@pytest.mark.parametrize("kind", ["bugsink", "sentry"])
@pytest.mark.parametrize("answer", [None, [], {}, 7, "text", [1], [{}], {"results": [{}]}, {"results": 1},
                                    {"results": [], "next": "x"}, {"results": [1]}])  # fmt: skip
def test_an_answer_of_another_form_is_told_in_words(server, kind, answer):
    for path in (f"{CANONICAL}/projects/", f"{ZERO}/projects/acme/app1/keys/"):
        server.answers["GET", path] = (200, answer)
    with pytest.raises(Unreachable) as error:
        made_known(server, kind, kind)
    assert str(error.value).startswith("the error tracker ")
    assert len(str(error.value).splitlines()) == 2


def test_a_refused_token_is_named_and_not_shown(server):
    server.answers["GET", f"{CANONICAL}/projects/"] = (401, {"detail": "Invalid token."})
    with pytest.raises(DeplError) as error, introduce.hint("services.bugsink.API_TOKEN"):
        in_bugsink(server, "app1")
    assert "refuses: " in str(error.value)
    assert str(error.value).endswith("Its token is services.bugsink.API_TOKEN: inv secrets.edit")
    assert "t0ken" not in str(error.value)
