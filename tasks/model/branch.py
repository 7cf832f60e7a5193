"""A Branch is the source of an app of its own on the staging host: its name in git, and what it is called there."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import BadInput
from .version import Version

LONGEST = 200
LONGEST_APP = 43
"""Characters of an app's name and a branch's label together, so that with a version behind it PostgreSQL's 63 and a
unix socket's 107 bytes hold it."""
BETWEEN = "--"
"""Between an app's name and a branch's label, in the branch app's name. No app's own name has it."""
_REFUSED = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|(^|/)\.|\.(/|$)|\.lock(/|$)|^[-/]|/$|^@$")
"""What git's check-ref-format refuses."""
_OTHERS = re.compile(r"[^a-z0-9]+")
_LOOKS_LIKE_A_VERSION = re.compile(r"\d{4}(-\d\d){4}", re.ASCII)


@dataclass(frozen=True, order=True)
class Branch:
    """A branch of an app's repository. `label` is its part of host names: feature/X-12 is feature-x-12 there."""

    app: str
    name: str
    label: str

    @property
    def folder(self) -> str:
        """The name of its own app: of its folder, containers, images, users of services."""
        return f"{self.app}{BETWEEN}{self.label}"

    def database(self, version: Version) -> str:
        """Each build has a database of its own, so that one that fails leaves the former one's alone."""
        return f"{self.folder}.{version}"

    def __str__(self) -> str:
        return self.name


def parse(text: str) -> str:
    """Accept what git accepts as a branch's name, nothing else; raises BadInput."""
    name = text.removeprefix("refs/heads/")
    if not name or len(name.encode(errors="surrogatepass")) > LONGEST or _REFUSED.search(name) or not _is_utf8(name):
        raise BadInput(
            f"{text[:60]!r} is no branch's name: expected what git accepts, such as feature/X-12.\n"
            "See what there is: inv branch.list"
        )
    return name


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= one <= "\udfff" for one in text)


def labels(app: str, name: str) -> Iterator[str]:
    """The labels that a branch may have, in the order in which it asks for them: whoever comes first has the short one.

    feature/X-12 and feature-x-12 both want feature-x-12; the second gets feature-x-12-b1946a.
    """
    room = min(63, LONGEST_APP - len(app))
    digest = hashlib.sha256(name.encode()).hexdigest()
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    short = _OTHERS.sub("-", plain).strip("-") or "branch"
    # A name that was cut, or that a version's own URL could have, is told apart by its digest from the first.
    if len(short) <= room and not _LOOKS_LIKE_A_VERSION.fullmatch(short):
        yield short
    for digits in range(6, len(digest)):
        head = short[: room - digits - 1].rstrip("-")
        yield f"{head}-{digest[:digits]}" if head else digest[:digits]
