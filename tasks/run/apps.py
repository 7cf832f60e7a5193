"""conf/apps/<app>.yml → App."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ..errors import BadConfig, BadInput
from ..model.app import WEB, App, Component, Source, Wheels
from ..model.branch import BETWEEN
from ..model.environment import Environment
from ..model.layout import TAKEN
from ..model.rollout import ABORT, HOLD, WITNESSES, Goal, Rules
from ..model.service import KINDS, OTHER, PARTS, Need, is_wish
from ..plan import cron
from .read import MEMORY, NAME, SIGNALS, is_text, repeated, require, shown, structure
from .settings import PROJECT

_FILES = PROJECT / "conf" / "apps"
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.]", re.ASCII)  # apt-get takes off what ends with a "-"
_LIBRARY = re.compile(r"lib[A-Za-z0-9._+-]+\.so(\.\d+)*", re.ASCII)
_PIN = re.compile(
    r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(\[[A-Za-z0-9._-]+(,[A-Za-z0-9._-]+)*\])?"
    r"==[0-9][A-Za-z0-9.!+_-]*",
    re.ASCII,
)
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_PAGE = re.compile(r"/[A-Za-z0-9._~/?=&%-]*", re.ASCII)
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_METHOD = re.compile(r"[A-Z]{1,20}", re.ASCII)
_CPU = re.compile(r"[a-z0-9][a-z0-9._-]*", re.ASCII)
_LONGEST = 32768
"""Bytes of a variable's value: docker reads env files with lines of up to 64 KB."""
DAY = 86400
_BASES = ("slim", "debian")
_LEVELS = ("-O0", "-O1", "-O2", "-O3", "-Os")


def names() -> tuple[str, ...]:
    """The apps that conf/apps describes."""
    return tuple(sorted(one.stem for one in _FILES.glob("*.yml")))


def choose(name: str | None, environment: Environment) -> str:
    """The named app, else the environment's default, else the only one that it places; raises BadInput."""
    if name is None:
        placed = [environment.default_app] if environment.default_app else sorted(environment.apps)
        if len(placed) != 1:
            raise BadInput(
                f"Which app? {environment.name} places: {', '.join(placed) or 'none'}.\nSay one of them: --app NAME"
            )
        (name,) = placed
    there = names()
    if name not in there:
        raise BadInput(
            f"{name[:60]!r} is no app. conf/apps describes: {', '.join(there) or 'none'}.\nSay one of them: --app NAME"
        )
    return name


def load(name: str) -> App:
    """Read and check one app's description; raises BadConfig."""
    return parse(name, yaml_of(_FILES / f"{name}.yml"), f"conf/apps/{name}.yml")


def needs(environment: Environment) -> dict[str, Mapping[str, Need]]:
    """What each app that an environment places needs of services; raises BadConfig."""
    there = names()
    return {app: load(app).services for app in sorted(environment.apps) if app in there}


def yaml_of(path: Path) -> Any:
    where = str(path.relative_to(PROJECT))
    try:
        text = path.read_text(encoding="utf-8")
        twice = repeated(yaml.compose(text, Loader=yaml.SafeLoader))
        if twice:
            raise BadConfig(f"{where}: {twice.path}", f"stands twice, again in line {twice.line}; expected one")
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:  # without the line itself, which may hold a secret
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise BadConfig(where, f"{line}{error.problem or error.context}") from None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:  # ValueError: a date such as 2026-13-01
        raise BadConfig(where, " ".join(str(error).split())) from None


