"""Requests lost while live traffic moves: by depl's rename, and by rewriting an include and reloading nginx.

Run on the machine that holds the sandbox: python -m bench.flip [CHANGES]. The load runs inside the app hosts, against their
own loopback; it is bounded in time and stops by itself. Writes build/bench/flip.json.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from . import hosts

APP_HOSTS = ("app1", "app2")
STOP = "/tmp/depl-bench-stop"
REQUESTS = 1_000_000
LONGEST = 1500
RELOAD_PORT = 8088
SITE = "/srv/depl/nginx/zz-bench.conf"
INCLUDE = "/srv/depl/bench.inc"
RELOAD_SITE = f"""
upstream bench_reload {{ include {INCLUDE}; keepalive 32; keepalive_timeout 30s; }}
server {{
    listen {RELOAD_PORT};
    access_log off;
    location / {{
        proxy_pass http://bench_reload;
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $depl_app1_connection;
        proxy_read_timeout 300s;
    }}
}}
"""


def main() -> None:
    changes = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    for host in APP_HOSTS:
        hosts.need(host, "wrk")
    old, new = two_versions()
    by_depl = measure(80, changes, lambda n: flip_by_depl(new, n), {old, new})
    by_reload = with_reload_site(old, new, changes)
    hosts.save("flip", {**by_depl, "reload": by_reload, "date": time.strftime("%Y-%m-%d")})
    heads = ["", "changes", "requests", "failed", "5 s requests", "WebSocket echoes", "WebSockets cut", "seconds"]
    keys = ("changes", "requests", "failed", "slow_requests", "echoes", "sockets_cut", "seconds")
    rows = [[name, *(f"{found[key]:,}" for key in keys)] for name, found in (("depl", by_depl), ("reload", by_reload))]
    hosts.table(heads, rows)


def two_versions() -> tuple[str, str]:
    """Two installed versions, the first of them live; built where there are fewer."""
    found = json.loads(hosts.inv("status", "--json"))
    ready = sorted({row["version"] for row in found["releases"] if row["health"] == "ok"})
    while len(ready) < 2:
        hosts.inv("buildinst")
        found = json.loads(hosts.inv("status", "--json"))
        ready = sorted({row["version"] for row in found["releases"] if row["health"] == "ok"})
    old, new = ready[-2:]
    hosts.inv("promote", "--version", old)
    return old, new


def flip_by_depl(new: str, n: int) -> None:
    """One live change by the command that people type: promote and rollback in turn."""
    if n % 2 == 0:
        hosts.inv("promote", "--version", new)
    else:
        hosts.inv("rollback")


def with_reload_site(old: str, new: str, changes: int) -> dict[str, Any]:
    """The same app and load behind a second port, flipped by a rewritten include and a reload."""
    write = (
        'printf "server unix:/srv/depl/app1/versions/%s/run/web.sock max_fails=0;\\n" "$1" > "$2" && nginx -s reload'
    )

    def flip(n: int) -> None:
        version = new if n % 2 == 0 else old
        for host in APP_HOSTS:
            hosts.run(host, "sudo", "sh", "-c", write, "flip", version, INCLUDE)
        time.sleep(0.7)  # about the pace of the other run

    try:
        for host in APP_HOSTS:
            hosts.run(host, "sudo", "tee", SITE, input=RELOAD_SITE.encode())
            hosts.run(host, "sudo", "sh", "-c", write, "flip", old, INCLUDE)
        time.sleep(1)
        return measure(RELOAD_PORT, changes, flip, {old, new})
    finally:
        for host in APP_HOSTS:
            hosts.run(host, "sudo", "sh", "-c", 'rm -f "$1" "$2" && nginx -s reload', "clean", SITE, INCLUDE)


def measure(port: int, changes: int, flip: Callable[[int], None], versions: set[str]) -> dict[str, Any]:
    """Keep load on all hosts through so many changes, and until so many requests were sent."""
    began = time.monotonic()
    patient = []
    for host in APP_HOSTS:
        hosts.run(host, "rm", "-f", STOP)
        script = hosts.put(host, "patient.py")
        patient.append(hosts.start(host, "python3", script, str(port), STOP, str(LONGEST)))
    ok = failed = done = 0
    served: set[str] = set()
    reasons: dict[str, int] = {}
    while done < changes or ok + failed < REQUESTS * changes / 200:
        loads = [start_load(host, port) for host in APP_HOSTS]
        end = time.monotonic() + ROUND - 3
        while time.monotonic() < end:
            if done < changes:
                flip(done)
                done += 1
            else:
                time.sleep(0.5)
        for load in loads:
            found = result(load)
            ok += found["ok"]
            for reason in ("bad_status", "connect", "read", "write", "timeout"):
                failed += found[reason]
                reasons[reason] = reasons.get(reason, 0) + found[reason]
            served |= set(found["versions"].split())
        print(f"  {done} changes, {ok + failed:,} requests, {failed} failed", flush=True)
    for host in APP_HOSTS:
        hosts.run(host, "touch", STOP)
    waited = [result(one) for one in patient]
    slow_failed = sum(len(one["slow_failed"]) for one in waited)
    served |= {version for one in waited for version in one["versions"]}
    return {
        "changes": done,
        "requests": ok + failed + sum(one["slow"] for one in waited),
        "failed": failed + slow_failed,
        "reasons": reasons,
        "slow_requests": sum(one["slow"] for one in waited),
        "slow_failed": slow_failed,
        "echoes": sum(one["echoes"] for one in waited),
        "sockets_cut": sum(len(one["socket_failed"]) for one in waited),
        "other_versions": sorted(served - versions),
        "seconds": round(time.monotonic() - began),
    }


ROUND = 60


def start_load(host: str, port: int) -> subprocess.Popen[str]:
    script = hosts.put(host, "load.lua")
    return hosts.start(
        host, "wrk", "-t1", "-c8", f"-d{ROUND}s", "--timeout", "30s", "-s", script, f"http://127.0.0.1:{port}"
    )


def result(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for a client and read its line of JSON."""
    out, _ = process.communicate(timeout=LONGEST)
    lines = [line.removeprefix("RESULT ") for line in out.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise SystemExit(f"a client ended without a result:\n{out}")
    found: dict[str, Any] = json.loads(lines[-1])
    return found


if __name__ == "__main__":
    main()
