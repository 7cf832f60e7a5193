"""What is on an app host, read without depl: for comparing before and after.

Runs on the host as root. Usage: look.py PATHS_JSON, where the paths are those of tasks/model/layout.py. Prints JSON:
lists of names by kind, sorted.
"""

import fcntl
import http.client
import json
import os
import socket
import sys
import xmlrpc.client

paths = json.loads(sys.argv[1])


def ask(path, method, page, body=None):
    """The answer of a daemon behind a unix socket. Its own client would start a process, which takes longer."""
    connection = http.client.HTTPConnection("localhost", timeout=60)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(path)
    connection.request(method, page, body)
    answer = connection.getresponse().read()
    connection.close()
    return answer


def docker(page):
    return json.loads(ask("/run/docker.sock", "GET", page))


def tree():
    """Everything under depl's root, without the insides of releases' sockets and of routing tables."""
    found = []
    for folder, folders, files in os.walk(paths["root"]):
        if os.path.dirname(folder) == paths["tables"] and not folder.endswith(".new"):
            folders.clear()
            continue
        if os.path.basename(folder) == "run":
            continue
        for name in [*folders, *files]:
            path = os.path.join(folder, name)
            if os.path.dirname(path) != paths["tables"] or name.endswith(".new"):
                target = f" -> {os.readlink(path)}" if os.path.islink(path) else ""
                found.append(path + target)
    return sorted(one for one in found if not one.startswith((f"{paths['live']} ", f"{paths['live']}.back ")))


def containers():
    return sorted(f"{one['Names'][0]} {one['State']}" for one in docker("/containers/json?all=1"))


def images():
    return sorted(name for one in docker("/images/json") for name in one["RepoTags"] or [one["Id"]])


def programs():
    call = xmlrpc.client.dumps((), "supervisor.getAllProcessInfo")
    (found,), _ = xmlrpc.client.loads(ask("/run/supervisor.sock", "POST", "/RPC2", call))
    return sorted(f"{one['name']} {one['statename']}" for one in found)


def stat(pid):
    with open(f"/proc/{pid}/stat") as text:
        return text.read().rpartition(")")[2].split()


def processes():
    """What the deploying user runs, but for what supervisord runs on its behalf."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{pid}").st_uid != paths["uid"] or stat(pid)[0] == "Z":
                continue
            with open(f"/proc/{pid}/cmdline") as text:
                words = text.read().replace("\0", " ").strip()
        except OSError:
            continue
        if "/containers/" not in words and "systemd" not in words and "(sd-pam)" not in words:
            found.append(words[:120])
    return sorted(found)


def locked():
    with open(paths["lock"], "a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return ["locked"]
    return []


paths["uid"] = os.stat(paths["root"]).st_uid
print(
    json.dumps(
        {
            "tree": tree(),
            "containers": containers(),
            "images": images(),
            "programs": programs(),
            "processes": processes(),
            "lock": locked(),
            "tables": len([name for name in os.listdir(paths["tables"]) if name.isdigit()]),
        }
    )
)
