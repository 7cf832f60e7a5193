"""The same change brought to the same hosts by depl, by an Ansible playbook and by Capistrano: how long each takes.

Run on the machine that holds the sandbox: python -m bench.peers [RUNS]. All three run on the deploy host, as its operating
user, with the key that depl uses, and log in to the app hosts as the user that depl uses; times are taken there. Each run has
a commit of its own, like the one before but for one line, which every tool brings to life in turn. Then each sends traffic
to the release before and to the new one again: promote alone. Ansible and depl remove old releases outside of these times; Capistrano does so within them.

The peers are in bench/peers/. They have nginx sites on ports of their own beside depl's, which they don't touch; all that they
made is removed in the end, but for Debian's packages git (app hosts) and capistrano (deploy host). Writes build/bench/peers.json.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import hosts

APP_HOSTS = ("app1", "app2")
RUNS = 5
ANSIBLE = "cd /vagrant/bench/peers/ansible && export ANSIBLE_CONFIG=$PWD/ansible.cfg && "
CAPISTRANO = "cd /vagrant/bench/peers/capistrano && "
BARE = "$HOME/depl-peers/git/app.git"
TIMER = """
import json, subprocess, sys, time
began = time.monotonic()
done = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
print(json.dumps([round(time.monotonic() - began, 3), done.returncode, done.stdout]))
"""


def on_deploy(script: str, *words: str) -> tuple[float, str]:
    """Run a line of shell on the deploy host; returns its seconds there, and what it printed."""
    answer = hosts.run("deploy", "python3", "-c", TIMER, "bash", "-o", "pipefail", "-ec", script, "peers", *words)
    seconds, code, said = json.loads(answer)
    if code:
        raise SystemExit(f"{script} {' '.join(words)}: exit status {code}\n{said}")
    return float(seconds), str(said)


def curl(host: str, port: int) -> dict[str, Any]:
    """What a tool's live release says of itself on a host; nothing where none answers."""
    ask = f"curl --silent --max-time 5 --header 'Host: app1.foo' http://127.0.0.1:{port}/version || true"
    try:
        found: dict[str, Any] = json.loads(hosts.run(host, "sh", "-c", ask))
    except ValueError:
        return {}
    return found


def expect(ref: str, port: int) -> None:
    """Stop the measurement unless a commit is what both hosts serve."""
    for host in APP_HOSTS:
        found = curl(host, port).get("commit")
        if found != ref:
            raise SystemExit(f"{host}, port {port}: {found} answers, not {ref}")


@dataclass
class Depl:
    """inv buildinst, promote."""

    versions: dict[str, str] = field(default_factory=dict)

    def deploy(self, ref: str) -> dict[str, float]:
        buildinst, said = on_deploy('cd /vagrant && inv buildinst --ref "$1"', ref)
        self.versions[ref] = next(line.split()[1] for line in said.splitlines() if line.startswith("Version "))
        promote = self.promote(ref)
        return {"buildinst": buildinst, "promote": promote}

    def promote(self, ref: str) -> float:
        seconds, _ = on_deploy('cd /vagrant && inv promote --version "$1"', self.versions[ref])
        expect(ref, 80)
        return seconds

    def prepare(self, ref: str) -> None:
        """The release before still runs."""

    def retire(self, _ref: str) -> float:
        return on_deploy("cd /vagrant && inv prune")[0]


class Ansible:
    """ansible-playbook site.yml: build, start, promote."""

    def deploy(self, ref: str) -> dict[str, float]:
        seconds = self.play("site", ref)
        expect(ref, 8091)
        return {"site.yml": seconds}

    def promote(self, ref: str) -> float:
        seconds = self.play("promote", ref)
        expect(ref, 8091)
        return seconds

    def prepare(self, ref: str) -> None:
        """Start the release before, where it was stopped."""
        self.play("start", ref)

    def retire(self, ref: str) -> float:
        return self.play("retire", ref)

    def play(self, book: str, ref: str) -> float:
        return on_deploy(ANSIBLE + 'ansible-playbook "$1.yml" -e ref="$2"', book, ref)[0]


