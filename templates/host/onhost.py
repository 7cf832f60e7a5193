"""What depl does on a host that takes more than one command. Standard library only.

It is sent over the SSH connection at each call, so it can't be older or newer than its caller:

    lock  HOME HOLDER_JSON                 answer "lock" and questions for facts while the connection lives
    facts HOME SITE_FILE HEALTH_PATH       print what is on this host, as JSON
    table HOME NUMBER DESCRIPTION_JSON     write a routing table and the link that a flip renames
    start HOME PROGRAM                     have supervisord run a program whose file is new
    wait  HOME CONTAINER SOCKET PATH SECONDS    wait until a container is healthy
"""

import concurrent.futures
import fcntl
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import sys
import time
import urllib.parse
import xmlrpc.client


class Unix(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(sock, method, path, body=None, timeout=5):
    connection = Unix(sock, timeout)
    try:
        connection.request(method, path, body, {"Content-Type": "text/xml"} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def read_json(path):
    """A file's JSON; None where it is missing, half-written or not JSON."""
    try:
        with open(path, encoding="utf-8") as text:
            return json.load(text)
    except (OSError, ValueError):
        return None


def docker(path):
    try:
        return json.loads(ask("/run/docker.sock", "GET", path)[1])
    except OSError as error:
        sys.exit(f"dockerd does not answer ({error}); see: systemctl status docker")


def memory(pid):
    """Bytes in use by a process's control group, of either version. Docker's own figure takes a second."""
    try:
        with open(f"/proc/{pid}/cgroup", encoding="ascii") as groups:
            paths = dict(line.strip().split(":", 2)[1:] for line in groups)
        if "memory" in paths:
            usage = f"/sys/fs/cgroup/memory{paths['memory']}/memory.usage_in_bytes"
        else:
            usage = f"/sys/fs/cgroup{paths['']}/memory.current"
        with open(usage, encoding="ascii") as number:
            return int(number.read())
    except (OSError, ValueError, KeyError):
        return None


def container(summary):
    found = docker(f"/containers/{summary['Id']}/json")
    state = found["State"]
    return {
        "name": found["Name"].lstrip("/"),
        "version": found["Config"]["Labels"].get("depl.version"),
        "image": found["Config"]["Image"],
        "image_id": found["Image"],
        "state": state["Status"],
        "exit": state["ExitCode"],
        "oom": state["OOMKilled"],
        "started": state["StartedAt"],
        "memory": memory(state["Pid"]) if state["Running"] else None,
    }


def containers():
    wanted = urllib.parse.quote(json.dumps({"label": [f"depl.app={app}"]}))
    return [container(one) for one in docker(f"/containers/json?all=1&filters={wanted}")]


def supervisor(method, *words):
    call = xmlrpc.client.dumps(words, f"supervisor.{method}")
    try:
        _, body = ask("/run/supervisor.sock", "POST", "/RPC2", call, timeout=30)
    except OSError as error:
        sys.exit(f"supervisord does not answer ({error}); see: systemctl status supervisor")
    (answer,), _ = xmlrpc.client.loads(body)
    return answer


def programs():
    answer = supervisor("getAllProcessInfo")
    ours = re.compile(re.escape(app) + r"-\d{4}\.")
    return {one["name"]: one["statename"] for one in answer if ours.match(one["name"])}


def health(release, health_path):
    """The status of the health page, 0 where nobody listens, None where there is no socket."""
    sock = f"{home}/releases/{release}/run/web.sock"
    if not os.path.exists(sock):
        return None
    try:
        return ask(sock, "GET", health_path, timeout=3)[0]
    except (OSError, http.client.HTTPException):
        return 0


def listing(folder):
    try:
        return sorted(os.listdir(f"{home}/{folder}"))
    except FileNotFoundError:
        return []


def link(path):
    try:
        return os.readlink(f"{home}/{path}")
    except OSError:
        return None


def live():
    """The live table: its description, and what its buckets really lead to."""
    target = link("live")
    if not target:
        return None
    counts = {}
    try:
        for bucket in os.listdir(f"{home}/{target}"):
            if len(bucket) == 3:
                folder = os.path.basename(os.readlink(f"{home}/{target}/{bucket}"))
                counts[folder] = counts.get(folder, 0) + 1
    except OSError:
        return {"link": target, "table": None, "counts": {}}
    return {"link": target, "table": read_json(f"{home}/{target}/table.json"), "counts": counts}


def audit():
    """The last lines, newest last; a torn line is left out."""
    try:
        with open(f"{home}/audit.jsonl", "rb") as log:
            log.seek(max(0, os.path.getsize(log.name) - 16384))
            lines = log.read().decode(errors="replace").splitlines()[-50:]
    except OSError:
        return []
    entries = []
    for line in lines:
        try:
            entries.append(json.loads(line))
        except ValueError:
            continue
    return entries


def holder():
    """Who holds the lock; None where nobody does."""
    try:
        with open(f"{home}/lock", encoding="utf-8") as held:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return read_json(f"{home}/lock") or {}
    except OSError:
        return None
    return None


def digest(path):
    try:
        with open(path, "rb") as content:
            return hashlib.sha256(content.read()).hexdigest()
    except OSError:
        return None


def facts(site, health_path):
    """Read everything in one go: one round trip tells a planner all it must know."""
    releases = [one for one in listing("releases") if "@" in one]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = pool.map(health, releases, [health_path] * len(releases))
        seen = {
            release: {"description": read_json(f"{home}/releases/{release}/release.json"), "health": answer}
            for release, answer in zip(releases, answers)
        }
    json.dump(
        {
            "clock": time.time(),
            "disk_free": min(shutil.disk_usage(path).free for path in ("/srv", "/var/lib/docker")),
            "site": digest(site),
            "live": live(),
            "tables": {n: read_json(f"{home}/routes/{n}/table.json") for n in listing("routes") if n.isdigit()},
            "releases": seen,
            "versions": {one: link(f"versions/{one}") for one in listing("versions")},
            "slots": {one: link(f"slots/{one}") for one in listing("slots")},
            "containers": containers(),
            "programs": programs(),
            "audit": audit(),
            "holder": holder(),
        },
        sys.stdout,
    )


def lock(about):
    """Answer questions, a line each, until our input ends: "lock" takes the lock, a list asks for the facts.

    The kernel lets go of the lock with this process.
    """
    os.makedirs(home, exist_ok=True)
    with open(f"{home}/lock", "a+", encoding="utf-8") as held:
        for line in sys.stdin:
            question = json.loads(line)
            if question == "lock":
                print(json.dumps(taken(held, about)), flush=True)
            else:
                facts(*question)
                print(flush=True)


def taken(held, about):
    """Take the lock and say so, or say who has it."""
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return {"holder": read_json(held.name) or {}}
    try:
        held.truncate(0)
        held.write(about)
        held.flush()
    except OSError:
        pass  # a full disk doesn't keep anybody from making room: the lock is held all the same
    return {"locked": True}


def table(number, text):
    """Write a table whole or not at all: it is built under another name and renamed.

    The description's `runs` says which folder serves how many buckets, in the order of buckets:
    [["releases/2026.11.22.12.05@3", 950], …].
    """
    description = json.loads(text)
    final = f"{home}/routes/{number}"
    draft = f"{final}.new"
    shutil.rmtree(draft, ignore_errors=True)
    os.makedirs(draft)
    bucket = 0
    for folder, count in description["runs"]:
        for _ in range(count):
            os.symlink(f"../../{folder}", f"{draft}/{bucket:03d}")
            bucket += 1
    with open(f"{draft}/table.json", "w", encoding="utf-8") as out:
        json.dump(description, out)
        out.flush()
        os.fsync(out.fileno())
    os.rename(draft, final)
    following = f"{home}/live.new"
    if os.path.lexists(following):
        os.remove(following)
    os.symlink(f"routes/{number}", following)


def start(name):
    """Have supervisord run the program whose file was just written. supervisorctl takes half a second for it."""
    try:
        ((_, changed, _),) = supervisor("reloadConfig")
        if name in changed:
            supervisor("stopProcessGroup", name)
            supervisor("removeProcessGroup", name)
        supervisor("addProcessGroup", name)
    except xmlrpc.client.Fault as fault:
        if not fault.faultString.startswith("ALREADY_ADDED"):
            sys.exit(f"supervisord: {fault.faultString}")


def wait(name, sock, path, seconds):
    """Exit 0 with the time it took, or 1 with the reason: a container that died is not waited for."""
    began = time.monotonic()
    last = "no answer"
    while (spent := time.monotonic() - began) < float(seconds):
        try:
            status, _ = ask(sock, "GET", path)
            if status == 200:
                print(f"GET {path} 200")
                return
            last = f"GET {path} answered {status}"
        except (OSError, http.client.HTTPException) as error:
            last = f"GET {path}: {error}"
        state = docker(f"/containers/{name}/json").get("State")
        if state is None:
            sys.exit(f"there is no container {name}")
        if state["Error"]:
            sys.exit(f"can't be started: {state['Error']}")
        why = ", out of memory" if state["OOMKilled"] else ""
        if state["Status"] == "exited":
            sys.exit(f"exited {state['ExitCode']} after {spent:.1f} s{why}")
        if not state["FinishedAt"].startswith("0001-"):
            sys.exit(f"exited and was started again within {spent:.1f} s{why}")
        time.sleep(0.05)
    sys.exit(f"not healthy after {seconds} s: {last}")


verb, home, *words = sys.argv[1:]
app = os.path.basename(home)
try:
    {"facts": facts, "lock": lock, "start": start, "table": table, "wait": wait}[verb](*words)
except OSError as failure:
    sys.exit(str(failure))  # a full disk, a missing right: one line says it
