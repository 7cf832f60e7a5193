"""How fast depl's routing is beside a static upstream: python -m bench.route [ROUNDS]. Writes build/bench/route.json."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace

from tasks.model.environment import Placement
from tasks.plan import render
from tasks.run.choose import choose

from . import hosts

HOST = "app1"
SECONDS = 4


def main() -> None:
    rounds = sys.argv[1] if len(sys.argv) > 1 else "7"
    hosts.need(HOST, "wrk")
    target = choose(None)
    site = render.site(replace(target.app, name="bench"), Placement(("bench.foo",)), target.environment)
    said = hosts.run(
        HOST, "sudo", "python3", hosts.put(HOST, "route_host.py"), rounds, str(SECONDS), input=site.encode()
    )
    found = json.loads(said.split("RESULT ", 1)[1])
    hosts.save("route", {**found, "date": time.strftime("%Y-%m-%d")})
    heads = ["", "requests/s", "p50 ms", "p99 ms"]
    keys = ("requests_per_second", "p50_ms", "p99_ms")
    hosts.table(heads, [[name, *(f"{found[f'{name}_{key}']:,.2f}" for key in keys)] for name in ("routed", "static")])
    print(
        f"routed / static, pair by pair: median {found['ratio_to_static']}, {min(found['ratios'])} to {max(found['ratios'])}"
    )


if __name__ == "__main__":
    main()
