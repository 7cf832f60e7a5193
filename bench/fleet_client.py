"""Time `inv` over fleets of light hosts, key press to prompt. Run on the deploy host.

fleet_client.py prepare HOST COUNT…     a copy of the project with an inventory for each size of the fleet
fleet_client.py time SIZE WORD…         run inv WORD… over a fleet; print seconds and the CPU seconds of inv
fleet_client.py count HOST WORD…        run inv WORD… on one host through a relay; print what went over the wire
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

PROJECT = "/vagrant"
COPY = "/tmp/depl-bench-fleet"
KNOWN = f"{COPY}/known_hosts"
FIRST, RELAY = 2300, 2299


def prepare(host: str, *counts: str) -> None:
    shutil.rmtree(COPY, ignore_errors=True)
    for part in ("tasks", "templates", "conf/apps"):
        shutil.copytree(f"{PROJECT}/{part}", f"{COPY}/{part}", ignore=shutil.ignore_patterns("__pycache__"))
    sizes = [int(count) for count in counts]
    for size in sizes:
        inventory(f"fleet{size}", {f"light{n:03d}": (host, FIRST + n) for n in range(1, size + 1)})
    inventory("relay", {"light": ("127.0.0.1", RELAY)})
    with open("/etc/depl/known_hosts", encoding="ascii") as known:
        keys = [line.split()[1:3] for line in known if line.split()[0] == host]
    places = [f"[{host}]:{FIRST + n}" for n in range(max(sizes) + 1)] + [f"[127.0.0.1]:{RELAY}"]
    with open(KNOWN, "w", encoding="ascii") as out:
        out.writelines(f"{place} {kind} {key}\n" for place in places for kind, key in keys)
    for count in counts:  # Python's and our own caches fill as they do on anybody's second command
        ask(count, "status")


def inventory(name: str, hosts: Mapping[str, tuple[str, int]]) -> None:
    folder = f"{COPY}/conf/inventory/{name}"
    os.makedirs(f"{folder}/group_vars")
    lines = [f"        {one}: {{ansible_host: {at}, ansible_port: {port}}}\n" for one, (at, port) in hosts.items()]
    with open(f"{folder}/hosts.yml", "w", encoding="ascii") as out:
        out.write("all:\n  children:\n    appservers:\n      hosts:\n" + "".join(lines))
    with open(f"{PROJECT}/conf/inventory/vagrant/group_vars/all.yml", encoding="utf-8") as settings:
        text = settings.read().replace("/etc/depl/known_hosts", KNOWN)
    text, _, _ = text.partition("  # The same app with all")  # these hosts have no services
    with open(f"{folder}/group_vars/all.yml", "w", encoding="utf-8") as out:
        out.write(text)


def ask(size: str, *words: str) -> dict[str, Any]:
    """Run inv over a fleet; returns seconds, CPU seconds and what it printed."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    environment = {**os.environ, "DEPL_ENVIRONMENT": size if size == "relay" else f"fleet{size}"}
    done = subprocess.run(
        ["inv", *words], cwd=COPY, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"inv {' '.join(words)} on {size}:\n…{done.stdout[-600:]}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "cpu": used, "said": done.stdout}


class Relay:
    """Passes bytes on, and counts how often the client waited: it had spoken, and then the host answered."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.connections = self.round_trips = self.sent = self.received = 0
        self.client_spoke = False
        self.listener = socket.create_server(("127.0.0.1", RELAY))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection((self.host, FIRST))
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            threading.Thread(target=self.upward, args=(client, server), daemon=True).start()
            threading.Thread(target=self.downward, args=(server, client), daemon=True).start()

    def upward(self, client: socket.socket, server: socket.socket) -> None:
        while data := client.recv(65536):
            self.client_spoke = True
            self.sent += len(data)
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)

    def downward(self, server: socket.socket, client: socket.socket) -> None:
        while data := server.recv(65536):
            if self.client_spoke:
                self.client_spoke = False
                self.round_trips += 1
            self.received += len(data)
            client.sendall(data)


def count(host: str, *words: str) -> dict[str, int]:
    relay = Relay(host)
    ask("relay", *words)
    return {key: getattr(relay, key) for key in ("connections", "round_trips", "sent", "received")}


if __name__ == "__main__":
    verb, *rest = sys.argv[1:]
    print("RESULT " + json.dumps({"prepare": prepare, "time": ask, "count": count}[verb](*rest)))
