"""A Zabbix on this machine: its protocol of senders, and of its API what windows without alarms need.

As they are documented: zabbix.com/documentation/6.0/en/manual/appendix/protocols, …/manual/api/reference/maintenance.
"""

import json
import socketserver
import struct
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field

from .server import listening

HEADER = struct.Struct("<4sBII")
PASSWORD = "s3cret"


@dataclass
class Monitoring:
    """What it knows and was told: values in order, and windows by their numbers."""

    hosts: list
    url: str = ""
    server: str = ""
    values: list = field(default_factory=list)
    windows: dict = field(default_factory=dict)
    answering: list = field(default_factory=list)

    @property
    def names(self):
        return sorted(one["name"] for one in self.windows.values())

    def take(self, data):
        """Take values of the hosts that it knows, and tell how many."""
        known = [one for one in data if one["host"] in self.hosts]
        self.values += known
        info = f"processed: {len(known)}; failed: {len(data) - len(known)}; total: {len(data)}; seconds spent: 0.000070"
        return {"response": "success", "info": info}

    def ask(self, method, params):
        if method == "apiinfo.version":
            return "6.0.14"
        if method == "user.login":
            return "session" if params == {"username": "Admin", "password": PASSWORD} else None
        return getattr(self, method.replace(".", "_"))(params)

    def user_logout(self, _):
        return True

    def host_get(self, params):
        return [{"host": one, "hostid": str(self.hosts.index(one))} for one in params["filter"]["host"]
                if one in self.hosts]  # fmt: skip

    def item_get(self, params):
        assert params["filter"] == {"key_": "depl.answers[{$APP}]"}
        return [{"lastvalue": str(int(one in self.answering)), "hosts": [{"host": one}]} for one in self.hosts]

    def maintenance_get(self, params):
        wanted = params.get("filter", {}).get("name", self.names)
        return [{**one, "maintenanceid": number} for number, one in self.windows.items() if one["name"] in wanted]

    def maintenance_create(self, params):
        number = str(max(map(int, self.windows), default=0) + 1)
        assert params["name"] not in self.names, "names are unique"
        self.windows[number] = params

    def maintenance_update(self, params):
        self.windows[params.pop("maintenanceid")] |= params

    def maintenance_delete(self, numbers):
        for one in numbers:
            del self.windows[one]


@contextmanager
def watching(*hosts):
    """A Zabbix that knows these hosts."""
    known = Monitoring(list(hosts))

    class Trapper(socketserver.StreamRequestHandler):
        def handle(self):
            mark, flags, length, _ = HEADER.unpack(self.rfile.read(HEADER.size))
            assert (mark, flags) == (b"ZBXD", 1)
            question = json.loads(self.rfile.read(length))
            assert question["request"] == "sender data"
            answer = json.dumps(known.take(question["data"])).encode()
            self.wfile.write(HEADER.pack(b"ZBXD", 1, len(answer), 0) + answer)

    def answer(server):
        question = server.told[-1].json
        found = known.ask(question["method"], question["params"])
        if question["method"] == "user.login" and not found:
            error = {"code": -32500, "message": "Application error.",
                     "data": "Incorrect user name or password or account is temporarily blocked."}  # fmt: skip
            return 200, {"jsonrpc": "2.0", "error": error, "id": question["id"]}
        return 200, {"jsonrpc": "2.0", "result": found, "id": question["id"]}

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Trapper) as tcp, listening() as api:
        tcp.daemon_threads = True
        threading.Thread(target=tcp.serve_forever, daemon=True).start()
        api.answers["POST", "/api_jsonrpc.php"] = answer
        known.url, known.server = api.url, f"127.0.0.1:{tcp.server_address[1]}"
        yield known
        tcp.shutdown()
