"""One command over 1, 10 and 100 hosts: python -m bench.fleet [RUNS]. Writes build/bench/fleet.json.

The hosts are light ones (see light_hosts.py) and share two cores with each other and with the client. Before each run it
waits, up to PATIENCE seconds, for others to leave the cores alone; `busy` says how far they did, in per cent. `cpu_s`
is what a promote takes of the processor wherever it runs, in `inv` and on the hosts: others don't change it much.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from . import hosts
from .flip import two_versions

HOST = "app1"
SIZES = (1, 10, 100)
SECONDS = 900
PATIENCE = 30
QUIET = 25


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    hosts.inv("prune")  # a look costs more where more is installed
    old, new = two_versions()
    light, client = hosts.put(HOST, "light_hosts.py"), hosts.put("deploy", "fleet_client.py")
    try:
        hosts.run(HOST, "sudo", "python3", light, "up", str(max(SIZES)), str(SECONDS))
        ask(client, "prepare", HOST, *map(str, SIZES))
        found = {str(size): measure(client, light, size, runs, old, new) for size in SIZES}
        counted = {verb: count(client, light, *words) for verb, words in verbs(old, new).items()}
    finally:
        hosts.run(HOST, "sudo", "python3", light, "down")
    keys = (*COLUMNS, "promote_s_all", "skew_ms_all", "busy_all")
    result = {key: {size: one[key] for size, one in found.items()} for key in keys}
    hosts.save("fleet", {**result, "counts": counted, "runs": runs, "date": time.strftime("%Y-%m-%d")})
    show(found, counted)


def verbs(old: str, new: str) -> dict[str, tuple[str, ...]]:
    """What is counted, one after the other: the host at the relay has nothing live at first."""
    return {"first promote": ("promote", "--version", old), "promote": ("promote", "--version", new),
            "rollback": ("rollback",), "status": ("status",)}  # fmt: skip


def measure(client: str, light: str, size: int, runs: int, old: str, new: str) -> dict[str, Any]:
    """Medians over so many promotes and looks."""
    ask(client, "time", str(size), "promote", "--version", old)
    promotes, looks, skews, used, others = [], [], [], [], []
    for n in range(runs):
        others.append(settle())
        before = on_hosts(light, "cpu", size)
        done = ask(client, "time", str(size), "promote", "--version", old if n % 2 else new)
        used.append((done["cpu"], on_hosts(light, "cpu", size) - before))
        flips = on_hosts(light, "flips", size)
        promotes.append(done["seconds"])
        skews.append((max(flips) - min(flips)) / 1e6)
        looks.append(ask(client, "time", str(size), "status")["seconds"])
        print(
            f"  {size:>3} hosts: promote {promotes[-1]:.2f} s, skew {skews[-1]:.0f} ms, status {looks[-1]:.2f} s, "
            f"busy before {others[-1]:.0f} %",
            flush=True,
        )
    return {
        "promote_s": round(statistics.median(promotes), 2),
        "promote_s_all": [round(one, 2) for one in promotes],
        "skew_ms": round(statistics.median(skews)),
        "skew_ms_all": [round(one) for one in skews],
        "status_s": round(statistics.median(looks), 2),
        "client_cpu_s": round(statistics.median(client for client, _ in used), 2),
        "cpu_s": round(statistics.median(map(sum, used)), 2),
        "busy": round(statistics.median(others)),
        "busy_all": [round(one) for one in others],
    }


def on_hosts(light: str, verb: str, number: int) -> Any:
    return json.loads(hosts.run(HOST, "sudo", "python3", light, verb, str(number)))


def settle() -> float:
    """Wait for the cores to be idle; returns how busy they were in the last second, in per cent."""
    deadline = time.monotonic() + PATIENCE
    while True:
        idle, total = cores()
        time.sleep(1)
        idle_now, total_now = cores()
        busy = 100 - 100 * (idle_now - idle) / (total_now - total)
        if busy < QUIET or time.monotonic() > deadline:
            return busy


def cores() -> tuple[int, int]:
    """How long this machine's cores have been idle, and how long they have been there."""
    times = [int(one) for one in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return times[3] + times[4], sum(times)


def count(client: str, light: str, *words: str) -> dict[str, int]:
    """What one command costs on the way to one host."""
    since = hosts.run(HOST, "date", "+%s").strip()
    time.sleep(1)  # the log's times are whole seconds, and the command before this one may be of the same
    found = ask(client, "count", HOST, *words)
    return {**found, "commands": on_hosts(light, "commands", int(since) + 1)}


def ask(client: str, *words: str) -> dict[str, Any]:
    said = hosts.run("deploy", "python3", client, *words)
    found: dict[str, Any] = json.loads(said.split("RESULT ", 1)[1])
    return found


COLUMNS = {
    "promote_s": "promote s",
    "skew_ms": "skew ms",
    "status_s": "status s",
    "client_cpu_s": "CPU s of inv",
    "cpu_s": "CPU s in all",
    "busy": "busy before %",
}


def show(found: dict[str, dict[str, Any]], counted: dict[str, dict[str, int]]) -> None:
    rows = [[size, *(str(one[key]) for key in COLUMNS)] for size, one in found.items()]
    hosts.table(["hosts", *COLUMNS.values()], rows)
    keys = ("connections", "commands", "round_trips", "sent", "received")
    hosts.table(["for one host", *keys], [[verb, *(str(one[key]) for key in keys)] for verb, one in counted.items()])


if __name__ == "__main__":
    main()
