"""Bugsink, Sentry and Zabbix as their documentation describes what is asked of them, with what a test puts in."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from tasks.model.percent import NOBODY, Percent
from tasks.model.rollout import Rollout, Stage
from tasks.model.version import Version

LIVE, CANARY = Version("2026.11.22.12.01"), Version("2026.11.22.12.02")
BEGAN = 1_795_000_000.0
ROLLOUT = Rollout("canary", LIVE, CANARY, None, (Stage(BEGAN, Percent(50), NOBODY),))


def clock(after):
    return datetime.fromtimestamp(BEGAN + after, UTC).isoformat().replace("+00:00", "Z")


def query(server):
    return {key: found[0] for key, found in parse_qs(urlsplit(server.told[-1].path).query).items()}


class Bugsink:
    """Projects, issues and events, by bugsink.com/docs/api."""

    API = "/api/canonical/0"

    def __init__(self, server, project="app1"):
        self.server, self.issues, self.events = server, [], {}
        one = {"id": 7, "name": project}
        server.answers["GET", f"{self.API}/projects/"] = (200, {"next": None, "previous": None, "results": [one]})
        server.answers["GET", f"{self.API}/projects/7/"] = (200, one)
        server.answers["GET", f"{self.API}/projects/8/"] = (404, {"detail": "No Project matches the given query."})
        server.answers["GET", f"{self.API}/issues/"] = lambda _: (200, {"next": None, "results": self._newest()})
        server.answers["GET", f"{self.API}/events/"] = lambda _: (200, {"next": None, "results": self._events_of()})

    def _newest(self):
        asked = query(self.server)
        assert asked["order"] == "desc", "the oldest come first where nobody says so"
        return self.issues[::-1] if asked["project"] == "7" else []

    def _events_of(self):
        return [{"id": one} for one in self.events[query(self.server)["issue"]]]

    def has(self, value, *releases, after=60, **more):
        """An issue with an event of each release, newest first; returns it, as it is told."""
        number = f"issue-{len(self.issues)}"
        found = {
            "id": number, "project": 7, "first_seen": clock(after), "last_seen": clock(after), "is_resolved": False,
            "is_muted": False, "calculated_type": "ValueError", "calculated_value": value, **more,
        }  # fmt: skip
        self.issues.append(found)
        self.events[number] = [f"{number}-event-{place}" for place in range(len(releases))]
        for event, release in zip(self.events[number], releases, strict=True):
            data = {"release": str(release)} if release else {}
            self.server.answers["GET", f"{self.API}/events/{event}/"] = (200, {"id": event, "data": data})
        return found


class Sentry:
    """Issues of an organization, by docs.sentry.io/api/events/list-an-organizations-issues."""

    PATH = "/api/0/organizations/acme/issues/"

    def __init__(self, server):
        self.server, self.new, self.elsewhere = server, [], []
        server.answers["GET", self.PATH] = lambda _: (200, self.elsewhere if "release:[" in self.query else self.new)

    @property
    def query(self):
        return query(self.server)["query"]

    def has(self, title, *, after=60, elsewhere=False):
        one = {
            "id": str(100 + len(self.new)),
            "title": title,
            "firstSeen": clock(after),
            "permalink": "http://evil.foo/",
        }
        self.new.append(one)
        if elsewhere:
            self.elsewhere.append(one)


class Zabbix:
    """The API of Zabbix 6.0: hosts by name, and triggers, for whoever has the password."""

    PASSWORD = "s3cret"

    def __init__(self, server, hosts=("app1", "app1 on app1")):
        self.server, self.hosts, self.triggers, self.asked = server, hosts, [], {}
        server.answers["POST", "/api_jsonrpc.php"] = self._answer

    def _answer(self, server):
        request = server.told[-1].json
        method, params = request["method"], request["params"]
        self.asked[method] = params
        if method == "user.login" and params["password"] != self.PASSWORD:
            error = {"code": -32500, "message": "Application error.", "data": "Incorrect user name or password."}
            return 200, {"jsonrpc": "2.0", "error": error, "id": request["id"]}
        known = {
            "apiinfo.version": "6.0.14", "user.login": "session", "user.logout": True, "trigger.get": self.triggers,
            "host.get": [{"hostid": str(place)} for place, name in enumerate(self.hosts)
                         if name in params.get("filter", {}).get("host", ())] if method == "host.get" else [],
        }  # fmt: skip
        return 200, {"jsonrpc": "2.0", "result": known[method], "id": request["id"]}

    def has(self, description):
        self.triggers.append(
            {"triggerid": "13", "description": description, "lastEvent": {"eventid": "55"}, "hosts": [{"name": "app1"}]}
        )
