"""conf/inventory/<environment>/secrets.age → Secrets: names in the clear, each value encrypted by itself."""

from __future__ import annotations

import math
import os
import re
import secrets as random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import yaml

from ..errors import BadConfig, BadInput, Refused
from ..model.secrets import KINDS, Secrets, tree
from . import age, settings
from .apps import VARIABLE, check_variables
from .read import NAME, is_text, repeated, require
from .settings import PROJECT

FILE = "secrets.age"
"""Its ending is among those that conf/ansible/ansible.cfg tells Ansible to leave alone."""
_KEY = re.compile(r"[a-z][a-z0-9_]{0,29}", re.ASCII)
_KEY_OR_VARIABLE = re.compile(r"[a-z][a-z0-9_]{0,29}|[A-Z][A-Z0-9_]{0,63}", re.ASCII)
_FORMS = {
    "apps": (VARIABLE, "a variable"),
    "services": (_KEY_OR_VARIABLE, "a service's value"),
    "branches": (VARIABLE, "a variable"),
    "notify": (_KEY, "a receiver's value"),
}
"""What stands below each of the kinds."""
_LONGEST_NAME = 80
_SHORTEST = 32
"""Hexadecimal digits that nobody guesses."""
_DEEPEST = 4
"""Levels of names: values, apps, app1, SECRET_KEY."""
_HEAD = """\
# Secrets: names can be read, values are encrypted to all recipients. What this is: docs/secrets.md
# Values: inv secrets.edit. After a recipient came or went: inv secrets.rotate
"""
_HELP = """\
# Secrets of {environment}. apps: environment variables by app. services: what depl's own services are given.
# branches: environment variables of an app's branches, which get none of those of the app itself.
# notify: what lets depl in at those who are told of deploys, by receiver.
# One line a value; numbers and unusual characters in quotes. Save and leave the editor to encrypt.
# apps:
#   app1:
#     SECRET_KEY: "…"
"""


@dataclass(frozen=True)
class File:
    """What is in the file: public keys by whose they are, and encrypted values by place."""

    where: str
    recipients: Mapping[str, str]
    sealed: Mapping[str, str]

    def reveal(self) -> dict[str, str]:
        """All values by place, in the clear; raises BadConfig and Refused, without a value."""
        if not self.sealed:
            return {}
        keys = age.keys()
        values = {place: age.unseal(place, text, keys, f"{self.where}: {place}") for place, text in self.sealed.items()}
        check_values(values, self.where)
        return values

    def seal(self, values: Mapping[str, str]) -> dict[str, str]:
        """Encrypt values to the recipients."""
        at = f"{self.where}: recipients"
        recipients = [age.recipient(key, f"{at}.{name}") for name, key in self.recipients.items()]
        require(recipients, at, "is empty, so nobody could read what is encrypted")
        return {place: age.seal(place, text, recipients) for place, text in values.items()}


def load(environment: str) -> Secrets:
    """The secrets of an environment, none where it has no file; raises BadConfig and Refused, without a value."""
    return Secrets.of(read(environment).reveal())


def path_of(environment: str) -> Path:
    return PROJECT / "conf" / "inventory" / environment / FILE


def read(environment: str) -> File:
    """The file as it is, its values still encrypted; an empty one where there is none."""
    where = f"conf/inventory/{environment}/{FILE}"
    try:
        text = path_of(environment).read_text(encoding="utf-8")
    except FileNotFoundError:
        return File(where, {}, {})
    except (OSError, ValueError) as error:
        raise BadConfig(where, f"can't be read: {getattr(error, 'strerror', 'it is no text')}") from None
    return parse(text, where)


def parse(text: str, where: str) -> File:
    """Check what a file has: `recipients` and `values`; raises BadConfig, without a value."""
    data = plain(text, where)
    require(isinstance(data, Mapping) and set(data) <= {"recipients", "values"}, where,
            "expected the keys recipients and values")  # fmt: skip
    recipients = data.get("recipients") or {}
    require(isinstance(recipients, Mapping), f"{where}: recipients", "expected names with a public key each")
    for name, key in recipients.items():
        at = f"{where}: recipients"
        require(isinstance(name, str) and name.isprintable() and 0 < len(name) <= _LONGEST_NAME, at,
                f"a name has 1 to {_LONGEST_NAME} printable characters")  # fmt: skip
        require(isinstance(key, str), f"{at}.{name}", "expected a public key")
        age.recipient(key, f"{at}.{name}")
    return File(where, dict(recipients), texts(data.get("values") or {}, where))


def plain(text: str, where: str) -> Any:
    """YAML's data. What is wrong is told by its line alone: YAML's own words may quote a value."""
    try:
        twice = repeated(yaml.compose(text, Loader=yaml.SafeLoader), _DEEPEST)
        require(not twice, where, f"line {twice and twice.line} repeats a name: the one before would be lost")
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1} " if mark else ""
        raise BadConfig(where, f"{line}is not YAML: put a value with unusual characters in quotes") from None


