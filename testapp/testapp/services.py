"""The way to what the app needs and does not contain: database, queue, search."""

import base64
import http.client
import json
import os
import socket
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

import psycopg
import redis

QUEUE = "notes"


def database() -> psycopg.Connection:
    """Connect to the database; commits at the end of a `with`."""
    return psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5)


def queue() -> redis.Redis:
    """The queue of notes whose words are to be counted."""
    return redis.Redis.from_url(os.environ["QUEUE_URL"], socket_connect_timeout=5, decode_responses=True)


class ByUnixSocket(http.client.HTTPConnection):
    """An HTTP connection over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=5)
        self.path = path

    def connect(self) -> None:
        """Connect to the socket's path."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def search(command: str, body: Any = None, **arguments: str) -> Any:
    """Send a command to Groonga, with `body` as JSON where there is one; returns its answer."""
    url = urlsplit(os.environ["SEARCH_URL"])
    host = unquote(url.hostname or "")
    login = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
    is_socket = url.scheme == "http+unix"
    # urlsplit lowers a host's name, and a path is no host: taken from the text as it stands.
    path = unquote(url.netloc.rpartition("@")[2])
    connection = ByUnixSocket(path) if is_socket else http.client.HTTPConnection(host, url.port, timeout=5)
    target = f"{url.path}{command}?{urlencode(arguments)}"
    try:
        connection.request("POST" if body is not None else "GET", target, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    if answer.status != 200:
        raise OSError(f"search: {command}: status {answer.status}: {text[:200]}")
    (code, *_), *rest = json.loads(text)
    if code:
        raise OSError(f"search: {command}: {text[:200]}")
    return rest[0] if rest else None
