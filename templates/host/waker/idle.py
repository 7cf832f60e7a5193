"""Who may sleep: a branch without a visitor, an open connection, a shell or a job under way."""

import os
import time
from datetime import datetime

from .folder import ROOT, CannotWakeError, branches, job_under_way, live, locked, marker, write_json
from .machine import containers, inspect, running
from .waking import rest, say

MEANWHILE = 0.3
"""Seconds in which a request that came before the marker reaches the app."""
CONNECTED = "03"
NAMED = 8
"""Fields of a line of /proc/PID/net/unix about a socket that has a name."""


def look(visits, sleep_after):
    """Put to sleep whoever may; what fails with one branch is told, and the others come all the same."""
    there = branches()
    visits.look(there)
    up = running()
    for folder in there:
        try:
            consider(folder, visits.seen.get(folder, 0), sleep_after, up)
        except CannotWakeError:
            continue  # somebody is at work on it
        except Exception as error:  # noqa: BLE001 - whatever it is, others must not stay awake for it
            say(f"{folder} can't be put to sleep: {error if isinstance(error, OSError) else repr(error)}")


def consider(folder, seen, sleep_after, up):
    release = live(folder)
    if not release or (folder, release.partition("@")[0]) not in up:
        return
    if os.path.exists(marker(folder, release)):
        with locked(folder, "sleep", 0):
            finish(folder, release)
    elif is_idle(folder, release, seen, sleep_after):
        with locked(folder, "sleep", 0):
            if live(folder) == release:
                put_to_sleep(folder, release)


def finish(folder, release):
    """Go on with what was cut short: the marker of a branch that wakes is gone when its lock is free."""
    if os.path.exists(marker(folder, release)):
        rest(folder, release)
        say(f"{folder} {release} is asleep at last")


def is_idle(folder, release, seen, sleep_after):
    """Whether nothing happened for so long: no visit, no new build, no start. What is cheap to know comes first."""

    def longer(at):
        return time.time() - at >= sleep_after

    if not sleep_after or not longer(max(seen, os.lstat(f"{ROOT}/{folder}/live").st_mtime)):
        return False
    found = inspected(folder, release)
    return all(longer(started(one)) for one in found) and not busy(folder, found)


def put_to_sleep(folder, release):
    """From the marker on visitors come to the waker; those who came before it are waited for, another time."""
    write_json(marker(folder, release), {"since": time.time()})
    time.sleep(MEANWHILE)
    if busy(folder, inspected(folder, release)):
        os.remove(marker(folder, release))
        return
    rest(folder, release)
    say(f"{folder} {release} is asleep")


def inspected(folder, release):
    """What docker says of a release's containers that run."""
    return [one for one in map(inspect, containers(folder, release)) if one["State"]["Running"]]


def started(container):
    """Seconds since 1970; docker's times have nine digits behind the point."""
    return datetime.fromisoformat(f"{container['State']['StartedAt'][:19]}+00:00").timestamp()


def busy(folder, containers):
    return job_under_way(folder) or any(one["ExecIDs"] or connections(one["State"]["Pid"]) for one in containers)


def connections(pid):
    """How many have a connection to the app's socket: a long download, a WebSocket, a request that takes its time."""
    try:
        with open(f"/proc/{pid}/net/unix", encoding="utf-8", errors="replace") as sockets:
            lines = [line.split() for line in sockets]
    except OSError:
        return 0  # it ended meanwhile
    # A name may have a line break: what comes after it is no socket.
    named = (line for line in lines[1:] if len(line) >= NAMED)
    return sum(one[5] == CONNECTED and one[-1].endswith("/web.sock") for one in named)
