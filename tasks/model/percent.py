"""Shares of users, in the steps that routing can make."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from ..errors import BadInput

BUCKETS = 1000


@dataclass(frozen=True, order=True)
class Percent:
    """A share of users, counted in buckets: one bucket is 0.1 %."""

    buckets: int

    @classmethod
    def parse(cls, text: str) -> Percent:
        """Accept 0 to 100 with at most one decimal; raises BadInput."""
        found = re.fullmatch(r"(\d{1,3})(?:\.(\d))?", text, re.ASCII)
        buckets = int(found[1]) * 10 + int(found[2] or 0) if found else -1
        if not 0 <= buckets <= BUCKETS:
            raise BadInput(
                f"{text[:60]!r} is not a percentage: expected a number from 0 to 100 in steps of 0.1, such as 5 or 0.5."
            )
        return cls(buckets)

    @classmethod
    def parse_steps(cls, text: str) -> tuple[Percent, ...]:
        """Accept percentages with commas between them, each larger than the one before; raises BadInput."""
        steps = tuple(cls.parse(one) for one in text.split(","))
        if not steps[0].buckets or any(one >= other for one, other in itertools.pairwise(steps)):
            raise BadInput(f"{text[:60]!r} are no steps: expected growing percentages above 0, such as 1,5,25,100.")
        return steps

    def __str__(self) -> str:
        whole, tenth = divmod(self.buckets, 10)
        return f"{whole}.{tenth} %" if tenth else f"{whole} %"


NOBODY = Percent(0)
