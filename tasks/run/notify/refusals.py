"""Why a receiver takes a notice not: nothing lets us in, it has no use for this one, or it is away."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...errors import DeplError, Refused, Unreachable, first_line
from ...model.notice import Notice
from .. import web

SHUT = (401, 403)
"""Answers of HTTP to who isn't let in."""
LATER = (408, 429)
"""Answers of HTTP to who is to come back later, whatever he brings."""


class PassedOver(DeplError):
    """What a receiver doesn't know, or refuses, and so is told no more; all else of the notice was told."""


def must_have(secrets: Mapping[str, str], receiver: str, key: str) -> str:
    """A receiver's secret; raises Refused where nobody set it."""
    if not secrets.get(key):
        raise Refused(f"nobody set its {key}: inv secrets.edit, as notify.{receiver}.{key}")
    return secrets[key]


def shut(receiver: str, key: str, error: DeplError) -> Unreachable:
    """What a receiver says that doesn't let us in, with where that is that should."""
    return Unreachable(f"{first_line(error).rstrip('.')}. What opens it: inv secrets.edit, notify.{receiver}.{key}")


def understood(tell: Callable[[Notice, float], None], receiver: str, key: str, notice: Notice, seconds: float) -> None:
    """Tell, by HTTP; raises Refused for what is wrong with this notice alone, Unreachable for what is with all."""
    try:
        tell(notice, seconds)
    except web.Refusal as error:
        if error.status in SHUT:
            raise shut(receiver, key, error) from None
        if error.status < 500 and error.status not in LATER:
            raise Refused(str(error)) from None
        raise