def parse(name: str, data: Any, where: str) -> App:
    """Turn a description's plain data into an App; raises BadConfig(path, reason)."""
    require(isinstance(data, Mapping) and "name" not in data, where, "expected the keys that app1.yml shows")
    require(NAME.fullmatch(name), where, "an app's name has 1 to 30 of a-z, 0-9 and '-', a letter first")
    require(BETWEEN not in name, where, f"an app's name has no {BETWEEN!r}, which stands before a branch's")
    require(name not in TAKEN, where, f"{name!r} is a folder of depl's own on hosts; give the app another name")
    app = structure({"name": name, **data}, App, where)
    require(WEB in app.components, f"{where}: components", f"there is no {WEB!r}")
    require(app.base in _BASES, f"{where}: base", f"expected {' or '.join(_BASES)}, got {app.base!r:.60}")
    for kind, listed in (("build", app.packages.build), ("run", app.packages.run)):
        for package in listed:
            require(_PACKAGE.fullmatch(package), f"{where}: packages.{kind}", f"{package!r:.60} is no Debian package")
    for library in app.packages.stub:
        require(
            _LIBRARY.fullmatch(library), f"{where}: packages.stub", f"{library!r:.60} is no library such as libx.so.1"
        )
    for one in app.wheels.compile:
        require(_REQUIREMENT.fullmatch(one), f"{where}: wheels.compile", f"{one!r:.60} is no requirement's name")
    require(_CPU.fullmatch(app.wheels.cpu), f"{where}: wheels.cpu", f"{app.wheels.cpu!r:.60} is no value of -march")
    require(app.wheels.optimise in _LEVELS, f"{where}: wheels.optimise", f"expected one of {', '.join(_LEVELS)}")
    require(0 < app.wheels.timeout <= 86400, f"{where}: wheels.timeout", "expected 1 to 86400 seconds")
    _check_package(app, f"{where}: source")
    for path, text in (("source.path", app.source.path), ("wheels.requirements", app.wheels.requirements)):
        parts = Path(text).parts
        require(
            (parts or text == ".") and ".." not in parts and not text.startswith(("/", "-")) and is_text(text, "\n\t"),
            f"{where}: {path}",
            "expected a path inside the source",
        )
    repository = app.source.repository
    require(repository and is_text(repository, "\n\t"), f"{where}: source.repository", "expected a path")
    for part, component in app.components.items():
        at = f"{where}: components.{part}"
        require(NAME.fullmatch(part), at, "a component's name has 1 to 30 of a-z, 0-9 and '-', a letter first")
        _check_process(component, at)
        require(0 < component.number <= 32, f"{at}.number", "expected 1 to 32 containers on each host")
        require(part != WEB or component.number == 1, f"{at}.number", "web is one container: it has one socket")
        require(component.stop_signal in SIGNALS, f"{at}.stop_signal", f"expected one of {', '.join(SIGNALS)}")
        for variable in component.needs:
            require(VARIABLE.fullmatch(variable), f"{at}.needs", f"{variable!r:.60} is no name of a variable")
        require(0 < component.grace <= 600, f"{at}.grace", "expected 1 to 600 seconds")
        check_schedule(part, component, data["components"][part], at)
    require(_PAGE.fullmatch(app.health.path), f"{where}: health.path", "expected a path such as /healthz")
    require(0 < app.health.timeout <= 600, f"{where}: health.timeout", "expected 1 to 600 seconds")
    require(MEMORY.fullmatch(app.http.max_body), f"{where}: http.max_body", "expected a size such as 20m")
    require(0 < app.http.timeout <= 86400, f"{where}: http.timeout", "expected 1 to 86400 seconds")
    for page in app.smoke:
        require(_PAGE.fullmatch(page), f"{where}: smoke", f"{page!r:.60} is no path such as /login")
    check_variables(app.environment, f"{where}: environment")
    _check_services(app, where)
    if app.migrate:
        at = f"{where}: migrate"
        _check_process(app.migrate.component, at)
        require(0 < app.migrate.timeout <= 86400, f"{at}.timeout", "expected 1 to 86400 seconds")
    _check_rules(app.canary, f"{where}: canary")
    for name, goal in app.goals.items():
        _check_goal(name, goal, f"{where}: goals.{name}")
    return app


def _check_rules(rules: Rules, at: str) -> None:
    require(0.0001 <= rules.alpha <= 0.2, f"{at}.alpha", "expected 0.0001 to 0.2, such as 0.05")
    for what, ratio in (("failing", rules.tolerated.failing), ("slow", rules.tolerated.slow)):
        require(1 < ratio <= 100, f"{at}.tolerated.{what}", "expected more than 1, and at most 100, such as 1.5")
    require(0 <= rules.negligible <= 100, f"{at}.negligible", "expected 0 to 100 per cent of users")
    require(0 < rules.minimum_users <= 10**7, f"{at}.minimum_users", "expected 1 to 10000000 users")
    require(0 < rules.every <= 3600, f"{at}.every", "expected 1 to 3600 seconds")
    require(rules.every <= rules.patience <= 30 * DAY, f"{at}.patience", "expected `every` to 2592000 seconds")
    require(0 <= rules.settle <= rules.patience, f"{at}.settle", "expected 0 seconds to `patience`")
    require(0 < rules.before <= DAY, f"{at}.before", "expected 1 to 86400 seconds")
    require(rules.on_fail in (ABORT, HOLD), f"{at}.on_fail", f"expected abort or hold, got {rules.on_fail!r:.60}")
    for witness in rules.listen:
        require(witness in WITNESSES, f"{at}.listen", f"expected {' or '.join(WITNESSES)}, got {witness!r:.60}")


