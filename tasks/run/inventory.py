"""conf/inventory/<environment>/ → Environment, read through Ansible itself."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from ..errors import BadConfig
from ..model.environment import ClickHouse, Environment, Host, is_address
from . import check_branches, check_infra, check_notify, check_services
from .apps import check_variables
from .read import DOMAIN, FILE_NAME, NAME, PATH, URL, is_text, require, structure
from .settings import PROJECT

_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,252}", re.ASCII)
_HOST = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}", re.ASCII)
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}", re.ASCII)
_PERSON = re.compile(r"[a-z][a-z0-9._-]{0,31}", re.ASCII)
_TABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,62}\.)?[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)
_REGISTRY = re.compile(r"[a-z0-9][a-z0-9.-]*(:\d{1,5})?", re.ASCII)
SECONDS = 60
_OPTIONS = (
    "registry",
    "user",
    "known_hosts",
    "cache",
    "slots",
    "keep_running",
    "keep_installed",
    "keep_built",
    "drain",
    "lock_wait",
    "tls",
    "hsts",
    "trusted_proxies",
    "preview_allow",
    "apps",
    "default_app",
    "services",
    "clickhouse",
    "branches",
    "notify",
    "infra",
    "names",
)


def load(name: str) -> Environment:
    """Read an inventory; raises BadConfig with the key's path."""
    return parse(name, _listing(name))


def parse(name: str, listing: Any) -> Environment:
    """Turn what `ansible-inventory --list` printed into an Environment; raises BadConfig."""
    where = f"conf/inventory/{name}"
    require(FILE_NAME.fullmatch(name), where, "an environment's name has letters, digits, '.', '_' and '-'")
    require(_has_form(listing), where, "what ansible-inventory printed is not what --list prints")
    variables: Mapping[str, Mapping[str, Any]] = listing.get("_meta", {}).get("hostvars", {})
    if not variables:
        raise BadConfig(where, "there is no host in it")
    common = _common(variables, where)
    groups = {
        group: tuple(_host(host, variables.get(host, {}), where) for host in sorted(_members(listing, group)))
        for group in listing
        if group not in ("_meta", "all", "ungrouped")
    }
    data = {"name": name, "groups": {}, **common}
    environment = structure(data, Environment, where, lambda path: f"depl_{path}" if path else "")
    object.__setattr__(environment, "groups", groups)
    _check(environment, where)
    return environment


def _has_form(listing: object) -> bool:
    if not isinstance(listing, dict) or not all(isinstance(found, dict) for found in listing.values()):
        return False
    variables = listing.get("_meta", {}).get("hostvars", {})
    members = [found.get(kind, []) for found in listing.values() for kind in ("hosts", "children")]
    return (
        isinstance(variables, dict)
        and all(isinstance(found, dict) for found in variables.values())
        and all(isinstance(found, list) and all(isinstance(one, str) for one in found) for found in members)
    )


def _common(variables: Mapping[str, Mapping[str, Any]], where: str) -> dict[str, Any]:
    """The depl_* variables, which are the same for all hosts."""
    common: dict[str, Any] = {}
    for host, found in sorted(variables.items()):
        for key, value in found.items():
            if not key.startswith("depl_"):
                continue
            option = key.removeprefix("depl_")
            require(
                option in _OPTIONS,
                f"{where}: {key}",
                f"unknown key; known: {', '.join(f'depl_{one}' for one in _OPTIONS)}",
            )
            require(
                common.setdefault(option, value) == value,
                f"{where}: {key}",
                f"{host} has another value than other hosts",
            )
    return common


def _members(listing: Mapping[str, Any], group: str) -> set[str]:
    """The hosts of a group and of the groups in it, each of them looked at once."""
    groups = [group]
    for one in groups:
        groups += [child for child in listing.get(one, {}).get("children", ()) if child not in groups]
    return {host for one in groups for host in listing.get(one, {}).get("hosts", ())}


