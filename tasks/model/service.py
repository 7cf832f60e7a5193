"""What an app needs and does not contain: databases, queues, search."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

SERVICE_UID = 60600
"""The user that services of the project's own images run as: a number that neither useradd nor systemd gives away."""
SOCKETS_IN_SERVICE = "/run/service"
DATA_IN_SERVICE = "/data"
PARTS = ("url", "host", "port", "user", "password", "name", "socket")
_FIELD = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Kind:
    """A kind of service that the project has an image of: templates/services/<kind>/.

    `socket` is the name of its unix socket, `setting` how its program is given one of `settings`. The URLs of a
    way by socket and of one by TCP are filled with the parts.
    """

    port: int
    socket: str
    stop_signal: str
    by_socket: str
    by_tcp: str
    setting: tuple[str, ...] = ()


KINDS: Mapping[str, Kind] = {
    "postgresql": Kind(
        port=5432,
        socket=".s.PGSQL.5432",
        stop_signal="SIGINT",  # ends sessions; SIGTERM would wait for them
        by_socket="postgresql://{user}:{password}@/{name}?host={folder}",
        by_tcp="postgresql://{user}:{password}@{host}:{port}/{name}",
        setting=("-c", "{key}={value}"),
    ),
    "redis": Kind(
        port=6379,
        socket="redis.sock",
        stop_signal="SIGTERM",
        by_socket="unix://{user}:{password}@{socket}?db={number}",
        by_tcp="redis://{user}:{password}@{host}:{port}/{number}",
        setting=("--{key}", "{value}"),
    ),
    "groonga": Kind(
        port=10041,
        socket="groonga.sock",
        stop_signal="SIGQUIT",
        by_socket="http+unix://{user}:{password}@{quoted}/{path}/",
        by_tcp="http://{user}:{password}@{host}:{port}/{path}/",
    ),
}
OTHER = "other"
"""The kind of a service whose image somebody else made."""
RECIPES = ("zabbix", "teamcity-agent")
"""What else templates/services has recipes of, for images of that kind."""
AGENTS = ("teamcity-agent",)
"""Those of them that run depl's verbs: its requirements lie in them beside an agent of somebody else's image."""
HOST_NETWORK = "host"


@dataclass(frozen=True)
class Need:
    """A service that an app needs: its kind, and which variable tells the app which part of the way there.

    A text with parts in braces is for apps that want the way written otherwise: "postgresql+asyncpg://{user}…".
    """

    kind: str
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Space:
    """An app's part of a service: the database's name of PostgreSQL, the number of Redis, the path of Groonga.

    "" is the database that has the app's name.
    """

    database: str = ""
    number: int = 0
    path: str = "d"


OWN = Space()
"""What an app has by itself."""


@dataclass(frozen=True)
class Service:
    """A service of an environment: which kind, on which host of the inventory, with which limits.

    `listen` is the address on which app hosts other than its own reach it, `timeout` how many seconds it may take to
    answer when it starts. The fields from `command` on are for the kind `other`: what its image doesn't say. That image
    is `image`, or built here: of an `app`, or a `recipe` of templates/services; `base` is the image that an agent is
    taken from. Its `user` is a number, `data` the folder in the container that is kept.

    The last seven loosen the limits for an image that can't live with them: `publish` has further ports as docker's
    address:port:port, `scratch` folders that it may write to and that nobody keeps, with their sizes; `writable` makes
    all of its root so; `capabilities` are Linux's, such as CHOWN. `mounts` are files and folders of its host, with
    their paths in the container; `groups` numbers of further groups that it is in; `network` is "host" or its own.
    """

    kind: str
    host: str
    image: str = ""
    memory: str = "256m"
    pids: int = 256
    grace: int = 60
    timeout: int = 60
    listen: str = "0.0.0.0"  # noqa: S104 - app hosts elsewhere are to reach it, by password
    port: int = 0
    keep_backups: int = 7
    settings: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    user: int = SERVICE_UID
    data: str = DATA_IN_SERVICE
    socket: str = ""
    health: tuple[str, ...] = ("health",)
    backup: tuple[str, ...] = ("backup",)
    restore: tuple[str, ...] = ("restore",)
    stop_signal: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    app: str = ""
    recipe: str = ""
    base: str = ""
    publish: tuple[str, ...] = ()
    scratch: dict[str, str] = field(default_factory=dict)
    writable: bool = False
    capabilities: tuple[str, ...] = ()
    mounts: dict[str, str] = field(default_factory=dict)
    groups: tuple[int, ...] = ()
    network: str = ""

    @property
    def known(self) -> Kind | None:
        """What is known of its kind; None for one that somebody else made."""
        return KINDS.get(self.kind)

    @property
    def made_of(self) -> str:
        """The recipe in templates/services that its image is built of, where it is not an app's."""
        return self.recipe or self.kind

    @property
    def inner_port(self) -> int:
        """The port that it listens on in its container; PostgreSQL's socket is named after it."""
        return self.known.port if self.known else self.port

    @property
    def outer_port(self) -> int:
        """The port of its host that leads there."""
        return self.port or self.inner_port

    @property
    def socket_name(self) -> str:
        return self.known.socket if self.known else self.socket

    @property
    def arguments(self) -> tuple[str, ...]:
        """The command line in its container; empty for the image's own."""
        if not self.known:
            return self.command
        words = (word for key, value in sorted(self.settings.items()) for word in self._setting(key, value))
        return ("start", *words)

    def _setting(self, key: str, value: str) -> tuple[str, ...]:
        return tuple(word.format(key=key, value=value) for word in (self.known.setting if self.known else ()))


def is_wish(text: str) -> bool:
    """Whether a variable may be given this: a part of the way, or a text with parts in braces."""
    fields = _FIELD.findall(text)
    return text in PARTS or (bool(fields) and set(fields) <= set(PARTS))


def fill(wish: str, parts: Mapping[str, str]) -> str:
    """What a variable gets: the part that it is given, or its text with the parts filled in."""
    return parts[wish] if wish in PARTS else _FIELD.sub(lambda field: parts[field[1]], wish)


def password_of(secret: str, app: str) -> str:
    """An app's own password for a service, made of the service's: who knows one app's knows no other's."""
    return hmac.new(secret.encode(), app.encode(), hashlib.sha256).hexdigest()[:40]


def way(service: Service, app: str, secret: str, folder: str | None, host: str, space: Space = OWN) -> dict[str, str]:
    """The parts of the way from an app to its space in a service: by a socket in `folder`, or to `host`."""
    socket = f"{folder}/{service.socket_name}" if folder and service.socket_name else ""
    parts = {
        "host": host if not socket else folder or "" if service.kind == "postgresql" else "",
        "port": str(service.inner_port if socket else service.outer_port),
        "user": app,
        "password": password_of(secret, app) if service.known else secret,
        "name": space.database or app,
        "socket": socket,
    }
    in_url = f"[{host}]" if ":" in host else host
    texts = {
        **parts, "host": in_url, "folder": folder or "", "quoted": quote(socket, safe=""),
        "number": str(space.number), "path": space.path,
    }  # fmt: skip
    if service.known:
        template = service.known.by_socket if socket else service.known.by_tcp
        return {**parts, "url": template.format(**texts)}
    return {**parts, "url": f"unix://{socket}" if socket else f"tcp://{in_url}:{service.outer_port}"}
