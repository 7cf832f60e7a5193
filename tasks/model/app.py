"""What an app is, wherever it runs: conf/apps/<app>.yml."""

from __future__ import annotations

from dataclasses import dataclass, field

from .rollout import Goal, Rules
from .service import Need

WEB = "web"


@dataclass(frozen=True)
class Source:
    """Where the code is: a folder of this repository, or of another one; or a package, as name==version.

    `requirements` are more packages for the image, pinned like it: a server, a driver, versions of dependencies.
    """

    path: str = "."
    repository: str = "."
    package: str = ""
    requirements: tuple[str, ...] = ()


@dataclass(frozen=True)
class Packages:
    """Debian packages by name: for compiling, and for running.

    `stub` names shared libraries of the slim base that are replaced by a stub: whoever calls one
    after all ends with a message that names the function.
    """

    build: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    stub: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wheels:
    """Which wheels are compiled here, and for which processors.

    `compile` lists requirements that are built from source with `flags`; all others are taken
    as wheels where the index has them. No program of a build runs for more than `timeout` seconds,
    and Docker builds no image of it for longer.
    """

    requirements: str = "requirements.txt"
    compile: tuple[str, ...] = ()
    cpu: str = "x86-64-v2"
    optimise: str = "-O3"
    lto: bool = True
    timeout: int = 3600

    @property
    def cflags(self) -> str:
        """The whole set: CFLAGS replace Python's own flags, so a lone -march would mean -O0."""
        flags = [
            self.optimise,
            f"-march={self.cpu}",
            "-DNDEBUG",
            "-fwrapv",
            "-fstack-protector-strong",
            "-D_FORTIFY_SOURCE=2",
        ]
        return " ".join([*flags, "-flto=auto"] if self.lto else flags)

    @property
    def ldflags(self) -> str:
        return "-flto=auto -Wl,-s" if self.lto else "-Wl,-s"


@dataclass(frozen=True)
class Component:
    """A process of a release: `number` containers on each host. `memory` is docker's notation: 256m, 1g.

    Asked to end, by `stop_signal`, a container has `grace` seconds until it is killed. One with a `schedule`, a cron
    line in UTC, is a job: its command runs at these times, `once` for all hosts or on each of them. `needs` names the
    variables without which it must not start. With `canary` a canary has it too, not only what is live.
    """

    command: tuple[str, ...]
    number: int = 1
    memory: str = "256m"
    pids: int = 256
    stop_signal: str = "SIGTERM"
    grace: int = 30
    schedule: str | None = None
    once: bool = True
    needs: tuple[str, ...] = ()
    canary: bool = False


@dataclass(frozen=True)
class Health:
    """When a release counts as healthy: GET `path` answers 200 within `timeout` seconds of its start."""

    path: str = "/healthz"
    timeout: int = 30


@dataclass(frozen=True)
class Http:
    """What nginx lets through to the app."""

    max_body: str = "20m"
    timeout: int = 300


@dataclass(frozen=True)
class Migration:
    """What brings an app's database to a version: a command, run once for each version, and its longest time in s."""

    command: tuple[str, ...]
    timeout: int = 600
    memory: str = "256m"
    pids: int = 256

    @property
    def component(self) -> Component:
        return Component(self.command, memory=self.memory, pids=self.pids)


@dataclass(frozen=True)
class App:
    """A deployable thing."""

    name: str
    components: dict[str, Component]
    source: Source = Source()
    base: str = "slim"
    packages: Packages = Packages()
    wheels: Wheels = Wheels()
    health: Health = Health()
    http: Http = Http()
    environment: dict[str, str] = field(default_factory=dict)
    services: dict[str, Need] = field(default_factory=dict)
    migrate: Migration | None = None
    smoke: tuple[str, ...] = ()
    canary: Rules = field(default_factory=Rules)
    goals: dict[str, Goal] = field(default_factory=dict)

    @property
    def web(self) -> Component:
        return self.components[WEB]

    @property
    def workers(self) -> dict[str, Component]:
        """What only a live release runs: all components but `web`."""
        return {name: one for name, one in self.components.items() if name != WEB}

    @property
    def jobs(self) -> dict[str, Component]:
        """Those of the workers that run at certain times."""
        return {name: one for name, one in self.workers.items() if one.schedule}