def _host(name: str, variables: Mapping[str, Any], where: str) -> Host:
    address = str(variables.get("ansible_host", name))
    port = variables.get("ansible_port", 22)
    require(_HOST.fullmatch(name), f"{where}: {name[:60]}", "a host's name has a-z, 0-9, '-' and '.'")
    require(_ADDRESS.fullmatch(address), f"{where}: {name}: ansible_host", f"{address!r:.60} is no address")
    require(type(port) is int and 0 < port < 65536, f"{where}: {name}: ansible_port", f"{port!r:.60} is no port")
    return Host(name, address, port)


def _check(environment: Environment, where: str) -> None:
    require(_REGISTRY.fullmatch(environment.registry), f"{where}: depl_registry", "expected host:port")
    require(_USER.fullmatch(environment.user), f"{where}: depl_user", f"{environment.user!r:.60} is no user")
    for key in ("known_hosts", "cache"):
        path = getattr(environment, key)
        require(PATH.fullmatch(path), f"{where}: depl_{key}", "expected an absolute path of plain characters")
    slots, installed, running = environment.slots, environment.keep_installed, environment.keep_running
    require(4 <= slots <= 10, f"{where}: depl_slots", "expected 4 to 10")
    require(
        0 <= running <= installed <= slots - 4,
        f"{where}: depl_keep_installed",
        f"expected depl_keep_running ({running}) <= depl_keep_installed ({installed}) <= depl_slots - 4 ({slots - 4}): "
        "live, canary, the way back and a new release need a slot each",
    )
    require(1 <= environment.keep_built <= 10000, f"{where}: depl_keep_built", "expected 1 to 10000")
    require(0 <= environment.drain <= 3600, f"{where}: depl_drain", "expected 0 to 3600 seconds")
    require(0 <= environment.lock_wait <= 3600, f"{where}: depl_lock_wait", "expected 0 to 3600 seconds")
    require(0 <= environment.hsts <= 63072000, f"{where}: depl_hsts", "expected 0 to 63072000 seconds (two years)")
    for name, found in environment.tls.items():
        at = f"{where}: depl_tls.{name}"
        require(DOMAIN.fullmatch(name.removeprefix("*.")), at, "expected a host name, or a wildcard such as *.foo.com")
        for key, path in (("certificate", found.certificate), ("key", found.key)):
            require(PATH.fullmatch(path), f"{at}.{key}", "expected an absolute path of plain characters")
    _check_networks(environment.trusted_proxies, f"{where}: depl_trusted_proxies")
    _check_networks(environment.preview_allow.networks, f"{where}: depl_preview_allow.networks")
    for person, password in environment.preview_allow.users.items():
        at = f"{where}: depl_preview_allow.users"
        require(_PERSON.fullmatch(person), at, "a name has up to 32 of a-z, 0-9, '.', '_' and '-', a letter first")
        require(password.isprintable() and 8 <= len(password.encode()) <= 200, f"{at}.{person}",
                "a password has 8 to 200 printable characters")  # fmt: skip
    for app, placement in environment.apps.items():
        at = f"{where}: depl_apps.{app}"
        require(NAME.fullmatch(app), at, "an app's name has 1 to 30 of a-z, 0-9 and '-', a letter first")
        require(placement.domains, f"{at}.domains", "is empty")
        for domain in placement.domains:
            require(DOMAIN.fullmatch(domain), f"{at}.domains", f"{domain!r:.60} is no host name")
        require(placement.hosts in environment.groups, f"{at}.hosts", f"there is no group {placement.hosts!r:.60}")
        require(environment.groups[placement.hosts], f"{at}.hosts", f"group {placement.hosts} has no host")
        both = set(environment.groups[placement.hosts]) & set(environment.balancers)
        require(not both, f"{at}.hosts", f"{min(both, default=None)} is a balancer, and no app can live there")
        check_variables(placement.environment, f"{at}.environment")
    default = environment.default_app
    require(not default or default in environment.apps, f"{where}: depl_default_app", "depl_apps has no such app")
    for name, place in environment.names.items():
        require(DOMAIN.fullmatch(name), f"{where}: depl_names", f"{name!r:.60} is no host name")
        known = is_address(place) or any(place == host.name for hosts in environment.groups.values() for host in hosts)
        require(
            known, f"{where}: depl_names.{name}", f"{place!r:.60} is neither a host of the inventory nor an address"
        )
    if environment.notify:
        check_notify.check(environment.notify, f"{where}: depl_notify")
    if environment.clickhouse:
        _check_clickhouse(environment.clickhouse, f"{where}: depl_clickhouse")
    for name, service in environment.services.items():
        check_services.check(name, service, environment, f"{where}: depl_services.{name}")
    if environment.branches:
        check_branches.check(environment.branches, environment, f"{where}: depl_branches")
    if environment.infra:
        check_infra.check(environment.infra, environment, f"{where}: depl_infra")


