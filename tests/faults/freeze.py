"""Freeze, or thaw, the process that depl started on a host. Runs there as root: freeze.py freeze | told | thaw.

`told` waits until something was said to the frozen process that it could not hear.
"""

import fcntl
import os
import subprocess
import sys
import termios
import time

OLD = "/sys/fs/cgroup/freezer"  # where control groups are of version 1
(what,) = sys.argv[1:]
top, switch, words = (OLD, "freezer.state", ("THAWED", "FROZEN")) if os.path.isdir(OLD) else (
    "/sys/fs/cgroup", "cgroup.freeze", ("0", "1")
)  # fmt: skip
group = f"{top}/depl-stalled-{os.stat('/proc/1/ns/pid').st_ino}"  # hosts may share the control groups of one machine


def write(name, text):
    with open(f"{group}/{name}", "w") as out:
        out.write(text)


def unheard(pid):
    """How many bytes wait at a process's standard input."""
    with open(f"/proc/{pid}/fd/0", "rb", buffering=0) as pipe:
        return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, b"0000"), sys.byteorder)


if what == "told":
    with open(f"{group}/cgroup.procs") as listed:
        frozen = listed.read().split()
    for _ in range(600):
        if any(unheard(pid) for pid in frozen):
            break
        time.sleep(0.1)
    else:
        sys.exit("nothing was said to it in a minute")
elif what == "freeze":
    os.makedirs(group, exist_ok=True)
    found = subprocess.run(
        ["pgrep", "--uid", "depl", "--full", "onhost.py"], capture_output=True, text=True, check=True
    )
    for pid in found.stdout.split():
        write("cgroup.procs", pid)
    write(switch, words[1])
else:
    write(switch, words[0])
    for _ in range(600):  # they end by themselves, since nobody listens to them any more
        try:
            os.rmdir(group)
            break
        except OSError:
            time.sleep(0.1)
