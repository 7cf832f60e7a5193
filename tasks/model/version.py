"""Versions are times of build in UTC, to the minute: 2026.11.22.12.05."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..errors import BadInput

FORMAT = "%Y.%m.%d.%H.%M"
_SHAPE = re.compile(r"\d{4}(\.\d{2}){4}", re.ASCII)


@dataclass(frozen=True, order=True)
class Version:
    """An immutable, validated version. Versions sort by their time of build."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Version:
        """Accept YYYY.MM.DD.HH.MM, nothing else; raises BadInput."""
        try:
            if not _SHAPE.fullmatch(text):
                raise ValueError
            datetime.strptime(text, FORMAT)
        except ValueError:
            raise BadInput(
                f"{text[:60]!r} is not a version: expected YYYY.MM.DD.HH.MM, such as 2026.11.22.12.05.\n"
                "See what there is: inv status"
            ) from None
        return cls(text)

    @classmethod
    def next(cls, now: datetime, taken: Iterable[Version]) -> Version:
        """Name a build started at `now` (aware): the first free minute from then on.

        A second build in the same minute gets the next minute, so that every version keeps
        the one format and sorts after those before it. The image's label has the true time.
        """
        minute = now.astimezone(UTC)
        used = set(taken)
        while (version := cls(minute.strftime(FORMAT))) in used:
            minute += timedelta(minutes=1)
        return version

    @property
    def minute(self) -> float:
        """The time that it is named after, in seconds since 1970."""
        return datetime.strptime(self.text, FORMAT).replace(tzinfo=UTC).timestamp()

    def __str__(self) -> str:
        return self.text