def _check_clickhouse(server: ClickHouse, at: str) -> None:
    require(URL.fullmatch(server.url), f"{at}.url", "expected http://host:port or https://host:port")
    require(_TABLE.fullmatch(server.table), f"{at}.table", "expected a table's name, or database.table")
    for key, value in (("user", server.user), ("password", server.password)):
        # Both go into a header of HTTP.
        require(value.isascii() and is_text(value, "\r\n"), f"{at}.{key}", "expected one line of plain characters")


def _check_networks(networks: tuple[str, ...], where: str) -> None:
    for network in networks:
        try:
            ipaddress.ip_network(network)
            sound = "%" not in network  # an interface's name may follow it, of any characters
        except ValueError:
            sound = False
        require(sound, where, f"{network!r:.60} is no network such as 10.0.0.0/8 (no bits set beyond the mask)")


def _listing(name: str) -> Any:
    """What Ansible makes of the inventory. Kept by a digest of its files: asking takes half a second."""
    folder = PROJECT / "conf" / "inventory" / name
    try:
        kept = _cache_file(folder)
    except OSError as error:
        raise BadConfig(f"conf/inventory/{name}", f"{error.filename} can't be read: {error.strerror}") from None
    if kept and kept.exists():
        return _answer(kept.read_text(encoding="utf-8"), name)
    program = Path(sys.executable).with_name("ansible-inventory")
    settings = {**os.environ, "ANSIBLE_CONFIG": str(PROJECT / "conf" / "ansible" / "ansible.cfg")}
    try:
        asked = subprocess.run(
            [str(program), "--inventory", str(folder), "--list"],
            capture_output=True, text=True, env=settings, timeout=SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise BadConfig(f"conf/inventory/{name}", f"ansible-inventory: no end after {SECONDS} s") from None
    if asked.returncode or "Unable to parse" in asked.stderr:
        reason = " ".join(asked.stderr.split()) or "ansible-inventory can't read it"
        raise BadConfig(f"conf/inventory/{name}", reason[-400:])
    if kept:
        _keep(kept, asked.stdout)
    return _answer(asked.stdout, name)


def _answer(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadConfig(f"conf/inventory/{name}", "ansible-inventory printed no JSON") from None


def _keep(path: Path, text: str) -> None:
    """Write a file that is whole or not there, whoever is killed or runs beside us; without room, do without it."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as draft:
            draft.write(text)
        Path(draft.name).replace(path)


def _cache_file(folder: Path) -> Path | None:
    """Where the answer for exactly these files lies; None for secrets and programs."""
    digest = hashlib.sha256(sys.prefix.encode())
    for path in sorted(one for one in folder.rglob("*") if one.is_file() and one.suffix != ".age"):
        content = path.read_bytes()
        if content.startswith((b"#!", b"$ANSIBLE_VAULT")):
            return None
        digest.update(str(path).encode() + b"\0" + content + b"\0")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "depl" / f"inventory-{digest.hexdigest()[:32]}.json"
