"""The sandbox under live traffic: what faults are done to, and what is looked at before and after."""

from __future__ import annotations

import json
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tasks.model.layout import ROOT, Layout
from tasks.model.release import Release
from tasks.model.version import Version

from ..integration.conftest import APP_HOSTS, Ended, Sandbox, variant, wait_until

HERE = Path(__file__).parent
DOMAIN = "app1.foo"
PYTHON = "/opt/depl/venv/bin/python"
LONG = 180
"""Seconds that a condition may take to come true. A quiet machine needs a fraction; a noisy one must not fail."""


class Run:
    """A depl under way on the deploy host, stopped at a point or not."""

    def __init__(self, world: World, process: subprocess.Popen[str]) -> None:
        self._world, self._process, self._pid = world, process, ""
        self.said = ""

    def reached(self) -> None:
        """Wait until it stands at its point."""
        assert self._process.stdout
        for line in self._process.stdout:
            if line.startswith("POINT "):
                self._pid = line.split()[1]
                return
            self.said += line
        raise AssertionError(f"it ended before it came to its point:\n{self.said}")

    def go_on(self) -> None:
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def interrupt(self) -> None:
        """Do what Ctrl-C does."""
        self._world.on_deploy(f"kill -INT {self._pid}")

    def ended(self, timeout: float = 400) -> Ended:
        self.said += self._process.communicate(timeout=timeout)[0]
        return Ended(self._process.returncode, self.said, "")