@dataclass
class Capistrano:
    """cap production deploy: a checkout on each host, the link `current`, a HUP for gunicorn."""

    releases: dict[str, str] = field(default_factory=dict)

    def deploy(self, ref: str) -> dict[str, float]:
        on_deploy(f'git -C {BARE} update-ref refs/heads/change "$1"', ref)
        seconds = self.change(lambda: on_deploy(CAPISTRANO + "cap production deploy"))
        self.releases[ref] = self.current("app1", "readlink")
        for host in APP_HOSTS:
            if self.current(host, "cat", "/REVISION") != ref:
                raise SystemExit(f"{host}: current is not {ref}")
        return {"deploy": seconds}

    def promote(self, ref: str) -> float:
        release = self.releases[ref].rpartition("/")[2]
        call = CAPISTRANO + 'cap production deploy:promote RELEASE="$1"'
        seconds = self.change(lambda: on_deploy(call, release))
        if {self.current(host, "readlink") for host in APP_HOSTS} != {self.releases[ref]}:
            raise SystemExit(f"Capistrano's current is not {release}")
        return seconds

    def prepare(self, ref: str) -> None:
        """The release before is still on the hosts."""

    def retire(self, _ref: str) -> float:
        return 0.0  # its deploy does it

    def current(self, host: str, *words: str) -> str:
        command, *rest = words
        return hosts.run(host, command, f"/srv/depl/peer-capistrano/current{''.join(rest)}").strip()

    def change(self, act: Callable[[], tuple[float, str]]) -> float:
        """Time a change, and wait outside of that time until new workers serve it."""
        before = {host: curl(host, 8092).get("started") for host in APP_HOSTS}
        seconds, _ = act()
        deadline = time.monotonic() + 90
        for host in APP_HOSTS:
            while (started := curl(host, 8092).get("started")) in (None, before[host]):
                if time.monotonic() > deadline:
                    raise SystemExit(f"{host}: Capistrano's release doesn't answer; started {started}")
                time.sleep(0.2)
        return seconds


Tool = Depl | Ansible | Capistrano


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    tools: dict[str, Tool] = {"depl": Depl(), "ansible": Ansible(), "capistrano": Capistrano()}
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in tools}
    try:
        before = commit()
        set_up(before)
        for name, tool in tools.items():
            print(f"  first {name} deploy: {sum(tool.deploy(before).values()):.1f} s", flush=True)
        for n in range(runs):
            ref = commit()
            # Who goes first changes from run to run.
            for name in [*tools][n % len(tools) :] + [*tools][: n % len(tools)]:
                found[name].append(measure(name, tools[name], ref, before))
            before = ref
    finally:
        clean_up()
    report(found)


def measure(name: str, tool: Tool, ref: str, before: str) -> dict[str, Any]:
    """One run of one tool: the change end to end, then back and forth by promote alone."""
    load = os.getloadavg()[0]
    parts = tool.deploy(ref)
    tool.prepare(before)
    promote = [tool.promote(before), tool.promote(ref)]
    total = round(sum(parts.values()), 3)
    print(f"  {name:<11} {total:6.2f} s, promote {promote[0]:.2f} and {promote[1]:.2f} s", flush=True)
    return {
        "build_to_promoted_s": total,
        "parts_s": parts,
        "promote_s": promote,
        "retire_s": tool.retire(ref),
        "load_before": round(load, 2),
    }


def commit() -> str:
    """A commit like HEAD but for one line of the app's code."""
    made = subprocess.run(["bench/changed-commit"], cwd=hosts.PROJECT, stdout=subprocess.PIPE, text=True, check=True)
    return made.stdout.strip()


