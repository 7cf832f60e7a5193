"""How long a branch waits for a database of 1 GB: python -m bench.clone [RUNS]. Writes build/bench/clone.json.

PostgreSQL runs here in a container of the services' image, with the limits that an inventory could give it. `template`
is a copy of a template, `live` one of a release's database that nobody is connected to, `in_use` one of a database
that somebody is connected to: a dump, so that nobody is cut off. `held` is how long the first of these keeps somebody
waiting who connects to the database that is copied. Before each run it waits a while for others to leave the cores alone.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tasks.model.branch import Branch
from tasks.model.layout import APP_UID
from tasks.model.service import SERVICE_UID, Service
from tasks.model.version import Version
from tasks.plan import services, spaces
from tasks.run.engine import Engine

from . import hosts
from .fleet import settle

IMAGE, NAME = "depl-bench-clone", "depl-bench-clone"
LIMITS = ("--memory", "512m", "--pids-limit", "256", "--read-only", "--cap-drop", "ALL", "--init")
MOUNTS = (
    "--tmpfs",
    "/tmp:rw,size=64m,mode=1777",
    "--volume",
    f"{NAME}-data:/data",
    "--volume",
    f"{NAME}-run:/run/service",
)
ROWS = 3_000_000
SEED = f"""
CREATE TABLE items (id int PRIMARY KEY, token text, body text);
INSERT INTO items SELECT i, md5(i::text) || md5((i + 1)::text), repeat(md5((i * 7)::text), 4)
    FROM generate_series(1, {ROWS}) i;
CREATE INDEX ON items (token);
"""
BRANCH = Branch("app1", "bench", "bench")
FIRST, SECOND = (BRANCH.database(Version(f"2026.11.22.12.0{n}")) for n in (1, 2))


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with service():
        for stage, text in (("load", SEED), ("use", "")):
            inside("template", stage, BRANCH.app, text=text)
        inside("allot", BRANCH.folder, "1", text="secret\n")
        found = [measure() for _ in range(runs)]
        size = spaces.databases(inside("databases", BRANCH.folder))[FIRST]
    result: dict[str, Any] = {"mb": round(size / 1e6)}
    for way in found[0]:
        times = [one[way] for one in found]
        result |= {f"{way}_s": round(statistics.median(times), 1), f"{way}_s_all": [round(one, 1) for one in times]}
    hosts.save("clone", {**result, "runs": runs, "date": time.strftime("%Y-%m-%d")})
    ways = list(found[0])
    hosts.table(["", *ways], [[f"{result['mb']} MB", *(f"{result[f'{way}_s']} s" for way in ways)]])


def measure() -> dict[str, float]:
    """Seconds of each way to make a database once."""
    found = {"template": copy("", FIRST), "live": copy(FIRST, SECOND), "held": held()}
    with connected(FIRST):
        found["in_use"] = copy(FIRST, SECOND)
    print("  " + ", ".join(f"{way} {seconds:.1f} s" for way, seconds in found.items()), flush=True)
    return found


def copy(source: str, target: str) -> float:
    """Make a database; returns the seconds that its branch waited."""
    inside("discard", target)
    others = settle()
    began = time.monotonic()
    said = inside("copy", source, target, BRANCH.folder, spaces.template(BRANCH.app))
    seconds = time.monotonic() - began
    print(f"    {said.strip()}, busy before {others:.0f} %", flush=True)
    return seconds


def held() -> float:
    """Seconds that somebody waits who connects to a database while it is copied."""
    inside("discard", SECOND)
    argv = docker("copy", FIRST, SECOND, BRANCH.folder, spaces.template(BRANCH.app))
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as process:
        time.sleep(0.5)
        began = time.monotonic()
        inside("psql", "--username=postgres", "--quiet", "--command=SELECT 1", FIRST)
        seconds = time.monotonic() - began
    if process.returncode:
        raise SystemExit("the copy failed")
    return seconds


@contextmanager
def connected(database: str) -> Iterator[None]:
    """Somebody who uses a database for as long as this lasts."""
    with subprocess.Popen(
        docker("psql", "--username=postgres", "--quiet", database), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ):
        while "1" not in inside("psql", "--username=postgres", "--tuples-only", f"--command=SELECT count(*) FROM "
                                f"pg_stat_activity WHERE datname = '{database}'", "postgres"):  # fmt: skip
            time.sleep(0.1)
        yield


def inside(*words: str, text: str = "") -> str:
    """Run a program in the service's container; a failure ends the measurement."""
    done = subprocess.run(docker(*words), input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}\n{done.stdout}{done.stderr}")
    return done.stdout


def docker(*words: str) -> list[str]:
    return ["docker", "exec", "--interactive", NAME, *words]


@contextmanager
def service() -> Iterator[None]:
    """PostgreSQL with empty data, for a while."""
    recipe = services.recipe(Service("postgresql", "here"))
    Engine(NAME).build("image", recipe.dockerfile, recipe.files, IMAGE, lambda _: None)
    remove()
    own = ("chown", f"{SERVICE_UID}:{APP_UID}", "/data", "/run/service")
    run("run", "--rm", "--user", "0:0", *MOUNTS, IMAGE, *own)
    try:
        run("run", "--detach", "--name", NAME, *LIMITS, *MOUNTS, IMAGE, "start", "-c", "shared_buffers=128MB")
        while subprocess.run(docker("health"), capture_output=True, check=False).returncode:
            time.sleep(0.5)
        yield
    finally:
        remove()


def remove() -> None:
    """What another run left, or this one."""
    subprocess.run(["docker", "rm", "--force", NAME], capture_output=True, check=False)
    subprocess.run(["docker", "volume", "rm", f"{NAME}-data", f"{NAME}-run"], capture_output=True, check=False)


def run(*words: str) -> None:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"docker {' '.join(words)[:200]}\n{done.stderr}")


if __name__ == "__main__":
    main()