class Traffic:
    """Clients inside the app hosts, from the first fault to the last."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._program = (HERE / "traffic.py").read_bytes()
        self._talks: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, host: str) -> None:
        self.stop(host)
        launch = "import sys; exec(compile(sys.stdin.buffer.read(int(sys.argv.pop(1))), 'traffic.py', 'exec'))"
        argv = shlex.join(["python3", "-u", "-c", launch, str(len(self._program)), DOMAIN])
        # A connection of its own: what a test does to the others' must not end the traffic.
        ssh = [*Sandbox.ssh_argv(self._world, host)[:-1], "-o", "ControlPath=none", host, argv]
        talk = subprocess.Popen(ssh, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert talk.stdin
        talk.stdin.write(self._program)
        talk.stdin.flush()
        self._talks[host] = talk

    def stop(self, host: str) -> None:
        if talk := self._talks.pop(host, None):
            talk.kill()
            talk.communicate()

    def alive(self, host: str) -> bool:
        return host in self._talks and self._talks[host].poll() is None

    def report(self, host: str) -> dict[str, Any]:
        """What happened on a host since the last report."""
        talk = self._talks[host]
        assert talk.stdin
        assert talk.stdout
        talk.stdin.write(b"report\n")
        talk.stdin.flush()
        line = talk.stdout.readline()
        assert line, f"the traffic on {host} has ended"
        return json.loads(line)

    def close(self) -> None:
        for host in list(self._talks):
            self.stop(host)


class World(Sandbox):
    """The hosts, three built versions, and traffic.

    Between faults `live` is live, `other` is the way back, and `third` is built, but not installed.
    """

    def __init__(self, versions: list[str]) -> None:
        super().__init__()
        self.other, self.live, self.third = versions
        self.layout = Layout("app1")
        self.said: list[str] = []
        self.spared: set[str] = set()
        self._sockets = tempfile.TemporaryDirectory(prefix="depl-")
        self.ssh_options = (
            "-o", "ConnectTimeout=10", "-o", "ControlMaster=auto",
            "-o", f"ControlPath={self._sockets.name}/%n", "-o", "ControlPersist=600",
        )  # fmt: skip
        self.versions = set(versions)
        self.traffic = Traffic(self)

    def close(self) -> None:
        self.traffic.close()
        for host in ("deploy", *APP_HOSTS):
            self.hang_up(host)
        self._sockets.cleanup()

    # --- commands ---

    def hang_up(self, host: str) -> None:
        """Give up our kept connection to a host that goes away, or that had gone."""
        subprocess.run([*self.ssh_argv(host)[:-1], "-O", "exit", host], capture_output=True, timeout=30, check=False)

    def depl(self, *words: str, environment: str = "vagrant", who: str = "ana") -> Ended:
        """Run depl on the deploy host, to its end."""
        ended = self.inv(*words, environment=f"DEPL_ENVIRONMENT={environment} DEPL_WHO={who}")
        if "--json" not in words:
            self.said.append(f"$ inv {' '.join(words)}\n{ended.text}")
        return ended

    def must(self, *words: str, environment: str = "vagrant") -> str:
        ended = self.depl(*words, environment=environment)
        assert ended.code == 0, ended.text
        return ended.out

    def refused(self, *words: str, says: tuple[str, ...], environment: str = "vagrant") -> Ended:
        """Run what must fail in words, never with a traceback."""
        return self.failed(self.depl(*words, environment=environment), *says)

    def failed(self, ended: Ended, *says: str) -> Ended:
        assert ended.code == 1, ended.text
        assert "Traceback" not in ended.text
        for text in says:
            assert text in ended.text, ended.text
        return ended

    @contextmanager
    def stopped(
        self, host: str, sends: str, *words: str, after: bool = False, nth: int = 1, environment: str = "vagrant"
    ) -> Iterator[Run]:
        """Start depl and wait until it is about to send a host what matches, or has just sent it."""
        point = {"host": host, "sends": sends, "after": after, "nth": nth}
        with self._start(point, words, environment) as run:
            run.reached()
            yield run
            self.said.append(f"$ inv {' '.join(words)}\n{run.said}")

    @contextmanager
    def _start(self, point: dict[str, object], words: tuple[str, ...], environment: str = "vagrant") -> Iterator[Run]:
        argv = shlex.join([PYTHON, "-m", "tests.faults.stopped", json.dumps(point), *words])
        line = f"cd /vagrant && DEPL_ENVIRONMENT={environment} DEPL_WHO=ana exec {argv}"
        process = subprocess.Popen(
            [*self.ssh_argv("deploy"), line],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            yield Run(self, process)
        finally:
            process.kill()
            process.communicate()

    def events(self, *words: str, environment: str = "vagrant") -> list[float]:
        """Run depl to its end; returns when each of its events came, in seconds from its beginning."""
        with self._start({"event": 0}, words, environment) as run:
            ended = run.ended()
        assert ended.code == 0, ended.text
        return json.loads(ended.out.rpartition("EVENTS ")[2])

    def killed(self, event: int, delay: float, *words: str, environment: str = "vagrant") -> None:
        """Kill depl with -9 so long after an event, unless it has come to its end before that."""
        with self._start({"event": event, "delay": delay}, words, environment) as run:
            ended = run.ended()
        assert ended.code != 1, ended.text

    def must_under_clock(self, ahead: int, *words: str) -> None:
        """Run depl with its clock so many seconds ahead; the hosts' clocks are right."""
        with self._start({"clock": ahead}, words) as run:
            ended = run.ended()
        assert ended.code == 0, ended.text

    def variant(self, layer: str = "", startup: str = "", **variables: str) -> str:
        """A version of its own: with what a program writes into a layer, or with what runs when Python starts."""
        lines = [f"ENV {key}={json.dumps(value)}" for key, value in variables.items()]
        if startup:
            layer = f"import os; os.mkdir('/startup'); open('/startup/sitecustomize.py', 'w').write({startup!r})"
            lines.append("ENV PYTHONPATH=/startup")
        if layer:
            lines += ["USER 0", f"RUN {json.dumps(['python3', '-c', layer])}", "USER 10001:10001"]
        made = variant(self, self.live, *lines)
        self.versions.add(made)
        return made

    def must_run(self, host: str, *words: str, input: str) -> str:
        """Run a program that is given on standard input."""
        ended = self.ssh(host, *words, input=input)
        assert ended.code == 0, f"{host}: {ended.text}"
        return ended.out

    # --- what is there ---

    def each(self, act: Callable[[str], Any]) -> dict[str, Any]:
        """Do something for both app hosts side by side."""
        with ThreadPoolExecutor(len(APP_HOSTS)) as pool:
            return dict(zip(APP_HOSTS, pool.map(act, APP_HOSTS), strict=True))

    def look(self) -> dict[str, dict[str, Any]]:
        """What is on the app hosts, read without depl."""
        layout = self.layout
        paths = {"root": ROOT, "tables": layout.tables, "live": layout.live, "lock": layout.lock}
        words = ("sudo", "python3", "-", json.dumps(paths))
        program = (HERE / "look.py").read_text()
        return self.each(lambda host: json.loads(self.must_run(host, *words, input=program)))

    def serves(self, host: str) -> str | None:
        """The version that answers on a host, through HTTP; None where nothing does."""
        try:
            answer = self.get(DOMAIN, "/version", host)
        except httpx.HTTPError:
            return None
        return answer.headers.get("X-Version") if answer.status_code == 200 else None

    def served(self) -> dict[str, str | None]:
        return self.each(self.serves)

    def release(self, version: str, host: str = "app1") -> Release:
        """Where a version is installed on a host."""
        (slot,) = [row["slot"] for row in self.rows() if (row["version"], row["host"]) == (version, host)]
        return Release(Version.parse(version), slot)

    def container(self, version: str) -> str:
        return self.layout.container(Version.parse(version))

    def preview(self, version: str, host: str) -> str | None:
        """The version that answers under a version's own URL."""
        answer = self.get(f"{version}.{DOMAIN}", "/version", host)
        return answer.headers.get("X-Version") if answer.status_code == 200 else None

    def rows(self) -> list[dict[str, Any]]:
        return json.loads(self.must("status", "--json"))["releases"]

    def shares(self) -> dict[tuple[str, str], float]:
        """What per cent of the users each release has, by version and host."""
        return {(row["version"], row["host"]): row["share"] for row in self.rows() if row["share"]}

    def all_healthy(self) -> None:
        """Wait until every release on every host answers its health check: a host takes a while to boot."""

        def all_ok() -> bool:
            status = self.depl("status", "--json")
            return status.code == 0 and {row["health"] for row in json.loads(status.out)["releases"]} == {"ok"}

        wait_until(all_ok, LONG)

    # --- the place from which every fault starts ---

    def is_ready(self) -> bool:
        status = self.depl("status", "--json")
        if status.code:
            return False
        found = json.loads(status.out)
        rows = {(row["version"], row["host"]): row for row in found["releases"]}
        wanted = {(version, host) for version in (self.live, self.other) for host in APP_HOSTS}
        return (
            set(rows) == wanted
            and {row["health"] for row in rows.values()} == {"ok"}
            and {rows[self.live, host]["share"] for host in APP_HOSTS} == {100.0}
            and not found["under_way"]
            and self.way_back() == self.other
        )

    def way_back(self) -> str | None:
        """Where a rollback would lead: said by its dry run."""
        said = self.depl("--dry", "rollback").out
        return next((one for one in (self.other, self.live, self.third) if f"send traffic to {one}" in said), None)

    def make_ready(self) -> None:
        """Bring the hosts to where every fault starts, with traffic on them."""
        if not self.is_ready():
            self.mend()
            for version in (self.other, self.live):
                self.must("install", "--version", version)
            for version in (self.other, self.live):
                self.must("promote", "--version", version)
            self.prune()
            assert self.is_ready(), "".join(self.said)
        for host in APP_HOSTS:
            if not self.traffic.alive(host):
                self.traffic.start(host)
        self.each(self.traffic.report)
        self.said.clear()
        self.spared.clear()

    def mend(self) -> None:
        """Put right what a fault that was broken off may have left."""
        for host in APP_HOSTS:
            state = self.machine("inspect", host, "--format", "{{.State.Status}}")
            if state != "running":
                self.machine("unpause" if state == "paused" else "start", host)
            wait_until(lambda host=host: self.ssh(host, "true").code == 0, LONG)
            self.on(
                host, "sudo sh -c 'iptables -F INPUT; iptables -F OUTPUT; systemctl start ssh docker supervisor nginx'"
            )
        self.on_deploy("sudo pkill -CONT docker-registry || sudo supervisorctl start docker-registry")

    def prune(self) -> None:
        """Remove all but what is live and the way back."""
        self.must("prune", environment="faults")

    # --- hosts in trouble ---

    @contextmanager
    def spare(self, host: str) -> Iterator[list[str]]:
        """Let requests fail on this host, and on no other, until it serves again; then the list says how they did."""
        self.must_not_have_failed(host)
        self.spared.add(host)
        failed: list[str] = []
        yield failed
        wait_until(lambda: self.serves(host) in self.versions, LONG)
        if not self.traffic.alive(host):
            self.traffic.start(host)
        failed += self.traffic.report(host)["failed"]

    def must_not_have_failed(self, host: str) -> None:
        found = self.traffic.report(host)
        assert found["requests"] > 0
        assert found["failures"] == 0, f"{host}: {found['failures']} requests failed: {found['failed']}"
        assert set(found["versions"]) <= self.versions, found

    def machine(self, verb: str, host: str, *options: str) -> str:
        """Do something to a host as a whole: pause, unpause, kill, start, restart."""
        argv = ["docker", verb, *options, self.about["hosts"][host]["container"]]
        return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=LONG).stdout.strip()

    def answers_ssh(self, host: str) -> bool:
        return self.ssh("deploy", f"timeout 5 bash -c 'exec 3<>/dev/tcp/{host}/22; head -c 3 <&3'").out == "SSH"
