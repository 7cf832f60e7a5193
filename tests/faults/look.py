"""What is on an app host, read without depl: for comparing before and after.

Runs on the host as root. Usage: look.py PATHS_JSON, where the paths are those of tasks/model/layout.py. Prints JSON:
lists of names by kind, sorted.
"""

import fcntl
import json
import os
import subprocess
import sys

paths = json.loads(sys.argv[1])


def lines(*argv):
    return sorted(subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines())


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


def programs():
    """supervisord's programs. Its exit code tells of stopped ones, so it is not looked at."""
    said = subprocess.run(["supervisorctl", "status"], capture_output=True, text=True, check=False).stdout
    return sorted(" ".join(line.split()[:2]) for line in said.splitlines() if line.strip())


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
            "containers": lines("docker", "ps", "--all", "--format", "{{.Names}} {{.State}}"),
            "images": lines("docker", "images", "--format", "{{.Repository}}:{{.Tag}}"),
            "programs": programs(),
            "processes": processes(),
            "lock": locked(),
            "tables": len([name for name in os.listdir(paths["tables"]) if name.isdigit()]),
        }
    )
)
