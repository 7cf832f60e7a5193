"""What pip says where it fails: of an index that is out of reach, or lacks what is wanted."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping

from ..errors import StepFailed

Say = Callable[[str], None]

_UNANSWERED = r"Could not fetch URL \S+: ((407|408|429|5\d\d) |timed out|connection error|.*Max retries exceeded)"
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


def is_lacking(log: str) -> bool:
    """Whether pip failed because it found no such package or version."""
    return "ERROR: No matching distribution found for " in log


def is_unanswered(line: str) -> bool:
    """Whether pip, asked for more, says in a line that a page of the index did not come."""
    return bool(re.match(_UNANSWERED, line.strip()))


def asked_again(run: Callable[[Say, Mapping[str, str]], object], say: Say) -> None:
    """Run pip by `run`, which takes who hears its lines and variables for it; raises StepFailed.

    Where it finds no such package it is run once more, to say more than people want to read: without that, an index
    that answers with an error can't be told from one that lacks the package.
    """
    try:
        run(say, {})
    except StepFailed as error:
        if not is_lacking(error.log) or is_offline(error.log):
            raise
        say("asking the package index again")
        said = deque[str](maxlen=1)
        try:
            run(lambda line: said.append(line) if is_unanswered(line) else None, {"PIP_VERBOSE": "2"})
        except StepFailed as again:
            if not is_lacking(again.log):
                raise
            if not said:
                raise error from None
            why = f"wheels: {said[0]:.300}\nThe package index does not answer as it should: try again when it does."
            raise StepFailed(why, f"{said[0]}\n{error.log}") from None
