"""What pip says where it fails: of an index that is out of reach, or lacks what is wanted."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ..errors import StepFailed
from .engine import Say

_UNANSWERED = (
    r"Could not fetch URL (?P<url>\S+): ((407|408|429|5\d\d) |timed out|connection error|.*Max retries exceeded)"
)
_LACKING = re.compile(r"No matching distribution found for ([A-Za-z0-9][A-Za-z0-9._-]*)")
_OFFLINE = re.compile(
    r"Retrying \(Retry\(total=0,(?![\s\S]*\n\s*(Downloading|Using cached|Building wheel) )"
    r"|due to an OSError: .*Max retries exceeded"
    r"|confirming the ssl certificate|is not a trusted or secure host"
    r"|pip\._vendor\.(urllib3|requests)\.exceptions\."
    r"\w*(Timeout|Connection|Protocol|Proxy|SSL|Retry|IncompleteRead)\w*: "
    r"|HTTP error (407|408|429|5\d\d) while getting "
    rf"|{_UNANSWERED}"
)
"""What pip says when it gives up; not what it says at each try, nor at the last one where it went on after it."""


def is_offline(log: str) -> bool:
    """Whether pip failed for an index out of reach, by its own words.

    Of an index that answers, but with an error, it says the same as of one that has no such package, unless it is asked
    for more: see `asked_again`.
    """
    return bool(_OFFLINE.search(log))


def lacking(log: str) -> frozenset[str]:
    """The packages of which pip found none, or no such version, by their names in an index (PEP 503)."""
    return frozenset(_normal(name) for name in _LACKING.findall(log))


def unanswered(line: str) -> str:
    """The package whose page of the index did not come, where pip, asked for more, says so in a line; else ""."""
    said = re.match(_UNANSWERED, line.strip())
    return _normal(said["url"].rstrip("/").rpartition("/")[2]) if said else ""


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def asked_again(run: Callable[[Say, Mapping[str, str]], object], say: Say) -> None:
    """Run pip by `run`, which takes who hears its lines and variables for it; raises StepFailed.

    Where it finds no such package it is run once more, to say more than people want to read: without that, an index
    that answers with an error can't be told from one that lacks the package.
    """
    try:
        run(say, {})
    except StepFailed as error:
        if not lacking(error.log) or is_offline(error.log):
            raise
        say("asking the package index again")
        said: dict[str, str] = {}

        def hear(line: str) -> None:
            if package := unanswered(line):
                said[package] = line.strip()

        try:
            run(hear, {"PIP_VERBOSE": "2"})
        except StepFailed as again:
            missing = lacking(again.log)
            if not missing:
                raise
            trouble = next((said[name] for name in sorted(missing) if name in said), "")
            if not trouble:
                raise error from None
            why = f"wheels: {trouble:.300}\nThe package index does not answer as it should: try again when it does."
            raise StepFailed(why, f"{trouble}\n{error.log}") from None
