"""Requests per second through depl's routing and through a static upstream. Run as root on an app host by bench/route.py.

Usage: route_host.py ROUNDS SECONDS < SITE. Starts two nginx of its own (one worker each: a backend that answers at
once on a unix socket, and a front with both ways to it), lets wrk ask them in turn, ends them, and prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

HOME = "/srv/depl/bench"
RELEASE = f"{HOME}/releases/2026.11.22.12.05@3"
ROUTED, STATIC = 8081, 8082
COMMON = "include /etc/nginx/modules-enabled/*.conf; pcre_jit on; user www-data; worker_processes 1; daemon off; events {{ worker_connections 1024; }} pid {place}.pid; error_log {place}.err;"
BACKEND = (
    COMMON
    + """
http {{ access_log off; keepalive_requests 1000000000;
        server {{ listen unix:{release}/run/web.sock; return 200 "ok\\n"; }} }}
"""
)
FRONT = (
    COMMON
    + """
http {{
    keepalive_requests 1000000000; server_tokens off;
    server_names_hash_bucket_size 128; variables_hash_max_size 2048; map_hash_bucket_size 128;
    include /etc/depl/nginx/http.conf;
    include {home}/site;
    upstream static {{ server unix:{release}/run/web.sock; keepalive 32; }}
    server {{
        listen {static};
        access_log {home}/static.log combined buffer=64k flush=1s;
        location / {{
            proxy_pass http://static; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_set_header Host $host; proxy_set_header X-Request-Id $request_id;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
}}
"""
)


def lay_out(site: str) -> None:
    """The folders of an app with one live release, as depl makes them."""
    shutil.rmtree(HOME, ignore_errors=True)
    for folder in (f"{RELEASE}/run", f"{HOME}/slots", f"{HOME}/routes/7"):
        os.makedirs(folder)
    for slot in range(10):
        os.symlink(f"../releases/{os.path.basename(RELEASE)}", f"{HOME}/slots/{slot}")
    for bucket in range(1000):
        os.symlink(f"../../releases/{os.path.basename(RELEASE)}", f"{HOME}/routes/7/{bucket:03d}")
    os.symlink("routes/7", f"{HOME}/live")
    site = site.replace("listen 80;", f"listen {ROUTED};").replace("/var/log/nginx/", f"{HOME}/")
    with open(f"{HOME}/site", "w", encoding="utf-8") as out:
        out.write(site)


def start(name: str, text: str) -> subprocess.Popen[bytes]:
    path = f"{HOME}/{name}.conf"
    with open(path, "w", encoding="utf-8") as out:
        out.write(text.format(place=f"{HOME}/{name}", home=HOME, release=RELEASE, static=STATIC))
    return subprocess.Popen(["nginx", "-c", path])


def ask(port: int, seconds: int, connections: int = 16) -> tuple[float, float, float]:
    """Requests per second and the 50th and 99th percentile in milliseconds; errors end the measurement."""
    url = f"http://127.0.0.1:{port}/"
    headers = ["-H", "Host: bench.foo", "-H", "Cookie: depl_bench=0123456789abcdef0123456789abcdef"]
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *headers, url]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        sys.exit(said)
    units = {"us": 0.001, "ms": 1, "s": 1000}
    share = {p: float(v) * units[u] for p, v, u in re.findall(r"(\d\d)%\s+([\d.]+)(us|ms|s)", said)}
    (rate,) = re.findall(r"Requests/sec:\s+([\d.]+)", said)
    return float(rate), share["50"], share["99"]


rounds, seconds = int(sys.argv[1]), int(sys.argv[2])
lay_out(sys.stdin.read())
running = [start("backend", BACKEND)]
time.sleep(0.5)
os.chmod(f"{RELEASE}/run/web.sock", 0o777)
running.append(start("front", FRONT))
time.sleep(0.5)
found: dict[str, list[tuple[float, float, float]]] = {"routed": [], "static": []}
try:
    for port in (ROUTED, STATIC):
        ask(port, 1)
    for _ in range(rounds):
        found["routed"].append(ask(ROUTED, seconds))
        found["static"].append(ask(STATIC, seconds))
finally:
    for process in running:
        process.send_signal(signal.SIGQUIT)
        process.wait(10)
    shutil.rmtree(HOME, ignore_errors=True)
median = {name: [statistics.median(column) for column in zip(*runs)] for name, runs in found.items()}
ratios = [routed[0] / static[0] for routed, static in zip(found["routed"], found["static"])]
slower = [routed[2] / static[2] for routed, static in zip(found["routed"], found["static"])]
print(
    "RESULT "
    + json.dumps(
        {
            "ratio_to_static": round(statistics.median(ratios), 3),
            "p99_ratio": round(statistics.median(slower), 2),
            **{
                f"{name}_{key}": round(value, 3)
                for name, values in median.items()
                for key, value in zip(("requests_per_second", "p50_ms", "p99_ms"), values)
            },
            "ratios": [round(one, 3) for one in ratios],
        }
    )
)