def set_up(ref: str) -> None:
    """What each tool has once, before the first deploy: packages, folders, sites, images of dependencies."""
    hosts.need("deploy", "capistrano", "ruby-ed25519", "ruby-bcrypt-pbkdf")
    for host in APP_HOSTS:
        hosts.need(host, "git")
    on_deploy(
        f"rm -rf $HOME/depl-peers && mkdir -p $HOME/depl-peers && git init --quiet --bare {BARE}"
        f" && echo /vagrant/.git/objects > {BARE}/objects/info/alternates"
        f' && git -C {BARE} update-ref refs/heads/change "$1"'
        f" && git daemon --detach --reuseaddr --export-all --base-path=$HOME/depl-peers/git --pid-file=$HOME/depl-peers/daemon.pid",
        ref,
    )
    on_deploy(ANSIBLE + 'ansible-playbook setup.yml build.yml -e ref="$1"', ref)
    runtime = "deploy:5000/peer-runtime:1"
    on_deploy(
        "DOCKER_BUILDKIT=1 docker build --quiet --network=host --secret=id=pip,src=/etc/pip.conf --target=runtime"
        " --secret=id=ca,src=/etc/ssl/certs/ca-certificates.crt --file=/vagrant/bench/peers/ansible/Dockerfile"
        f" --tag={runtime} $HOME/depl-peers/source && docker push --quiet {runtime}"
    )
    on_deploy(CAPISTRANO + "cap production setup")


def clean_up() -> None:
    """Remove all that the peers made: on the app hosts, on the deploy host, in the registry."""
    print("  removing what the peers made", flush=True)
    for host in APP_HOSTS:
        hosts.run(
            host, "sudo", "sh", "-c",
            "rm -f /srv/depl/nginx/zz-peer-*.conf && nginx -t -q && systemctl reload nginx;"
            "docker ps --all --quiet --filter label=peer | xargs --no-run-if-empty docker rm --force --volumes;"
            "docker images --format '{{.Repository}}:{{.Tag}}' | grep ^deploy:5000/peer- | xargs --no-run-if-empty docker rmi;"
            "rm -rf /srv/depl/peer-* /tmp/git-ssh-*.sh ~depl/.ansible",
        )  # fmt: skip
    hosts.run(
        "deploy", "bash", "-c",
        "[ ! -e ~/depl-peers/daemon.pid ] || kill $(cat ~/depl-peers/daemon.pid);"
        "for one in ~/.ansible/cp/*; do ssh -O exit -o ControlPath=$one peer 2>/dev/null; done;"
        "docker images --format '{{.Repository}}:{{.Tag}}' | grep ^deploy:5000/peer- | xargs --no-run-if-empty docker rmi;"
        "docker builder prune --all --force >/dev/null; rm -rf ~/depl-peers;"
        "cd / && sudo supervisorctl stop docker-registry"
        "&& sudo sh -c 'rm -rf /var/lib/docker-registry/docker/registry/v2/repositories/peer-*'"
        "&& sudo -u docker-registry docker-registry garbage-collect /etc/depl/registry/config.yml >/dev/null 2>&1;"
        "sudo supervisorctl start docker-registry",
    )  # fmt: skip


def report(found: dict[str, list[dict[str, Any]]]) -> None:
    """Print the table of medians and write build/bench/peers.json."""
    whole = {name: median([run["build_to_promoted_s"] for run in runs]) for name, runs in found.items()}
    flips = {name: median([one for run in runs for one in run["promote_s"]]) for name, runs in found.items()}
    hosts.save(
        "peers",
        {
            "build_to_promoted_s": whole,
            "promote_s": flips,
            "runs": found,
            "tools": {
                "ansible": on_deploy("ansible --version | head -1")[1].strip(),
                "capistrano": on_deploy("cap --version")[1].strip(),
            },
            "date": time.strftime("%Y-%m-%d"),
        },
    )
    rows = [
        [
            name,
            str(len(found[name])),
            f"{whole[name]:.2f} s",
            f"{whole[name] / whole['ansible']:.2f}",
            f"{flips[name]:.2f} s",
            f"{flips[name] / flips['ansible']:.2f}",
        ]
        for name in found
    ]
    hosts.table(["", "runs", "build to promoted", "of Ansible's", "promote alone", "of Ansible's"], rows)
    print("Capistrano builds no image and waits for no health check: its first figure is git checkout, link and HUP.")


def median(values: list[float]) -> float:
    return round(statistics.median(values), 3)


if __name__ == "__main__":
    main()
