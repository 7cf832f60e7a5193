"""Docker and supervisord, by their sockets."""

import http.client
import json
import re
import socket
import time
import xmlrpc.client
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

DOCKER, SUPERVISOR = "/run/docker.sock", "/run/supervisor.sock"


class Connection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(sock, method, path, body=None, timeout=10.0):
    """One HTTP request on a unix socket: its status and body; raises OSError."""
    connection = Connection(sock, timeout)
    try:
        connection.request(method, path, body, {"Content-Type": "text/xml"} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"what it says is not HTTP: {error!r}") from None
    finally:
        connection.close()


def status(sock, path, seconds):
    """The status of an app's page, by its answer's first line; raises OSError where that has not come in time.

    The rest may have no end, and each byte of it may come just in time.
    """
    end, head = time.monotonic() + seconds, b""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        connection.connect(sock)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        while len(head) < len("HTTP/1.1 200"):
            connection.settimeout(max(0.01, end - time.monotonic()))
            more = connection.recv(4096)
            if not more or time.monotonic() >= end:
                raise OSError("no answer" if more else "it hung up")
            head += more
    found = re.match(rb"HTTP/1\.\d (\d{3})", head)
    if not found:
        raise OSError("what it says is not HTTP")
    return int(found[1])


def docker(method, path, timeout=10.0):
    """What docker says, or an OSError with its reason."""
    status, body = ask(DOCKER, method, path, timeout=timeout)
    if status >= 400:
        raise OSError(json.loads(body).get("message", f"docker answered {status}"))
    return body


def inspect(container):
    return json.loads(docker("GET", f"/containers/{container}/json"))


def containers(folder, release):
    """The names of a release's containers."""
    labels = [f"depl.app={folder}", f"depl.version={release.partition('@')[0]}"]
    found = json.loads(docker("GET", f"/containers/json?all=1&filters={quote(json.dumps({'label': labels}))}"))
    return sorted(one["Names"][0].lstrip("/") for one in found)


def running():
    """The apps and versions of which a container runs."""
    found = json.loads(docker("GET", f"/containers/json?filters={quote(json.dumps({'label': ['depl.app']}))}"))
    return {(one["Labels"]["depl.app"], one["Labels"].get("depl.version")) for one in found}


def words(stream):
    """The text of a container's log, which docker sends in frames of eight bytes and what they announce."""
    found = b""
    while len(stream) >= 8:
        size = int.from_bytes(stream[4:8], "big")
        found, stream = found + stream[8 : 8 + size], stream[8 + size :]
    return "".join(c for c in found.decode(errors="replace") if c.isprintable() or c in "\n\t")


def last_words(container):
    try:
        return words(docker("GET", f"/containers/{container}/logs?stdout=1&stderr=1&tail=20"))
    except OSError as error:
        return f"{error}\n"


def supervisor(method, *given):
    """Call supervisord; a program that it doesn't know, or knows already, is no failure."""
    call = xmlrpc.client.dumps(given, f"supervisor.{method}")
    _, body = ask(SUPERVISOR, "POST", "/RPC2", call.encode(), timeout=60)
    try:
        xmlrpc.client.loads(body)
    except xmlrpc.client.Fault as fault:
        if not fault.faultString.startswith(("BAD_NAME", "ALREADY_ADDED", "NOT_RUNNING")):
            raise OSError(f"supervisord: {fault.faultString}") from None


def all_at_once(method, what, names, timeout):
    """Start or stop containers side by side."""
    with ThreadPoolExecutor(max(1, len(names))) as pool:
        list(pool.map(lambda name: docker(method, f"/containers/{name}/{what}", timeout), names))
