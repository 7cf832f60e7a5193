"""TeamCity's service messages: how one is written, and what identifies a problem from build to build.

Written here and not by a library: the one that there is escapes nothing outside of ASCII, and has no build number.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable

ORDER = "##teamcity["
LONGEST_IDENTITY = 60
_SHORT = {"|": "||", "'": "|'", "[": "|[", "]": "|]", "\n": "|n", "\r": "|r"}
_HIDDEN = re.compile(r"##(?=teamcity)", re.IGNORECASE)
_HOSTS = re.compile(r"HOST(?:(?:, | and | … | \(and )HOST)*\)?(?: \(\S+ hosts\))?")
_GIVEN = re.compile(r"'[^']*'|\"[^\"]*\"")


def message(name: str, value: str | None = None, /, **attributes: str) -> str:
    """A service message, without the end of its line: of one value, or of attributes by name."""
    texts = [_quoted(value)] if value is not None else []
    texts += [f"{key}={_quoted(text)}" for key, text in attributes.items()]
    return f"{ORDER}{' '.join([name, *texts])}]"


def _quoted(text: str) -> str:
    return "'" + "".join(map(_escaped, text)) + "'"


def _escaped(one: str) -> str:
    if one in _SHORT:
        return _SHORT[one]
    if " " <= one <= "~":
        return one
    # Two units for what lies beyond the first 65,536 characters, as in Java's strings.
    units = one.encode("utf-16-be", "surrogatepass")
    return "".join(f"|0x{units[at : at + 2].hex().upper()}" for at in range(0, len(units), 2))


def disarmed(text: str) -> str:
    r"""Write what would be a service message as plain text; in JSON, where \u0023 is #, it stays what it was."""
    return _HIDDEN.sub(r"#\\u0023", text)


def identity(verb: str, app: str, hosts: Iterable[str], error: BaseException) -> str:
    """Name a problem: a Java identifier, the same whenever a verb fails in the same way for the same app.

    So what differs from one time to the next doesn't count: hosts and how many, versions, times, and what was typed.
    """
    kind = type(error).__name__
    what = _kind_of(str(error).strip().partition("\n")[0], set(hosts))
    digest = hashlib.sha256("\0".join((verb, app, kind, what)).encode("utf-8", "surrogatepass")).hexdigest()[:10]
    words = re.sub(r"[^A-Za-z0-9]+", "_", f"depl_{verb}_{app}_{kind}")
    return f"{words[: LONGEST_IDENTITY - 11].rstrip('_')}_{digest}"


def _kind_of(line: str, hosts: Collection[str]) -> str:
    if hosts:
        several = "|".join(re.escape(one) for one in sorted(hosts, key=len, reverse=True))
        line = _HOSTS.sub("HOST", re.sub(rf"(?<![\w.-])(?:{several})(?![\w-])", "HOST", line))
    line = _GIVEN.sub("…", line)
    return " ".join("#" if re.search(r"\d", word) else word for word in line.split())
