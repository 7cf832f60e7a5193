"""One HTTP request to somebody else's server: its answer, or in one sentence why there is none."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from ..errors import Unreachable, one_line

LONGEST = 8 * 1024 * 1024
"""Bytes of an answer."""


class Refusal(Unreachable):
    """An answer of 400 or above, with its `status`."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Elsewhere a password would be shown to whoever is there."""

    def redirect_request(self, *_: object) -> None:
        return None


def send(
    name: str,
    url: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "",
    seconds: float = 10,
) -> bytes:
    """Send a request to what people call `name`; raises Refusal and Unreachable, neither with the whole `url`.

    The URL is one that the configuration's gate let in: http or https. Its path may be a secret.
    """
    request = urllib.request.Request(  # noqa: S310
        url, body, dict(headers or {}), method=method or ("GET" if body is None else "POST")
    )
    where, end = f"{name} at {request.type}://{request.host}", time.monotonic() + seconds
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=seconds) as answer:
            return _read(where, answer, end)
    except urllib.error.HTTPError as error:
        said = one_line((_said(error).strip().splitlines() or [error.reason])[0])
        raise Refusal(f"{where} refuses: {said[:300]} ({error.code})", error.code) from None
    except http.client.InvalidURL:  # whose own words quote the path
        raise Unreachable(f"{where} can't be reached: its address has a blank or a control character") from None
    except http.client.HTTPException as error:
        raise Unreachable(f"{where} breaks off or speaks no HTTP: {one_line(repr(error))[:300]}") from None
    except (OSError, ValueError) as error:
        raise Unreachable(f"{where} can't be reached: {getattr(error, 'reason', error)}") from None


def _read(where: str, answer: http.client.HTTPResponse, end: float) -> bytes:
    """A whole answer; raises Unreachable where it has no end, or none in time."""
    content = bytearray()
    while chunk := answer.read1(65536):
        content += chunk
        if len(content) > LONGEST:
            raise Unreachable(f"{where} answers with more than {LONGEST} bytes")
        if time.monotonic() > end:
            raise Unreachable(f"{where} can't be reached: timed out")
    if answer.length:
        raise http.client.IncompleteRead(bytes(content), answer.length)
    return bytes(content)


def _said(error: urllib.error.HTTPError) -> str:
    with error:
        try:
            return error.read(2000).decode(errors="replace")
        except (OSError, http.client.HTTPException):
            return ""


def send_json(name: str, url: str, data: object, headers: Mapping[str, str] | None = None, **more: Any) -> Any:
    """Send JSON and read JSON; None for an empty answer."""
    kind = {"Content-Type": "application/json"}
    return read_json(name, send(name, url, json.dumps(data).encode(), {**kind, **(headers or {})}, **more))


def read_json(name: str, content: bytes) -> Any:
    """An answer's value; None for an empty one. Raises Unreachable where it is no JSON."""
    try:
        return json.loads(content) if content.strip() else None
    except ValueError:
        raise Unreachable(
            f"{name} answers what is no JSON: {one_line(content[:60].decode(errors='replace'))}"
        ) from None
