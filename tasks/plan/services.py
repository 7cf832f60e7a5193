"""Bring services to what the inventory says: their images, their containers, the apps that they let in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..commands import Argv, docker, files, onhost, supervisor
from ..errors import Refused
from ..model.app import Component
from ..model.layout import APP_UID, ServiceLayout, program
from ..model.service import SOCKETS_IN_SERVICE, Service, password_of
from . import build, container, render
from .service_facts import Found, ServiceFacts
from .steps import HostPlan, Plan, Step, together
from .wishes import Estate

PHASES = ("image", "data", "start", "health", "apps", "tidy")
ROOM = 500 * 1024 * 1024
FILES = {
    "postgresql": (
        "pg_hba.conf", "start", "health", "backup", "restore", "admit", "clone", "discard", "locks",
        "allot", "copy", "databases", "reclaim", "template",
    ),
    "redis": ("start", "health", "backup", "restore", "admit", "admin", "allot", "reclaim"),
    "groonga": ("start", "health", "backup", "restore", "admit", "allot", "location", "apply", "reclaim"),
    "zabbix": ("frontend.php", "server.conf", "nginx.conf", "php-fpm.conf", "start", "health"),
    "teamcity-agent": ("health", "backup", "restore"),
}  # fmt: skip


def recipe(service: Service, requirements: bytes = b"") -> build.Recipe:
    """What a service's image is made of; with depl's own `requirements` where it runs depl's verbs."""
    folder = f"services/{service.made_of}"
    text = render.render(
        f"{folder}/Dockerfile.j2", debian_image=build.DEBIAN, base=service.base, user=service.user, group=APP_UID
    )
    files = {name: render.raw(f"{folder}/{name}") for name in FILES[service.made_of]}
    own = {build.REQUIREMENTS: requirements} if requirements else {}
    return build.Recipe(f"service-{service.made_of}", text, {**files, **own})


def questions(estate: Estate) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """What hosts are asked about services: the programs that tell health and size, by service."""
    return {
        name: {"health": service.health, "size": ("du", "-sk", service.data)}
        for name, service in estate.environment.services.items()
    }


def up(estate: Estate, images: Mapping[str, str], facts: Sequence[ServiceFacts]) -> Plan:
    """Have all services run from these images (by service), healthy, with each app let in; raises Refused."""
    return together(PHASES, {one.host: _on_host(estate, images, one) for one in facts})


def _on_host(estate: Estate, images: Mapping[str, str], facts: ServiceFacts) -> HostPlan:
    steps: dict[str, tuple[Step, ...]] = dict.fromkeys(PHASES, ())
    for name in estate.on(facts.host):
        for phase, more in _bring_up(estate, name, images[name], facts).items():
            steps[phase] += more
    return steps


def _bring_up(estate: Estate, name: str, image: str, facts: ServiceFacts) -> HostPlan:
    found, at = facts.services[name], ServiceLayout(name)
    if found.running and found.program and found.config == _digest(estate, name, image):
        left = (Step(f"remove the former {name}", docker.remove(f"{at.container}.former"), forgiven=True),)
        return {
            "health": (wait(estate, name),) if found.health else (),
            "apps": admit(estate, name, found),
            "tidy": left if found.has_former else (),
        }
    if found.has_new and not found.has_data:
        raise Refused(
            f"A restore of {name} on {facts.host} was cut short, between its former data and those of the backup.\n"
            f"Again: inv {estate.verbs}.restore {name}"
        )
    if found.image != image:
        must_have_room(estate, name, facts, 0)
    if not found.has_data:
        found = replace(found, apps={})
    return {
        "image": (fetch(image),),
        "data": () if found.has_data else (forget_apps(name), *make_data(estate, name, image)),
        "start": (*take_away(estate, name, found), *start(estate, name, image)),
        "health": (wait(estate, name),),
        "apps": admit(estate, name, found),
        "tidy": tidy(name, found, image),
    }


