"""Configuration files → values, with the path and the reason of whatever is wrong.

The one gate for configuration: after it nobody validates again. Unknown keys are refused, types are
never converted, names that go into paths, units and host names are held to their alphabets.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import cattrs
import yaml
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError

from ..errors import BadConfig

T = TypeVar("T")

NAME = re.compile(r"[a-z][a-z0-9-]{0,29}", re.ASCII)
DOMAIN = re.compile(
    r"(?=.{1,100}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII
)
URL = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]{0,252}(:\d{1,5})?(/[A-Za-z0-9._/-]*)?", re.ASCII)
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
PATH = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+", re.ASCII)
MEMORY = re.compile(r"[1-9]\d{0,8}[kmg]", re.ASCII)
SIGNALS = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2")


def is_text(value: str, without: str = "") -> bool:
    """Whether a value can be written to a file and given to a program: no NUL, no half of a character."""
    return not any(one in "\0" + without or "\ud800" <= one <= "\udfff" for one in value)


def shown(key: object) -> str:
    """A key as messages name it: without what may be a secret's value that somebody put on its wrong side."""
    return re.split("[=:]", str(key), maxsplit=1)[0]


def _exactly(kind: type) -> Callable[[Any, Any], Any]:
    def check(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            # Where text belongs, a secret may: its value stays out of messages.
            got = _KINDS.get(type(value), "something else") if kind is str else f"{value!r:.60}"
            raise ValueError(f"expected {_WORDS[kind]}, got {got}")
        return value

    return check


def _number(value: Any, _: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"expected a number, got {value!r:.60}")
    return float(value)


_WORDS = {str: "text", int: "a whole number", bool: "true or false"}
_KINDS = {
    int: "a number", float: "a number", bool: "true or false", list: "a list", dict: "keys and values",
    type(None): "nothing",
}  # fmt: skip


def _tuple_of_text(value: Any, _: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"expected a list of texts, got {value!r:.60}")
    return tuple(value)


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind in _WORDS:
        converter.register_structure_hook(kind, _exactly(kind))
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook_func(lambda kind: kind == tuple[str, ...], _tuple_of_text)
    return converter


_CONVERTER = _converter()


def structure(data: object, kind: type[T], where: str, name_of: Callable[[str], str] = str) -> T:
    """Turn plain data into a dataclass; raises BadConfig with the file and the key's path."""
    try:
        if not isinstance(data, dict):
            raise ValueError(f"expected keys and values, got {_KINDS.get(type(data), 'text')}")
        return _CONVERTER.structure(data, kind)
    except (ClassValidationError, IterableValidationError, ValueError, TypeError) as error:
        path, reason = _innermost(error)
        raise BadConfig(f"{where}: {name_of('.'.join(path)) or 'the file'}", reason) from None


def _innermost(error: BaseException, path: tuple[str, ...] = ()) -> tuple[tuple[str, ...], str]:
    """Follow the first error down to the key where it happened."""
    if isinstance(error, (ClassValidationError, IterableValidationError)):
        # A misspelt key is an unknown one and a missing one: the unknown one tells more.
        unknown = (one for one in error.exceptions if isinstance(one, ForbiddenExtraKeysError))
        inner = next(unknown, error.exceptions[0])
        for note in getattr(inner, "__notes__", []):
            key = getattr(note, "name", getattr(note, "index", None))
            if key is not None:
                path = (*path, shown(key))
        return _innermost(inner, path)
    if isinstance(error, ForbiddenExtraKeysError):
        key = sorted(error.extra_fields, key=str)[0]
        known = ", ".join(sorted(field.name for field in _fields(error.cl)))
        return (*path, shown(key)), f"unknown key; known here: {known}"
    if isinstance(error, KeyError):
        return (*path[:-1], str(error.args[0])), "is missing"
    if isinstance(error, TypeError | AttributeError):  # cattrs asked a text or a list for its items
        return path, "expected keys and values"
    return path, str(error)


def _fields(kind: Any) -> tuple[Any, ...]:
    return tuple(kind.__dataclass_fields__.values())


@dataclass(frozen=True)
class Repeated:
    """A key that stands for the second time among its neighbours: its path, and its line, counted from 1."""

    path: str
    line: int


def repeated(node: yaml.Node | None, depth: int = 5) -> Repeated | None:
    """The first such key in a YAML document, so many levels down; YAML would take the last without a word."""
    if not isinstance(node, yaml.MappingNode) or not depth:
        return None
    names = [str(key.value) for key, _ in node.value]
    for place, (key, value) in enumerate(node.value):
        if names[place] in names[:place]:
            return Repeated(shown(names[place]), int(key.start_mark.line) + 1)
        if below := repeated(value, depth - 1):
            return Repeated(f"{shown(names[place])}.{below.path}", below.line)
    return None


def require(condition: object, where: str, reason: str) -> None:
    """Refuse a value that has the right type and still makes no sense; raises BadConfig."""
    if not condition:
        raise BadConfig(where, reason)
