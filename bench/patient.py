"""The patient clients of bench-flip, run on an app host: requests that take five seconds, and one WebSocket.

Usage: patient.py PORT STOP_FILE SECONDS. Ends when the file is there, after SECONDS at the latest. Prints one line of JSON.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import struct
import sys
import threading
import time
from typing import BinaryIO

port, stop_file, seconds = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
deadline = time.monotonic() + seconds
count = {"slow": 0, "echoes": 0}
failed: dict[str, list[str]] = {"slow_failed": [], "socket_failed": []}
versions = set[str]()


def going() -> bool:
    return time.monotonic() < deadline and not os.path.exists(stop_file)


def slow() -> None:
    """Requests of five seconds, one after another over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    while going():
        try:
            connection.request("GET", "/slow?seconds=5", headers={"Host": "app1.foo"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                failed["slow_failed"].append(str(answer.status))
            count["slow"] += 1
            versions.add(str(answer.headers.get("X-Version")))
        except (OSError, http.client.HTTPException) as error:
            failed["slow_failed"].append(repr(error))
            connection.close()


def frame(text: str) -> bytes:
    """A masked text frame of fewer than 126 bytes (RFC 6455, section 5.2)."""
    mask = os.urandom(4)
    body = bytes(byte ^ mask[n % 4] for n, byte in enumerate(text.encode()))
    return struct.pack("!BB", 0x81, 0x80 | len(body)) + mask + body


def read_frame(stream: BinaryIO) -> tuple[int, bytes]:
    first, second = stream.read(2)
    length = second & 0x7F
    if length == 126:
        (length,) = struct.unpack("!H", stream.read(2))
    return first & 0x0F, stream.read(length)


def websocket() -> None:
    """One WebSocket, held as long as the run lasts: an echo a second. It is never opened again."""
    try:
        raw = socket.create_connection(("127.0.0.1", port), timeout=30)
        key = base64.b64encode(os.urandom(16)).decode()
        raw.sendall(
            f"GET /socket HTTP/1.1\r\nHost: app1.foo\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        stream = raw.makefile("rb")
        status = stream.readline().decode()
        if "101" not in status:
            raise OSError(status)
        while stream.readline().strip():
            pass
        read_frame(stream)  # the greeting
        while going():
            raw.sendall(frame("still here"))
            kind, body = read_frame(stream)
            while kind == 9:  # a ping; the pong may wait for the next round
                kind, body = read_frame(stream)
            if kind != 1 or b"still here" not in body:
                raise OSError(f"frame {kind}: {body!r}")
            count["echoes"] += 1
            time.sleep(1)
        raw.close()
    except (OSError, ValueError) as error:
        failed["socket_failed"].append(repr(error))


clients = [threading.Thread(target=slow) for _ in range(2)] + [threading.Thread(target=websocket)]
for client in clients:
    client.start()
for client in clients:
    client.join()
print("RESULT " + json.dumps({**count, **failed, "versions": sorted(versions)}))
