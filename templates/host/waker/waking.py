"""A release put to sleep, and woken: its containers, its programs in supervisord, its marker."""

import math
import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

from .folder import ROOT, CannotWakeError, live, locked, marker, read_json, rename
from .machine import all_at_once, containers, inspect, last_words, status, supervisor

LOCKED = 60
"""Seconds to wait for a deploy of the branch."""
AGAIN = 30
"""Seconds after which a branch that could not be woken is tried again."""
AT_ONCE = 8
"""Branches that wake side by side."""


def rest(folder, release):
    """End all that runs of a release, and have supervisord leave it so. The marker is there already."""
    names = containers(folder, release)
    for name in names:
        rename(f"{ROOT}/supervisor/{name}.conf", f"{ROOT}/supervisor/{name}.conf.asleep")
        supervisor("stopProcessGroup", name)
        supervisor("removeProcessGroup", name)
    all_at_once("POST", "stop", names, timeout=600)


def rise(folder, release):
    """Start all of a release that sleeps, then have supervisord watch it; returns when its page is healthy."""
    names = containers(folder, release)
    all_at_once("POST", "start", names, timeout=60)
    for name in names:
        rename(f"{ROOT}/supervisor/{name}.conf.asleep", f"{ROOT}/supervisor/{name}.conf")
    supervisor("reloadConfig")
    for name in names:
        supervisor("addProcessGroup", name)
    healthy(folder, release, from_sleep=True)


def healthy(folder, release, from_sleep=False):
    """Return when a release's page of health answers 200; raises CannotWakeError with its last words."""
    home, name = f"{ROOT}/{folder}/releases/{release}", f"{folder}-{release.partition('@')[0]}-web"
    path, patience = (read_json(f"{home}/release.json") or {}).get("health") or ("/healthz", 30)
    end, why = time.monotonic() + patience, "no answer"
    while time.monotonic() < end:
        try:
            found = status(f"{home}/run/web.sock", path, min(5, max(0.01, end - time.monotonic())))
            if found == 200:
                return
            why = f"GET {path} answered {found}"
        except OSError as error:
            why = f"GET {path}: {error.strerror or error}"
            state = inspect(name)["State"]
            if from_sleep and state["Status"] == "exited":
                why = f"it exited {state['ExitCode']}{', out of memory' if state['OOMKilled'] else ''}"
                break
        time.sleep(0.03)
    raise CannotWakeError(f"It does not get healthy: {why}. Its last words:\n\n{last_words(name)}")


def wake(folder, asked):
    """Have a branch answer: the release that was asked for, else what is live. Returns which."""
    before = live(folder)
    try:
        return rouse(folder, asked)
    except CannotWakeError:
        if asked or live(folder) == before:
            raise
    return wake(folder, asked)  # another build went live meanwhile, and the one before it was removed


def rouse(folder, asked):
    try:
        release = present(folder, asked)
        if not os.path.exists(marker(folder, release)):
            healthy(folder, release)
            return release
        with locked(folder, "wake", LOCKED):
            release = present(folder, asked)
            began = time.monotonic()
            if os.path.exists(marker(folder, release)):
                wake_up(folder, release)
            else:
                healthy(folder, release)
        say(f"{folder} {release} is awake after {time.monotonic() - began:.2f} s")
        return release
    except OSError as error:
        raise CannotWakeError(f"{error}.") from None


def present(folder, asked):
    """A release that is there: the one that was asked for, which no other can answer for, else what is live."""
    release = asked or live(folder)
    if not release:
        raise CannotWakeError("It has no build that works.")
    if not os.path.isdir(f"{ROOT}/{folder}/releases/{release}"):
        raise CannotWakeError(f"Its build {release.partition('@')[0]} is no longer there.")
    return release


def wake_up(folder, release):
    """Under the lock. What can't be woken goes back to sleep, so that it does not crash on and on."""
    try:
        rise(folder, release)
    except Exception:
        rest(folder, release)
        raise
    os.remove(marker(folder, release))


def say(what):
    print(what, flush=True)


class Wakes:
    """The wakes that are under way, one for each branch however many ask, and those that failed a moment ago."""

    def __init__(self, way=wake):
        self._way = way
        self._guard = threading.RLock()
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._known: dict[tuple[str, str], tuple[Future, float]] = {}

    def of(self, folder, release):
        """The future of a branch that wakes: its release, or the reason why not.

        The release is one that its URL names, else "": that failed is remembered of what is live now.
        """
        key = (folder, release or live(folder))
        with self._guard:
            future, until = self._known.get(key, (None, 0.0))
            if not future or time.monotonic() >= until:
                future = self._pool.submit(self._way, folder, release)
                self._known[key] = (future, math.inf)
                future.add_done_callback(lambda _: self._ended(key))
            return future

    def _ended(self, key):
        with self._guard:
            future, _ = self._known.pop(key)
            if future.exception():
                say(f"{key[0]} can't be woken: {future.exception()}")
                self._known[key] = (future, time.monotonic() + AGAIN)
