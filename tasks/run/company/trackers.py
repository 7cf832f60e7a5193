"""Error trackers by their APIs: what both kinds have in common."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

from .. import web

NAME = "the error tracker"
TEAM = "depl"
"""Whose projects those are that depl makes."""
NOT_THERE = 404
"""The status of what is not there, or not any more."""
CLOSED = (401, 403)
"""The statuses of a token that does not open it."""


class Api:
    """An API that is asked with a token; all questions end together, so many seconds from now."""

    def __init__(self, base: str, token: str, seconds: float) -> None:
        self._base, self._headers = base, {"Authorization": f"Bearer {token}"}
        self._end = time.monotonic() + seconds

    def get(self, path: str, **query: str | int) -> Any:
        """The answer's value; raises Refusal and Unreachable."""
        url = f"{self._base}{path}{f'?{urlencode(query)}' if query else ''}"
        return web.read_json(NAME, web.send(NAME, url, headers=self._headers, seconds=self._left))

    def post(self, path: str, data: object) -> Any:
        """The answer's value; raises Refusal and Unreachable."""
        return web.send_json(NAME, f"{self._base}{path}", data, self._headers, seconds=self._left)

    @property
    def _left(self) -> float:
        return max(0.01, self._end - time.monotonic())
