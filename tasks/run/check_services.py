"""What the inventory says of services, held to what can be: each refusal names its key."""

from __future__ import annotations

import re

from ..model.environment import Environment, is_address
from ..model.infra import InfraService
from ..model.service import AGENTS, HOST_NETWORK, KINDS, OTHER, RECIPES, SOCKETS_IN_SERVICE, Service
from .apps import check_variables, names
from .read import FILE_NAME, MEMORY, NAME, PATH, SIGNALS, is_text, require

_IMAGE = re.compile(r"[a-z0-9][A-Za-z0-9._/:@-]{0,254}", re.ASCII)
ANYWHERE = "0.0.0.0"  # noqa: S104 - docker's own default, which nobody is to get unseen
PUBLISHED = re.compile(r"((?P<address>[0-9.]{7,15}):)?(?P<outer>\d{1,5}):(?P<inner>\d{1,5})", re.ASCII)
_CAPABILITY = re.compile(r"[A-Z][A-Z_]{0,39}", re.ASCII)
_MOUNT = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._-]+)+", re.ASCII)
_SETTING = re.compile(r"[a-z][a-z0-9_.-]{0,62}", re.ASCII)
_OF_OTHERS = (
    "command", "user", "data", "socket", "health", "backup", "restore", "stop_signal", "app", "recipe", "publish",
    "scratch", "writable", "capabilities", "base", "mounts", "groups", "network",
)  # fmt: skip


def check(name: str, service: Service, environment: Environment, at: str) -> None:
    """Refuse a service that can't be; raises BadConfig with the path of its key."""
    require(NAME.fullmatch(name), at, "a service's name has 1 to 30 of a-z, 0-9 and '-', a letter first")
    require(
        service.known or service.kind == OTHER,
        f"{at}.kind",
        f"expected one of {', '.join((*KINDS, OTHER))}, got {service.kind!r:.60}",
    )
    there = {host.name for hosts in environment.groups.values() for host in hosts}
    require(service.host in there, f"{at}.host", f"there is no host {service.host!r:.60} in a group of the inventory")
    require(MEMORY.fullmatch(service.memory), f"{at}.memory", "expected a size such as 256m or 1g")
    require(1 < service.pids <= 32768, f"{at}.pids", "expected 2 to 32768")
    require(0 < service.grace <= 600, f"{at}.grace", "expected 1 to 600 seconds")
    require(0 < service.timeout <= 3600, f"{at}.timeout", "expected 1 to 3600 seconds")
    require(0 <= service.port < 65536, f"{at}.port", "expected 1 to 65535")
    require(0 < service.keep_backups <= 1000, f"{at}.keep_backups", "expected 1 to 1000")
    require(0 <= service.user < 2**31, f"{at}.user", "expected a user's number")
    require(is_address(service.listen), f"{at}.listen", f"{service.listen!r:.60} is no IP address")
    require(not service.image or _IMAGE.fullmatch(service.image), f"{at}.image", f"{service.image!r:.60} is no image")
    for key, value in service.settings.items():
        require(_SETTING.fullmatch(key), f"{at}.settings", f"{key!r:.60} is no setting")
        require(is_text(value, "\r\n"), f"{at}.settings.{key}", "a value is one line of text")
    check_variables(service.environment, f"{at}.environment")
    own = [key for key in _OF_OTHERS if getattr(service, key) != getattr(Service(OTHER, ""), key)]
    if service.known:
        require(not own, f"{at}.{min(own, default='')}", f"is for services of kind {OTHER!r} only")
        require(not service.settings or service.known.setting, f"{at}.settings", f"{service.kind} has none here")
    else:
        _check_other(service, at)


def _check_other(service: Service, at: str) -> None:
    made = [key for key in ("image", "app", "recipe") if getattr(service, key)]
    require(len(made) == 1, f"{at}.image", f"a service of kind {OTHER!r} needs one of image, app and recipe")
    require(not service.app or service.app in names(), f"{at}.app", f"there is no conf/apps/{service.app:.60}.yml")
    require(not service.recipe or service.recipe in RECIPES, f"{at}.recipe", f"expected one of {', '.join(RECIPES)}")
    is_agent = service.recipe in AGENTS
    require(bool(service.base) == is_agent, f"{at}.base", f"is for recipes that need one: {', '.join(AGENTS)}")
    require(not service.base or _IMAGE.fullmatch(service.base), f"{at}.base", f"{service.base!r:.60} is no image")
    require(not service.settings, f"{at}.settings", f"a service of kind {OTHER!r} has a command instead")
    reached = service.socket or service.port or service.publish
    require(reached or is_agent, f"{at}.port", "say port or socket, or nothing can reach it")
    require(not service.socket or FILE_NAME.fullmatch(service.socket), f"{at}.socket", "expected a file's name")
    in_database = isinstance(service, InfraService) and service.needs and not service.image and not is_agent
    require(service.data or in_database, f"{at}.data", "say where in its container its data are")
    require(
        not service.data or PATH.fullmatch(service.data), f"{at}.data", "expected an absolute path of plain characters"
    )
    for port in service.publish:
        found = PUBLISHED.fullmatch(port)
        sound = (
            found
            and is_address(found["address"] or ANYWHERE)
            and all(0 < int(found[one]) < 65536 for one in ("outer", "inner"))
        )
        require(sound, f"{at}.publish", f"expected address:port:port, got {port!r:.60}")
    for path, size in service.scratch.items():
        require(PATH.fullmatch(path), f"{at}.scratch", f"{path!r:.60} is no absolute path of plain characters")
        require(MEMORY.fullmatch(size), f"{at}.scratch.{path}", "expected a size such as 64m")
    for one in service.capabilities:
        require(_CAPABILITY.fullmatch(one), f"{at}.capabilities", f"{one!r:.60} is no capability such as CHOWN")
    for path, inside in service.mounts.items():
        require(_MOUNT.fullmatch(path), f"{at}.mounts", f"{path!r:.60} is no absolute path of plain characters")
        require(_MOUNT.fullmatch(inside), f"{at}.mounts.{path}", "expected an absolute path of plain characters")
        other = inside in (service.data, SOCKETS_IN_SERVICE)
        require(not other, f"{at}.mounts.{path}", f"{inside} in its container is something else already")
    for group in service.groups:
        require(0 < group < 2**31, f"{at}.groups", "expected numbers of groups: getent group NAME tells them")
    require(service.network in ("", HOST_NETWORK), f"{at}.network", f"expected {HOST_NETWORK}, or nothing")
    own = not service.network or not (service.port or service.publish)
    require(own, f"{at}.network", "one with its host's network publishes no port: it listens there itself")
    require(service.stop_signal in ("", *SIGNALS), f"{at}.stop_signal", f"expected one of {', '.join(SIGNALS)}")
    require(service.health, f"{at}.health", "expected a program that ends with 0 when it can be used")
    for key in ("command", "health", "backup", "restore"):
        require(all(map(is_text, getattr(service, key))), f"{at}.{key}", "has characters that no command line can have")
