"""Calls of templates/host/onhost.py, which answers on a host for as long as a connection lasts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ..model.layout import Layout
from . import Argv

WORD = "onhost"
"""An argv that begins with it is no program: the process at the other end does it itself, in microseconds."""

# Reads the program first and leaves the rest of the input to it. It comes in pieces where it is longer than a packet of
# SSH (32 kB). Neither the host's own modules (-S) nor its environment (-I) count, and each that isn't looked for saves
# every host a few milliseconds.
_LAUNCH = """import sys
size, program = int(sys.argv[1]), b""
while len(program) < size:
    program += sys.stdin.buffer.raw.read(size - len(program)) or sys.exit("its program broke off")
exec(compile(program, "depl", "exec"))"""


def launch(program: bytes) -> Argv:
    """Start the process that answers; its program, then requests, go to its standard input."""
    return ("python3", "-I", "-S", "-c", _LAUNCH, str(len(program)))


def count(program: bytes) -> Argv:
    """Run templates/host/count.py; the program, then its question, are its standard input. It imports DuckDB."""
    return ("python3", "-I", "-c", _LAUNCH, str(len(program)))


def lock(layout: Layout, holder: Mapping[str, str]) -> Argv:
    """Take the lock; fails, and prints who has it, where it is taken."""
    return (WORD, "lock", layout.home, json.dumps(holder))


def services(home: str, asked: Mapping[str, Mapping[str, Sequence[str]]]) -> Argv:
    """Read what is of services: `asked` has for each the programs in its container that tell its health and size."""
    return (WORD, "services", home, json.dumps(asked))


def branches(root: str) -> Argv:
    """Read what is of branches on the staging host: of each its branch.json, its containers, whether it sleeps."""
    return (WORD, "branches", root)


def save(path: str, seconds: int, program: Argv) -> Argv:
    """Write what a program prints to a file: all of it, or no file."""
    return (WORD, "save", path, str(seconds), *program)


def feed(path: str, seconds: int, program: Argv) -> Argv:
    """Run a program with a file as its standard input."""
    return (WORD, "feed", path, str(seconds), *program)


def finish(container: str, seconds: int) -> Argv:
    """Start a container, unless it runs or ran already, and wait for its end; fails unless it ends with 0."""
    return (WORD, "finish", container, str(seconds))


def until(container: str, seconds: int, program: Argv) -> Argv:
    """Repeat a program until it succeeds, as long as the container lives."""
    return (WORD, "until", container, str(seconds), *program)


def facts(layout: Layout, health_path: str, *, memory: bool = False, names: Sequence[str] = ()) -> Argv:
    """Read what is on the host, and look up `names`; how much memory containers use costs an inquiry for each."""
    return (WORD, "facts", layout.home, layout.site, health_path, "memory" if memory else "", *names)


def table(layout: Layout, number: int) -> Argv:
    """Write the routing table that standard input describes, and the link that a flip renames."""
    return (WORD, "table", layout.home, str(number))


def flip(layout: Layout, new: str) -> Argv:
    """Make the table live that the link `new` leads to, by one rename; then tell processes which arm they are."""
    return (WORD, "flip", new, layout.live)


def balance(layout: Layout, hosts: Mapping[str, str], name: str, path: str) -> Argv:
    """Ask a balancer about app hosts (their addresses by name); it gets `path` of each under a host name."""
    question = json.dumps({"hosts": hosts, "name": name, "path": path})
    return (WORD, "balance", layout.home, layout.site, question)


def settle(address: str, seconds: int) -> Argv:
    """Wait until a balancer has no request under way to an address; prints how many are left when time is up."""
    return (WORD, "settle", address, str(seconds))


def mark(log: str) -> Argv:
    """Print where nginx's log of an app ends now."""
    return (WORD, "mark", log)


def lost(log: str, since: str, seconds: float) -> Argv:
    """Count requests from a printed `mark` until so many seconds from now, and those that nginx answered itself."""
    return (WORD, "lost", log, since, str(seconds))


def start(name: str) -> Argv:
    """Have supervisord run a program whose file is new."""
    return (WORD, "start", name)


def reload(program: Argv) -> Argv:
    """Have nginx load its sites by that program, and wait until the new ones are all that visitors meet."""
    return (WORD, "reload", *program)


def steady(container: str, seconds: int) -> Argv:
    """Wait until a container has run for so many seconds without an end."""
    return (WORD, "steady", container, str(seconds))


def wait(container: str, socket: str, health_path: str, seconds: int) -> Argv:
    """Wait until what listens on a container's socket is healthy."""
    return (WORD, "wait", container, socket, health_path, str(seconds))


def page(socket: str, path: str) -> Argv:
    """Ask for a page; fails unless the answer is below 400."""
    return (WORD, "page", socket, path)
