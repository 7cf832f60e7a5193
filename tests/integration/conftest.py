"""The sandbox's real hosts: ssh to the deploy host, HTTP to the app hosts."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

PROJECT = Path(__file__).resolve().parents[2]
APP_HOSTS = ("app1", "app2")
PUSH = "flock --shared /var/lib/depl/registry.lock docker push -q"
"""As depl pushes: not while layers are collected."""
FORGET = """
    read -r app || true
    sudo rm -f /srv/depl/supervisor/$app-*.conf; sudo supervisorctl update >/dev/null
    sudo docker ps --all --quiet --filter label=depl.app=$app | xargs --no-run-if-empty sudo docker rm --force
    sudo docker images --format '{{.Repository}}:{{.Tag}}' | grep /$app: | xargs --no-run-if-empty sudo docker rmi
    sudo rm -rf /srv/depl/$app /srv/depl/nginx/$app.conf* && sudo systemctl reload nginx
"""
"""Takes the app whose name it reads off a host."""


@dataclass(frozen=True)
class Ended:
    """How a command ended; `text` is all it printed."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


class Sandbox:
    """Commands on the hosts, pages from them."""

    ssh_options: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.about = json.loads((PROJECT / ".vagrant" / "sandbox.json").read_text())

    def ssh_argv(self, host: str) -> list[str]:
        return ["ssh", "-F", str(PROJECT / ".vagrant" / "ssh_config"), *self.ssh_options, host]

    def ssh(self, host: str, *argv: str, input: str | None = None, timeout: float = 600) -> Ended:
        line = shlex.join(argv) if len(argv) > 1 else argv[0]
        done = subprocess.run(
            [*self.ssh_argv(host), line],
            input=input, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip
        return Ended(done.returncode, done.stdout, done.stderr)

    def inv(self, *words: str, environment: str = "", timeout: float = 600) -> Ended:
        return self.ssh("deploy", f"cd /vagrant && {environment} inv {shlex.join(words)}", timeout=timeout)

    def start_inv(self, *words: str, environment: str = "") -> subprocess.Popen[bytes]:
        """Start a command whose process is this connection's own: killing `inv` on the host is up to the test."""
        line = f"cd /vagrant && export {environment or 'DEPL_ENVIRONMENT'} && echo $$ && exec inv {shlex.join(words)}"
        return subprocess.Popen([*self.ssh_argv("deploy"), line], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def must(self, *words: str, environment: str = "") -> str:
        ended = self.inv(*words, environment=environment)
        assert ended.code == 0, ended.text
        return ended.out

    def on_deploy(self, line: str, timeout: float = 600) -> str:
        ended = self.ssh("deploy", line, timeout=timeout)
        assert ended.code == 0, f"{line}\n{ended.text}"
        return ended.out

    def on(self, host: str, line: str) -> str:
        ended = self.ssh(host, line)
        assert ended.code == 0, f"{host}: {line}\n{ended.text}"
        return ended.out

    def address(self, host: str, port: str = "http_port") -> tuple[str, int]:
        found = self.about["hosts"][host]
        return found["address"], found[port]

    def get(self, name: str, path: str = "/", host: str = "app1", **options) -> httpx.Response:
        """Fetch a page of a host's nginx under a host name."""
        return self.request("GET", name, path, host, **options)

    def request(self, method: str, name: str, path: str, host: str = "app1", **options) -> httpx.Response:
        address, port = self.address(host)
        url, headers = f"http://{address}:{port}{path}", {"Host": name, **options.pop("headers", {})}
        return httpx.request(method, url, headers=headers, timeout=30, trust_env=False, **options)

    def forget(self, app: str) -> None:
        """Take an app off all hosts, but not out of the registry."""
        for host in (*APP_HOSTS, "deploy"):
            self.ssh(host, FORGET, input=app)

    def status(self) -> dict:
        return json.loads(self.must("status", "--json"))

    def live(self) -> set[str]:
        """What the hosts really serve, asked through HTTP."""
        return {self.get("app1.foo", "/version", host).json()["version"] for host in APP_HOSTS}

    def tree(self) -> str:
        """All that depl keeps on the app hosts, to compare before and after; not what board and services write."""
        files = "sudo find /srv/depl -printf '%p %y %l %s %T@\\n' | grep -v -e /lock -e /run -e /board -e /data | sort"
        containers = "sudo docker ps -a --format '{{.Names}} {{.State}}' | sort"
        listing = f"{files}; {containers}"
        return "\n".join(self.on(host, listing) for host in APP_HOSTS)


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    if not (PROJECT / ".vagrant" / "sandbox.json").exists():
        pytest.fail("There is no sandbox. Start it: make sandbox")
    return Sandbox()


@pytest.fixture(scope="session")
def builds(sandbox: Sandbox) -> list[str]:
    """Three versions that were built, oldest first; the first build may take minutes."""
    found = []
    for _ in range(3):
        out = sandbox.must("build")
        found.append(out.strip().splitlines()[-1].split()[1])
    return found


@pytest.fixture
def two(sandbox: Sandbox, builds: list[str]) -> tuple[str, str]:
    """Two installed versions on both hosts, the first of them live."""
    old, new = builds[:2]
    facts = sandbox.status()
    ready = {(row["version"], row["host"]) for row in facts["releases"] if row["health"] == "ok"}
    for version in (old, new):
        if not {(version, host) for host in APP_HOSTS} <= ready:
            sandbox.must("install", "--version", version)
    shares = {row["share"] for row in facts["releases"] if row["version"] == old}
    if set(facts["live"].values()) != {old} or shares != {100.0}:
        sandbox.must("promote", "--version", old)
    assert sandbox.live() == {old}
    return old, new


def variant(
    sandbox: Sandbox, of: str, *instructions: str, app: str = "app1", of_app: str = "", **variables: str
) -> str:
    """Push an image like another but for its environment and a Dockerfile's instructions: a sick one, say.

    Its version lies in the nineties, so that it is never the newest.
    """
    minutes = int(time.time() * 10) % 5_000_000
    version = f"{datetime(1990, 1, 1) + timedelta(minutes=minutes):%Y.%m.%d.%H.%M}"
    lines = "\n".join([*instructions, *(f"ENV {key}={json.dumps(value)}" for key, value in variables.items())])
    tag = f"deploy:5000/{app}:{version}"
    done = sandbox.ssh(
        "deploy",
        f"docker build -q -t {tag} - && {PUSH} {tag}",
        input=f"FROM deploy:5000/{of_app or app}:{of}\n{lines}",
    )
    assert done.code == 0, done.text
    return version


def wait_until(condition, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.1)


@contextmanager
def inventory(name, edit):
    """An inventory of its own for a while, like vagrant's but for what `edit` makes of its texts by file name."""
    folder = PROJECT / "conf" / "inventory" / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(folder.with_name("vagrant"), folder)
    try:
        for path in (folder / "hosts.yml", folder / "group_vars" / "all.yml"):
            path.write_text(edit(path.name, path.read_text()))
        yield f"DEPL_ENVIRONMENT={name}"
    finally:
        shutil.rmtree(folder)


def changed(old, new):
    """An edit: one text for another, in whichever file it stands."""
    return lambda _, text: text.replace(old, new)


@contextmanager
def full(sandbox, host, folder):
    """A folder without a free byte: what is in it stays in its place, bound into a full file system."""
    sandbox.on(
        host,
        f"""sudo sh -ec '
        mkdir -p /mnt/full && mount -t tmpfs -o size=64k tmpfs /mnt/full
        chown --reference={folder} /mnt/full && chmod --reference={folder} /mnt/full
        for one in {folder}/*; do
            new=/mnt/full/${{one##*/}}
            if [ -L "$one" ]; then cp -P "$one" "$new"
            elif [ -d "$one" ]; then mkdir "$new"; mount --bind "$one" "$new"
            elif [ "${{one##*/}}" != lock ]; then touch "$new"; mount --bind "$one" "$new"; fi
        done
        cat /dev/zero >/mnt/full/filler 2>/dev/null || true
        mount --rbind /mnt/full {folder}'""",
    )
    try:
        yield
    finally:
        sandbox.on(host, f"sudo umount --recursive --lazy {folder}; sudo umount --recursive --lazy /mnt/full || true")


@contextmanager
def undone(sandbox, host, do, undo):
    """A host in trouble for a while."""
    sandbox.on(host, do)
    try:
        yield
    finally:
        sandbox.on(host, undo)


from .board import at_rest, board  # noqa: E402, F401 - fixtures, which need what is above
