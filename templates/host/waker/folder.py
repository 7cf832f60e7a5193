"""A branch's folder on the host: what of it is live, whether that sleeps, and the lock that deploys take too."""

import fcntl
import glob
import json
import os
import re
import time
from contextlib import contextmanager
from datetime import UTC, datetime

ROOT = "/srv/depl"
FOLDER = re.compile(r"[a-z][a-z0-9-]*--[a-z0-9-]+", re.ASCII)
RELEASE = re.compile(r"\d{4}(\.\d\d){4}@\d", re.ASCII)


class CannotWakeError(Exception):
    """Says why, for whoever asked."""


GONE = CannotWakeError("There is no such branch any more.")


def read_json(path, default=None):
    try:
        with open(path, encoding="utf-8") as text:
            return json.load(text)
    except (OSError, ValueError):
        return default


def write_json(path, value):
    """The old content or the new, never half of it."""
    with open(f"{path}.new", "w", encoding="utf-8") as out:
        json.dump(value, out)
    os.rename(f"{path}.new", path)


def rename(old, new):
    """Give a file its other name, which it may have by now."""
    try:
        os.rename(old, new)
    except FileNotFoundError:
        return


def live(folder):
    """The release that visitors of a branch get; None where none was ever healthy."""
    try:
        name = os.path.basename(os.readlink(f"{ROOT}/{folder}/live/000"))
    except OSError:
        return None
    return name if RELEASE.fullmatch(name) else None


def marker(folder, release):
    return f"{ROOT}/{folder}/releases/{release}/asleep.json"


@contextmanager
def locked(folder, verb, patience):
    """Hold the app's lock, as deploys do; raises CannotWakeError where somebody keeps it, or the branch is gone."""
    path = f"{ROOT}/{folder}/lock"
    try:
        lock = open(path, "r+", encoding="utf-8")  # noqa: SIM115
    except FileNotFoundError:
        raise GONE from None
    with lock:
        take(lock, path, time.monotonic() + patience)
        since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        lock.truncate(0)
        lock.write(json.dumps({"who": "depl-waker", "since": since, "verb": verb, "id": "depl-waker"}))
        lock.flush()
        yield


def take(lock, path, end):
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() >= end:
                raise CannotWakeError(f"{read_json(path, {}).get('verb', 'Somebody')} is at work on it.") from None
            time.sleep(0.1)
    if not is_still(path, lock):  # who had it removed the branch; another one may have its label by now
        raise GONE


def is_still(path, file):
    """Whether the file of that name is the one that was opened."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def branches():
    """The folders of all branches."""
    return [one for one in sorted(os.listdir(ROOT)) if FOLDER.fullmatch(one)]


def job_under_way(folder):
    """Whether a job runs; its runner holds a lock."""
    for run in glob.glob(f"{ROOT}/{folder}/jobs/*.run"):
        try:
            with open(os.open(run, os.O_RDONLY | os.O_NONBLOCK), encoding="utf-8") as one:
                fcntl.flock(one, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            continue
    return False
