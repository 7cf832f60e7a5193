"""The sandbox's hosts, as measurements see them: commands over ssh, results as tables and JSON."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
RESULTS = PROJECT / "build" / "bench"


def argv(host: str, *words: str) -> list[str]:
    """The command line that runs words on a host."""
    return ["ssh", "-F", str(PROJECT / ".vagrant" / "ssh_config"), host, shlex.join(words)]


def run(host: str, *words: str, input: bytes = b"") -> str:
    """Run a command on a host to its end; a failure ends the measurement."""
    done = subprocess.run(argv(host, *words), input=input, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{host}: {shlex.join(words)[:200]}\n{done.stdout.decode()}{done.stderr.decode()}")
    return done.stdout.decode()


def inv(*words: str) -> str:
    return run("deploy", "sh", "-c", 'cd /vagrant && exec inv "$@"', "inv", *words)


def start(host: str, *words: str) -> subprocess.Popen[str]:
    """Start a command on a host; it must end by itself."""
    return subprocess.Popen(argv(host, *words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def put(host: str, name: str) -> str:
    """Copy a file of bench/ to a host; returns its path there."""
    there = f"/tmp/depl-bench-{Path(name).name}"
    run(host, "tee", there, input=(PROJECT / "bench" / name).read_bytes())
    return there


def need(host: str, *packages: str) -> None:
    """Install Debian packages on a host, where they are missing."""
    run(host, "sudo", "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-qq", "-y", *packages)


def machine() -> str:
    """What figures were measured on, in a few words."""
    cpu = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").open() if "model name" in line), "?")
    cores = sum("processor\t" in line for line in Path("/proc/cpuinfo").open())
    return f"{cores} cores, {cpu}"


def save(name: str, found: Mapping[str, Any]) -> None:
    """Write build/bench/NAME.json."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps({**found, "machine": machine()}, indent=2) + "\n")
    print(f"written: build/bench/{name}.json")


def table(heads: list[str], rows: list[list[str]]) -> None:
    """Print rows under heads, numbers to the right."""
    widths = [max(len(row[n]) for row in [heads, *rows]) for n in range(len(heads))]
    for row in [heads, *rows]:
        print(
            "  ".join(
                cell.ljust(w) if n == 0 else cell.rjust(w) for n, (cell, w) in enumerate(zip(row, widths, strict=True))
            )
        )
