"""What is on record of the newest look at a canary, for `inv status`, which counts nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import one_line
from .overview import span

STAYS = ("wait", "hold")
"""Moves that leave a canary where it is."""


@dataclass(frozen=True)
class Newest:
    """The newest look of `inv canary --auto`, named as its evidence file does: `decision` is the verdict's word.

    `at` in seconds since 1970. `move` is what was done then, for what `why`: complaints and hosts that did not answer
    keep a canary whatever its verdict says.
    """

    at: float
    decision: str
    headline: str
    reason: str
    move: str
    why: str

    def line(self, now: float) -> str:
        kept = f" {self.move}: {self.why}" if self.move in STAYS and self.why != self.reason else ""
        said = one_line(f"{self.headline}{kept}")  # a complaint's title is others' text
        return f"The newest look of --auto, {span(now - self.at)} ago: {said}  now: inv compare"


def newest(looks: Sequence[Any]) -> Newest | None:
    """Read the last of a rollout's looks; None where there is none, or what is there is none."""
    found = looks[-1] if looks else None
    if not isinstance(found, dict):
        return None
    at = found.get("at")
    texts = [found.get(key) for key in ("decision", "headline", "reason", "move", "why")]
    if isinstance(at, bool) or not isinstance(at, int | float) or not 0 <= at < 1e11:
        return None
    words = [one for one in texts if isinstance(one, str)]
    return Newest(float(at), *words) if len(words) == len(texts) else None
