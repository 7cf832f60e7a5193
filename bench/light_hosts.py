"""Light hosts: many sshds on one app host, each with a /srv/depl of its own. Run as root on that app host.

    light_hosts.py up COUNT SECONDS     start them, on ports 2300 to 2300 + COUNT; they end by themselves after SECONDS
    light_hosts.py flips COUNT          when each host's live link was last renamed, in ns (the kernel's clock), as JSON
    light_hosts.py cpu COUNT            seconds of processor time that the first COUNT hosts have used, sshd and all it started
    light_hosts.py commands SINCE       commands that the host at port 2300 was asked to run since a time (its log says)
    light_hosts.py down

and what can happen to a host, the one at PORT:

    light_hosts.py stop PORT, start PORT     its sshd ends with all that it started, for good; it comes back
    light_hosts.py freeze PORT, thaw PORT    all its processes stand still, while the kernel goes on taking packets
    light_hosts.py cut PORT                  its connections break; new ones are taken
    light_hosts.py hang PORT                 its docker takes requests and never answers (a stand-in's socket, mounted there)
    light_hosts.py sessions PORT             how many processes its sshd has started that are still there

What a light host has of its own: sshd (Debian's, as configured here, with PAM), lock, routing tables, live link, audit
file. What all share: the kernel, dockerd, supervisord, the containers and their sockets, as they really run here.
Port 2300 is one more host whose sshd logs each command.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time

REAL = "/srv/depl"
STATE = "/srv/depl-light"
SHARED = "/run/depl-light"
UNIT = "/run/systemd/system/depl-light@.service"
HUNG = "/run/depl-light-hung.sock"
CONFIG = f"{STATE}/sshd_config"
FIRST = 2300
OWN = ("routes", "live", "live.new", "live.back", "audit.jsonl", "lock")
UNIT_TEXT = """[Unit]
Description=A light host: an sshd with a tree of its own
[Service]
Type=notify
ExecStart=/usr/sbin/sshd -D -f {config} -p %i
BindPaths={state}/%i:{real}
RuntimeMaxSec={seconds}
"""
SSHD_TEXT = """Include /etc/ssh/sshd_config
PidFile none
Match LocalPort {first}
  LogLevel VERBOSE
"""


def run(*argv: str) -> None:
    subprocess.run(argv, check=True)


def up(count: int, seconds: int) -> None:
    down()
    os.makedirs(SHARED)
    run("mount", "--bind", REAL, SHARED)
    owner = pwd.getpwnam("depl")
    os.makedirs(STATE)
    with open(CONFIG, "w", encoding="ascii") as out:
        out.write(SSHD_TEXT.format(first=FIRST))
    with open(UNIT, "w", encoding="ascii") as out:
        out.write(UNIT_TEXT.format(config=CONFIG, state=STATE, real=REAL, seconds=seconds))
    ports = range(FIRST, FIRST + count + 1)
    for port in ports:
        grow(REAL, f"{STATE}/{port}", owner)
    run("systemctl", "daemon-reload")
    run("systemctl", "start", *(f"depl-light@{port}" for port in ports))


def grow(there: str, here: str, owner: pwd.struct_passwd) -> None:
    """Copy a tree but for what a host has of its own; a folder with sockets is the real one, by a link."""
    os.mkdir(here)
    os.chown(here, owner.pw_uid, owner.pw_gid)
    for entry in os.scandir(there):
        path = f"{here}/{entry.name}"
        if entry.name in OWN:
            continue
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), path)
        elif entry.is_dir() and any(stat.S_ISSOCK(one.stat().st_mode) for one in os.scandir(entry.path)):
            os.symlink(entry.path.replace(REAL, SHARED, 1), path)
        elif entry.is_dir():
            grow(entry.path, path, owner)
        elif entry.is_file():
            shutil.copy2(entry.path, path)
            os.chown(path, owner.pw_uid, owner.pw_gid)


def down() -> None:
    subprocess.run(["systemctl", "kill", "--signal=CONT", "depl-light@*"], check=False, capture_output=True)
    subprocess.run(["systemctl", "stop", "depl-light@*", "depl-light-hung"], check=False, capture_output=True)
    subprocess.run(["systemctl", "reset-failed", "depl-light@*"], check=False, capture_output=True)
    if os.path.ismount(SHARED):
        run("umount", SHARED)
        os.rmdir(SHARED)
    if os.path.exists(HUNG):
        os.remove(HUNG)
    if os.path.exists(UNIT):
        os.remove(UNIT)
        run("systemctl", "daemon-reload")
    shutil.rmtree(STATE, ignore_errors=True)


def unit(port: int) -> str:
    return f"depl-light@{port}"


def stop(port: int) -> None:
    run("systemctl", "stop", unit(port))


def start(port: int) -> None:
    run("systemctl", "start", unit(port))


def freeze(port: int) -> None:
    run("systemctl", "kill", "--signal=STOP", unit(port))


def thaw(port: int) -> None:
    run("systemctl", "kill", "--signal=CONT", unit(port))


def main_process(port: int) -> int:
    show = ["systemctl", "show", "--property=MainPID", "--value", unit(port)]
    return int(subprocess.run(show, capture_output=True, text=True, check=True).stdout)


def started(port: int) -> list[int]:
    """Its processes but for the one that listens."""
    show = ["systemctl", "show", "--property=ControlGroup", "--value", unit(port)]
    group = subprocess.run(show, capture_output=True, text=True, check=True).stdout.strip()
    mounts = ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup")
    path = next(path for mount in mounts if os.path.exists(path := f"{mount}{group}/cgroup.procs"))
    with open(path, encoding="ascii") as processes:
        return [int(one) for one in processes if int(one) != main_process(port)]


def sessions(port: int) -> None:
    print(len(started(port)))


def cut(port: int) -> None:
    for process in started(port):
        os.kill(process, signal.SIGKILL)


def hang(port: int) -> None:
    listen = f"import os, socket, time; s = socket.socket(1); s.bind('{HUNG}'); os.chmod('{HUNG}', 0o666); s.listen(64); time.sleep(900)"
    run("systemd-run", "--quiet", "--unit=depl-light-hung", "python3", "-c", listen)
    while not os.path.exists(HUNG):
        time.sleep(0.01)
    run("nsenter", "--target", str(main_process(port)), "--mount", "mount", "--bind", HUNG, "/run/docker.sock")


def flips(count: int) -> None:
    links = [f"{STATE}/{port}/app1/live" for port in range(FIRST + 1, FIRST + count + 1)]
    print(json.dumps([os.lstat(link).st_ctime_ns for link in links]))


def cpu(count: int) -> None:
    ticks = 0
    for port in range(FIRST + 1, FIRST + count + 1):
        with open(f"/proc/{main_process(port)}/stat", encoding="ascii") as about:
            ticks += sum(map(int, about.read().rpartition(")")[2].split()[11:15]))  # its own, and its ended children's
    print(ticks / os.sysconf("SC_CLK_TCK"))


def commands(since: int) -> None:
    log = subprocess.run(
        ["journalctl", "-u", f"depl-light@{FIRST}", "--since", f"@{since}", "-o", "cat"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    print(log.count("Starting session: command"))


if __name__ == "__main__":
    verb, *words = sys.argv[1:]
    verbs = (up, down, flips, cpu, commands, stop, start, freeze, thaw, cut, hang, sessions)
    {one.__name__: one for one in verbs}[verb](*map(int, words))
