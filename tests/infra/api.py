"""APIs of Zabbix and Bugsink by their plain protocols: what the tasks made is looked at by another client."""

import json
import re
import time
import uuid

from .conftest import home

ZABBIX, BUGSINK = "zabbix.infra.foo", "bugsink.infra.foo"


def variable(infra, service, name):
    text = infra.on("infra", f"sudo cat {home(service)}/env")
    return next(line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{name}="))


class Api:
    """Zabbix's: a session of the administrator."""

    def __init__(self, infra):
        self.infra, self.session = infra, None
        password = variable(infra, "zabbix", "PASSWORD")
        self.session = self.ask("user.login", username="Admin", password=password)

    def ask(self, method, *listed, **params):
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": listed or params, "auth": self.session}
        headers = {"Content-Type": "application/json-rpc"}
        text = json.dumps(question)
        answer = self.infra.request("POST", ZABBIX, "/api_jsonrpc.php", "infra", content=text, headers=headers).json()
        assert "error" not in answer, answer
        return answer["result"]

    def host(self, name):
        """The number of a host that it knows."""
        (found,) = self.ask("host.get", filter={"host": name}, output=["hostid"])
        return found["hostid"]

    def values(self, name, key, since=0.0):
        """What an item of a host got, oldest first: times and values."""
        (item,) = self.ask("item.get", host=name, filter={"key_": key}, output=["itemid", "value_type"])
        found = self.ask("history.get", itemids=item["itemid"], history=item["value_type"], time_from=int(since),
                         sortfield="clock", output="extend")  # fmt: skip
        return [(int(one["clock"]), one["value"]) for one in found]

    def events(self, name, since):
        """The deploys among the events of a host, oldest first: names, and whether each is over."""
        found = self.ask("event.get", hostids=[self.host(name)], severities=[1], value=[1], time_from=int(since),
                         sortfield=["clock", "eventid"], output=["name", "r_eventid"])  # fmt: skip
        return [(one["name"], one["r_eventid"] != "0") for one in found]

    def open_problems(self, name):
        return self.ask("problem.get", hostids=[self.host(name)], severities=[1], output=["name"])

    def windows(self):
        """The windows without alarms: names of hosts in each, by its name."""
        found = self.ask("maintenance.get", output="extend", selectHosts=["host"])
        return {one["name"]: [host["host"] for host in one["hosts"]] for one in found}


def report(infra, dsn, kind, message, release):
    """Send an error as an SDK does."""
    key, number = re.fullmatch(rf"http://([0-9a-f]+)@{BUGSINK}/(\d+)", dsn).groups()
    event = {
        "event_id": uuid.uuid4().hex, "timestamp": time.time(), "platform": "python", "release": release,
        "environment": "vagrant", "exception": {"values": [{"type": kind, "value": message}]},
    }  # fmt: skip
    headers = {"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={key}"}
    answer = infra.request("POST", BUGSINK, f"/api/{number}/store/", "infra", json=event, headers=headers)
    assert answer.status_code == 200, answer.text


class Project:
    """An app's project in Bugsink, which is made where there was none: its number, and where its events go."""

    def __init__(self, infra, app):
        self.infra, self.token = infra, variable(infra, "bugsink", "API_TOKEN")
        found = self._of(app)
        if not found:
            (team,) = [one["id"] for one in self.ask("GET", "/teams/") if one["name"] == "depl"]
            self.ask("POST", "/projects/", json={"team": team, "name": app})
            found = self._of(app)
        self.number, self.dsn = found[0]["id"], found[0]["dsn"]

    def _of(self, app):
        return [one for one in self.ask("GET", "/projects/") if one["name"] == app]

    def ask(self, method, path, **more):
        headers, path = {"Authorization": f"Bearer {self.token}"}, f"/api/canonical/0{path}"
        answer = self.infra.request(method, BUGSINK, path, "infra", headers=headers, **more)
        assert answer.status_code < 300, answer.text
        return answer.json().get("results", answer.json())

    def issue(self, message):
        """The number of the issue that has this message, None where there is none."""
        found = self.ask("GET", f"/issues/?project={self.number}&order=desc")
        return next((one["id"] for one in found if one["calculated_value"] == message), None)