def must_have_room(estate: Estate, name: str, facts: ServiceFacts, more: int) -> None:
    """Refuse what would fill the disk that databases write to: `more` bytes, beside some that must stay free."""
    if facts.disk_free < more + ROOM:
        raise Refused(
            f"{facts.host} has {facts.disk_free // 2**20} MB of disk left, {name} needs {(more + ROOM) // 2**20} MB.\n"
            f"Make room: old backups and before-… folders in {estate.layout.home}, or inv prune for apps there"
        )


def fetch(image: str) -> Step:
    """Bring an image to a host while the service still runs."""
    return Step(f"pull {image}", docker.pull(image), timeout=900)


def forget_apps(name: str) -> Step:
    """Know of no app that was let in, ahead of other data: they may know none."""
    return Step(f"forget who uses {name}", files.remove(ServiceLayout(name).apps))


def make_data(estate: Estate, name: str, image: str, folder: str = "data") -> tuple[Step, ...]:
    """Make an empty folder for a service's data, its own, and one for its socket, which apps may enter."""
    at, user = ServiceLayout(name), f"--owner={estate.environment.services[name].user}"
    own = ("install", "--directory", user, f"--group={APP_UID}")
    # The data come last: where they are, nothing else is missing.
    return (
        Step(f"make the folders of {name}", files.folder(at.backups)),
        Step(
            f"make the socket's folder of {name}", docker.run_as_root(image, at.home, *own, "--mode=0750", "/mnt/run")
        ),
        Step(f"make the data of {name}", docker.run_as_root(image, at.home, *own, "--mode=0700", f"/mnt/{folder}")),
    )


def take_away(estate: Estate, name: str, found: Found) -> tuple[Step, ...]:
    """Stop what runs, and keep it under another name: undone, it is started again."""
    held, grace = ServiceLayout(name).container, estate.environment.services[name].grace
    file, why = program(held), f"stop {name}"
    steps: list[Step] = []
    if found.state or found.has_former:
        steps.append(Step(f"{why}: keep a way back", ("true",), undo=onhost.start(held)))
        back = files.rename(f"{file}.former", file)
        if found.program:
            steps.append(Step(f"{why}: program", files.rename(file, f"{file}.former"), undo=back))
        else:  # an attempt was killed, or somebody took the program away
            text = render.program(held, estate.environment.user).encode()
            steps.append(Step(f"{why}: write its program", files.write(f"{file}.former"), text, undo=back))
        # Or supervisord would start again what is stopped.
        steps.append(Step(f"{why}: program", supervisor.forget(held)))
    if found.state:
        seconds = grace + container.MARGIN
        steps.append(
            # Two on the same data would destroy them: one that runs has to end before another begins.
            Step(f"{why}: container", docker.stop(held), forgiven=not found.running, timeout=seconds)
        )
    return (*steps, *_keep(why, held, found))


def _keep(why: str, held: str, found: Found) -> tuple[Step, ...]:
    """Keep the one of a service's containers that worked under the former one's name; undone, it has its own again."""
    former = f"{held}.former"
    back = docker.call(former, held)
    if found.has_former and not found.healthy:  # an attempt was killed: what it made instead never answered
        left = (Step(f"{why}: remove", docker.remove(held)),) if found.state else ()
        return (*left, Step(f"{why}: keep the former one", ("true",), undo=back))
    left = (Step(f"{why}: remove what was left", docker.remove(former)),) if found.has_former else ()
    return (*left, Step(f"{why}: keep it", docker.call(held, former), undo=back)) if found.state else ()


def start(estate: Estate, name: str, image: str) -> tuple[Step, ...]:
    """Start a service over the data that is there."""
    at = ServiceLayout(name)
    config = {"depl.service": name, "depl.config": _digest(estate, name, image)}
    create = run(estate, name, image, config)
    return (
        write_variables(estate, name),
        *container.launch(at.container, create, estate.environment.user, undo=docker.remove(at.container)),
    )


def write_variables(estate: Estate, name: str) -> Step:
    """Write what a service's container gets as its environment."""
    argv = files.write(ServiceLayout(name).environment, "0600")
    return Step(f"write the variables of {name}", argv, _variables(estate, name).encode())