def texts(data: Any, where: str) -> dict[str, str]:
    """Texts by place of {apps: {app: {VARIABLE: text}}, services: {service: {key: text}}}.

    Raises BadConfig. A message names only what has a name's form: all else may be a value on its wrong side.
    """
    require(isinstance(data, Mapping) and set(data) <= set(KINDS), where, f"expected the keys {', '.join(KINDS)}")
    found: dict[str, str] = {}
    for kind, (key_form, of) in _FORMS.items():
        named = data.get(kind) or {}
        require(isinstance(named, Mapping), f"{where}: {kind}", "expected names with their values below them")
        for name, values in named.items():
            require(isinstance(name, str) and NAME.fullmatch(name), f"{where}: {kind}", "has what is no name below it")
            at = f"{where}: {kind}.{name}"
            require(isinstance(values, Mapping), at, "expected NAME: value")
            for key, text in values.items():
                require(isinstance(key, str) and key_form.fullmatch(key), at, f"has what is no name of {of} below it")
                require(
                    isinstance(text, str), f"{at}.{key}", "expected text: put numbers, dates and the like in quotes"
                )
                found[f"{kind}.{name}.{key}"] = text
    return found


def check_values(values: Mapping[str, str], where: str) -> None:
    """Refuse values that no environment file could hold; raises BadConfig, without a value."""
    for place, text in values.items():
        kind, name, key = place.split(".")
        if _FORMS[kind][0] is VARIABLE:
            check_variables({key: text}, f"{where}: {kind}.{name}")
        else:
            require(text and is_text(text, "\r\n"), f"{where}: {place}", "a value is one line of text")


def must_be_writable(environment: str) -> None:
    """Refuse before anybody edits what could not be kept."""
    path = path_of(environment)
    if not os.access(path.parent, os.W_OK):
        raise Refused(
            f"{path.parent} can't be written to by you here.\nTry it in a clone of your own: no host is needed for it."
        )


def update(
    environment: str, recipients: Mapping[str, str], changed: Mapping[str, str], gone: Collection[str] = ()
) -> None:
    """Encrypt values and put them into the file as it is now, which others may have written to meanwhile."""
    file = read(environment)
    file = replace(file, recipients=file.recipients or recipients)
    kept = {place: text for place, text in file.sealed.items() if place not in gone}
    write(environment, file.recipients, {**kept, **file.seal(changed)})


def _yaml(data: Mapping[str, object]) -> str:
    """The data as YAML: its letters as they are, unless some read back otherwise, as Unicode's line ends do."""
    texts = (
        yaml.safe_dump(data, sort_keys=False, allow_unicode=readable, width=math.inf) for readable in (True, False)
    )
    return next(text for text in texts if yaml.safe_load(text) == data)


def write(environment: str, recipients: Mapping[str, str], sealed: Mapping[str, str]) -> None:
    """Write the file whole or not at all: a line a value, so that a diff names what changed."""
    path = path_of(environment)
    data = {"recipients": dict(recipients), "values": tree(sealed)}
    with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, suffix=".age", delete=False) as draft:
        draft.write(_HEAD + _yaml(data))
    new = Path(draft.name)
    new.chmod(path.stat().st_mode if path.exists() else 0o644)
    new.replace(path)


def first_recipient() -> dict[str, str]:
    """Who makes the file: the person and the machine that the key lies on, with the public key."""
    return {settings.who(): age.public(age.keys()[0])}


def as_text(environment: str, values: Mapping[str, str]) -> str:
    """Values as people edit them."""
    return _HELP.format(environment=environment) + _yaml(tree(values))


def random_value(length: int = 48) -> str:
    """A new value that fits everywhere: in URLs, configuration files and on command lines."""
    return random.token_hex((length + 1) // 2)[:length]


def new_value(place: str, former: str) -> str:
    """A random value in place of a former one, of its length unless that is short: programs may ask for just that.

    Raises Refused for one of which a part is no secret, such as a name before a password.
    """
    if ":" in former:
        raise Refused(
            f"{place} has several parts (there is a ':' in it), and would be of no use as a random value.\n"
            "Write a new one: inv secrets.edit"
        )
    return random_value(len(former)) if len(former) >= _SHORTEST else random_value()


def must_have(file: File, place: str) -> None:
    """Refuse a name that the file hasn't got; raises BadInput."""
    if place not in file.sealed:
        known = ", ".join(list(file.sealed)[:6]) or "none"
        raise BadInput(f"{place[:60]!r} is not in {file.where}; there: {known}.\nAdd it: inv secrets.edit")
