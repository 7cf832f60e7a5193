"""Write down how the apps on this host do, for monitoring to read: figures FOLDER [ROOT [LOGS]].

Of each app a file FOLDER/<app>.json: whether what is live answers; requests, errors and 95th percentile per version
in the last five minutes of nginx's log; the share of buckets that lead to a canary; and containers.
Standard library only; a timer runs it each minute, as the user who deploys. A file is whole or not there.
"""

import calendar
import collections
import contextlib
import glob
import http.client
import json
import os
import socket
import sys
import time

WINDOW = 300
"""Seconds of log that are counted."""
BLOCK = 1 << 20
MOST = 64 << 20
"""Bytes of a log that are read at most: a host with more in five minutes is told by its latest ones."""
AGAIN = 60
"""Seconds after which a container that starts is one that starts again."""


class Local(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path, seconds=5):
        super().__init__("localhost", timeout=seconds)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def asked(path, page):
    """The status and the text that a socket answers with; 0 where it answers nothing."""
    connection = Local(path)
    try:
        connection.request("GET", page)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def lines(path, since):
    """The records of a log from a moment on, latest first."""
    with open(path, "rb") as file:
        end = begin = file.seek(0, os.SEEK_END)
        rest = b""
        while begin and end - begin < MOST:
            size = min(BLOCK, begin)
            begin -= size
            file.seek(begin)
            first, *whole = (file.read(size) + rest).split(b"\n")
            rest = first
            for line in reversed(whole if begin else [first, *whole]):
                found = record(line)
                if found and found["time"] < since:
                    return
                if found:
                    yield found


def record(line):
    """A line as data; None for one that tells nothing of live traffic."""
    try:
        found = json.loads(line)
        if found.get("preview") or not found["version"]:
            return None
        return {key: kind(found[key]) for key, kind in
                (("time", float), ("version", str), ("status", int), ("request_time", float))}  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def versions(log, now):
    """Requests, errors in per cent, and the 95th percentile in seconds, of each version that served."""
    times, errors = collections.defaultdict(list), collections.Counter()
    for path in (log, f"{log}.1"):
        with contextlib.suppress(OSError):
            for one in lines(path, now - WINDOW):
                times[one["version"]].append(one["request_time"])
                errors[one["version"]] += one["status"] >= 500
    return [
        {"version": version, "requests": len(found), "errors": round(100 * errors[version] / len(found), 3),
         "p95": sorted(found)[max(0, -(-95 * len(found) // 100) - 1)]}
        for version, found in sorted(times.items())
    ]  # fmt: skip


def routes(home):
    """The live release, and the share of the canary's buckets in per cent.

    Which of them is live, the table's description says: a canary may have most buckets. Where it is torn, what most
    lead to is live, and the rest are a canary's.
    """
    table = os.path.realpath(f"{home}/live")
    leads = collections.Counter()
    for bucket in sorted(os.listdir(table)) if os.path.isdir(table) else ():
        with contextlib.suppress(OSError):
            leads[os.path.basename(os.readlink(f"{table}/{bucket}"))] += 1
    leads.pop("nothing", None)
    if not leads:
        return None, 0
    live, canary = described(table)
    if not live:
        live, count = leads.most_common(1)[0]
        return live, round(100 * (1 - count / leads.total()), 1)
    return live, round(100 * leads[canary] / leads.total(), 1)


def described(table):
    """The live release and the canary that a table's description names, "" for each that it doesn't."""
    try:
        with open(f"{table}/table.json", encoding="utf-8") as file:
            found = json.load(file)
        return [os.path.basename(found.get(arm) or "") for arm in ("live", "canary")]
    except (OSError, ValueError, TypeError, AttributeError):
        return "", ""


def containers(app, now):
    """How many containers of an app run, and how many of them started again lately."""
    query = "%7B%22label%22%3A%5B%22depl.app%3D" + app + "%22%5D%7D"
    status, text = asked("/run/docker.sock", f"/containers/json?filters={query}")
    there = json.loads(text) if status == 200 else []
    again = 0
    for one in there:
        _, about = asked("/run/docker.sock", f"/containers/{one['Id']}/json")
        state = json.loads(about or b"{}").get("State", {})
        started = seconds(state.get("StartedAt", ""))
        again += started - one["Created"] > AGAIN and now - started < 2 * WINDOW
    return {"running": len(there), "restarted": again}


def seconds(moment):
    """Seconds since 1970 of what docker writes: 2026-11-22T12:05:00.123456789Z."""
    try:
        return calendar.timegm(time.strptime(moment[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return 0


def figures(app, root, logs, now):
    home = f"{root}/{app}"
    live, share = routes(home)
    served = versions(f"{logs}/depl-{app}.log", now)
    began = time.monotonic()
    # What the site's health path is, only the app's description knows; any answer below 500 says that it lives.
    status = asked(f"{home}/releases/{live}/run/web.sock", "/")[0] if live else 0
    return {
        "clock": int(now),
        "live": {"version": live.partition("@")[0] if live else "", "answers": int(0 < status < 500),
                 "seconds": round(time.monotonic() - began, 3)},
        "canary_share": share,
        "requests": sum(one["requests"] for one in served),
        "versions": served,
        "containers": containers(app, now),
    }  # fmt: skip


def main(folder, root="/srv/depl", logs="/var/log/nginx"):
    now = time.time()
    for link in glob.glob(f"{root}/*/live"):
        app = os.path.basename(os.path.dirname(link))
        with open(f"{folder}/{app}.json.new", "w") as file:
            json.dump(figures(app, root, logs, now), file)
        os.chmod(file.name, 0o644)
        os.replace(file.name, f"{folder}/{app}.json")


if __name__ == "__main__":
    main(*sys.argv[1:])
