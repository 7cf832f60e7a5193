"""Run a command at the times of a cron line, in UTC: `python3 run_job.py NAME SCHEDULE COMMAND…`.

This is the process of a component with a schedule, in the app's image, with cronsim beside it. At a promote, that of
the old version and that of the new one are both at work for a moment, so each time is claimed before it is run: under
a lock, in a file of the host that all of them share. What was due while none was at work is run a little later.

Asked to end, it begins nothing more and waits for the run under way.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from cronsim import CronSim

FOLDER = Path("/run/depl/jobs")
LATE = 600
"""Seconds after its time that a run may begin."""
SET_BACK = 3 * 3600
"""Seconds from which on a claim of the future is a clock's mistake. Until then its times are not run a second time."""
LOOK = 30
"""Seconds after which it looks at the clock again in any case: somebody may have set it."""
AWAITED = {getattr(signal, f"SIG{name}") for name in ("CHLD", "TERM", "INT", "QUIT", "HUP", "USR1", "USR2")}
"""The end of a run, and all that a component may have as its `stop_signal`."""
NOT_BEGUN = 127
"""The exit code of a run that could not begin, as shells have it."""


def say(text):
    print(f"depl: {text}", flush=True)


def stamp(seconds):
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%MZ")


# --- times: all are seconds since 1970 ---


def latest(schedule, now):
    """The newest time of a schedule that is not after now."""
    return _first(CronSim(schedule, datetime.fromtimestamp(int(now) + 1, UTC), reverse=True))


def upcoming(schedule, now):
    """The first time of a schedule that is after now."""
    return _first(CronSim(schedule, datetime.fromtimestamp(int(now), UTC)))


def _first(times):
    return next(times).timestamp()


def due(schedule, claimed, now):
    """The time that is to be run now; None where there is none."""
    if claimed > now + SET_BACK:
        claimed = now - LATE
    at = latest(schedule, now)
    return at if at > max(claimed, now - LATE) else None


# --- claims ---


class Claims:
    """What the runners of a job on this host tell each other: `NAME.json`, and two locks beside it.

    One lock is held for the moment of a change, the other one by a run for as long as it takes.
    """

    def __init__(self, folder, name):
        self.path = folder / f"{name}.json"

    def read(self):
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found = None
        return found if isinstance(found, dict) and isinstance(found.get("claimed"), int | float) else {}

    def begin(self, now):
        """The last time that was claimed. What was due before the first runner ever came is nobody's."""
        with self._alone() as record:
            if not record:
                record["claimed"] = now
                self._write(record)
            return record["claimed"]

    def claim(self, at, now):
        """The lock of a run that is to begin now. None where it is another's, or has to be skipped for another."""
        with self._alone() as record:
            if at <= record.get("claimed", 0) <= now + SET_BACK:
                return None
            record["claimed"] = at
            run = self._run()
            if run:
                record.update(begun=now, ended=None, exit=None, seconds=None)
            else:
                record["skipped"] = record.get("skipped", 0) + 1
            try:
                self._write(record)
            except OSError:
                if run:
                    run.close()
                raise
        if not run:
            say(f"the run of {stamp(at)} is skipped: the one before it is still under way")
        return run

    def end(self, run, code, seconds, now):
        """Write down how a run ended, and let go of its lock."""
        with run, self._alone() as record:
            self._write({**record, "ended": now, "exit": code, "seconds": round(seconds, 3)})

    def _run(self):
        lock = self.path.with_suffix(".run").open("w")
        for _ in range(5):  # `inv status` may have it for a microsecond, to see whether a run is under way
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.01)
            else:
                return lock
        lock.close()
        return None

    @contextmanager
    def _alone(self):
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self.read()

    def _write(self, record):
        draft = self.path.with_suffix(".new")
        with draft.open("w", encoding="utf-8") as out:
            json.dump(record, out)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(self.path)


# --- runs ---


class Run:
    """A run under way, with the lock that it holds."""

    def __init__(self, command, at, lock):
        self.at, self.lock, self.began = at, lock, uptime()
        self.process = None
        try:
            variables = {**os.environ, "DEPL_DUE": stamp(at)}
            self.process = subprocess.Popen(command, env=variables, stdin=subprocess.DEVNULL, preexec_fn=unblock)
        except OSError as error:
            say(f"can't begin: {error}")

    def ended(self, claims):
        """Whether it has come to its end, which is then written down."""
        code = self.process.poll() if self.process else NOT_BEGUN
        if code is None:
            return False
        code, seconds = code if code >= 0 else 128 - code, uptime() - self.began
        say(f"the run of {stamp(self.at)} ended: exit code {code} after {seconds:.1f} s")
        told(claims.end, self.lock, code, seconds, time.time())
        return True


def begin(command, claims, at):
    """Claim and begin a run; None where it is not ours to do."""
    now = time.time()
    lock = told(claims.claim, at, now)
    if not lock:
        return None
    say(f"the run of {stamp(at)} begins" + (f", {now - at:.0f} s late" if now - at >= 2 else ""))
    return Run(command, at, lock)


def told(do, *words):
    """Do something with the file of claims; on a full disk say so. A run that can't be claimed doesn't begin."""
    try:
        return do(*words)
    except OSError as error:
        say(f"{error.filename or FOLDER}: {error.strerror}")
        return None


def uptime():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def unblock():
    signal.pthread_sigmask(signal.SIG_UNBLOCK, AWAITED)


def serve(schedule, command, claims):
    """Begin what is due until asked to end, and then wait for what is under way."""
    signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)
    claims.begin(time.time())  # or fail, which whoever started us sees
    say(f"next run: {stamp(upcoming(schedule, time.time()))}")
    run, ending = None, False
    while True:
        if run and run.ended(claims):
            run = None
        if ending and not run:
            return
        if not ending:
            run = look(schedule, command, claims) or run
        now = time.time()
        signalled = signal.sigtimedwait(AWAITED, min(LOOK, max(0.05, upcoming(schedule, now) - now)))
        ending = ending or bool(signalled and signalled.si_signo != signal.SIGCHLD)


def look(schedule, command, claims):
    """Begin what is due now; None where nothing is, or can be."""
    claimed = told(claims.begin, time.time())
    at = due(schedule, claimed, time.time()) if claimed is not None else None
    return begin(command, claims, at) if at else None


def main(name, schedule, *command):
    if not shutil.which(command[0]):
        sys.exit(f"depl: {command[0]!r}, which is to run at {schedule!r}, is no program of this image")
    serve(schedule, command, Claims(FOLDER, name))


if __name__ == "__main__":
    main(*sys.argv[1:])