def _check_goal(name: str, goal: Goal, at: str) -> None:
    require(NAME.fullmatch(name), at, "a goal's name has 1 to 30 of a-z, 0-9 and '-', a letter first")
    require(goal != Goal(), at, "says nothing: expected path, method, status or header")
    require(not goal.path or (goal.path.startswith("/") and is_text(goal.path, "\r\n")), f"{at}.path",
            "expected a path such as /bought or /shop/*")  # fmt: skip
    require("*" not in goal.path[:-1], f"{at}.path", "a * stands at the end only")
    require(not goal.method or _METHOD.fullmatch(goal.method), f"{at}.method", "expected a method such as POST")
    require(goal.status == 0 or 100 <= goal.status <= 599, f"{at}.status", "expected 100 to 599")
    require(is_text(goal.header, "\r\n") and len(goal.header) <= 100, f"{at}.header", "expected a short line of text")


def check_schedule(part: str, component: Component, given: Mapping[str, Any], at: str) -> None:
    """Refuse what is no cron line, or none that ever comes true, and what goes with none."""
    line = component.schedule
    if line is None:
        require("once" not in given, f"{at}.once", "is for components with a schedule: workers run on every host")
        return
    require(part != WEB, f"{at}.schedule", "web runs always")
    require(not component.canary, f"{at}.canary", "a job runs for what is live alone")
    require(component.number == 1, f"{at}.number", "a job is one container: its runs come one after the other")
    require(is_text(line, "\r\n\t") and len(line.split()) == 5, f"{at}.schedule",
            f"expected five fields such as '*/5 * * * *' (UTC), got {line!r:.60}")  # fmt: skip
    try:
        following = cron.next_time(line, 0)
    except ValueError as error:
        raise BadConfig(f"{at}.schedule", f"{line!r:.60} is no cron line: {error}") from None
    require(following, f"{at}.schedule", f"{line!r:.60} never comes true")


def _check_process(component: Component, at: str) -> None:
    require(component.command, f"{at}.command", "is empty")
    require(all(map(is_text, component.command)), f"{at}.command", "has characters that no command line can have")
    require(MEMORY.fullmatch(component.memory), f"{at}.memory", "expected a size such as 256m or 1g")
    require(1 < component.pids <= 32768, f"{at}.pids", "expected 2 to 32768")


def _check_services(app: App, where: str) -> None:
    for name, need in app.services.items():
        at = f"{where}: services.{name}"
        require(NAME.fullmatch(name), at, "a service's name has 1 to 30 of a-z, 0-9 and '-', a letter first")
        require(
            need.kind in (*KINDS, OTHER),
            f"{at}.kind",
            f"expected one of {', '.join((*KINDS, OTHER))}, got {need.kind!r:.60}",
        )
        check_variables(need.variables, f"{at}.variables")
        for variable, wish in need.variables.items():
            expected = f"expected one of {', '.join(PARTS)}, or a text with some of them in braces"
            require(is_wish(wish), f"{at}.variables.{variable}", f"{expected}, got {wish!r:.60}")


def _check_package(app: App, where: str) -> None:
    """Whether code from the package index is named to the last digit, and no folder beside it."""
    source = app.source
    if not source.package:
        require(not source.requirements, f"{where}.requirements", "is for a package; a folder has a requirements.txt")
        return
    for key, pin in (("package", source.package), *(("requirements", one) for one in source.requirements)):
        require(_PIN.fullmatch(pin), f"{where}.{key}", f"expected an exact version such as x==1.2.3, got {pin!r:.60}")
    folder = Source(package=source.package, requirements=source.requirements)
    require(source == folder, where, "has a package: `path` and `repository` are for code from git")
    at_default = app.wheels.requirements == Wheels().requirements
    require(at_default, f"{where}.requirements", "a package's requirements are a list here, not wheels.requirements")


def check_variables(variables: Mapping[str, str], where: str) -> None:
    """Refuse names that no shell would take, and values with line breaks: docker's env files have none."""
    for key, value in variables.items():
        require(VARIABLE.fullmatch(key), where, f"{shown(key)!r:.60} is no name of a variable")
        require(not key.startswith("DEPL_"), f"{where}.{key}", "DEPL_… is set by depl itself")
        require(is_text(value, "\r\n"), f"{where}.{key}", "a value is one line of text")
        require(len(value.encode()) <= _LONGEST, f"{where}.{key}", f"a value has at most {_LONGEST} bytes")