def wait(estate: Estate, name: str) -> Step:
    """Wait until a service answers."""
    service, held = estate.environment.services[name], ServiceLayout(name).container
    ask = onhost.until(held, service.timeout, docker.inside(held, *service.health))
    return Step(f"wait for {name}", ask, evidence=docker.last_words(held), timeout=service.timeout + 30)


def admit(estate: Estate, name: str, found: Found) -> tuple[Step, ...]:
    """Give each app that needs a service a password there, where it lacks the one it should have."""
    at = ServiceLayout(name)
    if not estate.environment.services[name].known:
        return ()
    wanted = {app: password_of(secret(estate, name), app) for app in estate.apps_of(name)}
    digests = {app: _short(password) for app, password in wanted.items()}
    if digests.items() <= found.apps.items():
        return ()
    lacking = [app for app in wanted if found.apps.get(app) != digests[app]]
    return (
        *(Step(f"let {app} use {name}", docker.inside(at.container, "admit", app), f"{wanted[app]}\n".encode())
          for app in lacking),
        Step(f"note who uses {name}", files.write(at.apps, "0600"), json.dumps({**found.apps, **digests}).encode()),
    )  # fmt: skip


def run(estate: Estate, name: str, image: str, labels: Mapping[str, str], argv: Argv = (), data: str = "") -> Argv:
    """Create a service's container; with another program and other data, one that no app can reach."""
    service, at = estate.environment.services[name], ServiceLayout(name)
    address = f"[{service.listen}]" if ":" in service.listen else service.listen
    reached = service.inner_port and estate.is_remote(name) and not argv
    own = {data or at.data: service.data} if service.data else {}
    component = Component(
        argv or service.arguments,
        memory=service.memory,
        pids=service.pids,
        stop_signal=service.stop_signal or (service.known.stop_signal if service.known else "SIGTERM"),
        grace=service.grace,
    )
    return docker.create(
        "" if argv else at.container,
        image,
        component,
        labels=labels,
        env_file=at.environment,
        mounts={**own, **({} if argv else {at.sockets: SOCKETS_IN_SERVICE, **estate.sockets(name), **service.mounts})},
        user=f"{service.user}:{APP_UID}",
        publish=() if argv else (*((f"{address}:{service.outer_port}:{service.inner_port}",) if reached else ()),
                                 *service.publish),
        scratch=service.scratch,
        writable=service.writable,
        capabilities=service.capabilities,
        groups=() if argv else service.groups,
        network="" if argv else service.network,
    )  # fmt: skip


def secret(estate: Estate, name: str) -> str:
    """The password that a service's administrator has, and that the apps' are made of; raises Refused."""
    found = estate.secrets.services.get(name, {}).get("password", "")
    if not found and estate.environment.services[name].known:
        raise Refused(f"The service {name} has no password.\nSet services.{name}.password: inv secrets.edit")
    return found


def _variables(estate: Estate, name: str) -> str:
    service = estate.environment.services[name]
    port = str(service.inner_port) if estate.is_remote(name) else ""
    variables = {key: text for key, text in estate.secrets.services.get(name, {}).items() if key.isupper()}
    own = {**service.environment, **variables, **estate.ways(name), "PASSWORD": secret(estate, name), "PORT": port}
    return "".join(f"{key}={value}\n" for key, value in sorted(own.items()))


def _digest(estate: Estate, name: str, image: str) -> str:
    """A service's whole configuration in short: another one needs another container."""
    return _short("\0".join((*run(estate, name, image, {}), _variables(estate, name))))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def tidy(name: str, found: Found, image: str) -> tuple[Step, ...]:
    """Remove what ran before, which was kept until its successor answered."""
    held = ServiceLayout(name).container
    steps = []
    if found.state or found.has_former:
        steps.append(Step(f"remove the former {name}", files.remove(f"{program(held)}.former")))
        steps.append(Step(f"remove the former {name}", docker.remove(f"{held}.former"), forgiven=True))
    if found.image and found.image != image:
        steps.append(Step(f"remove the former image of {name}", docker.remove_image(found.image), forgiven=True))
    return tuple(steps)
