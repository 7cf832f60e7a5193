"""depl, stopped at a point of its talk with the hosts.

Runs on the deploy host: python -m tests.faults.stopped POINT_JSON WORD…. A point is one of

    {"event": N}                 kill -9 at the N-th event; 0 only counts, and prints `EVENTS n` at the end
    {"sends": REGEX, "host": H}  wait before sending H the first message that matches: prints `POINT`, and
                                 goes on when a line comes on standard input; "after": true waits after it

A host sees of depl the SSH messages that depl sends, the registry and a Docker engine see HTTP. So the events are:
before and after each of an SSH channel's messages is sent, each one that was read, and before and after each HTTP
request. depl itself knows nothing of this program.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
import threading
from http.client import HTTPConnection

from paramiko import Transport
from paramiko.packet import Packetizer

from tasks.main import program

FIRST_OF_CHANNELS = 90
"""Numbers of SSH's message types from here on are those of channels; the lower ones are of logging in."""


class Events:
    """Counts events, and ends this process at one of them."""

    def __init__(self, last: int) -> None:
        self.last, self.count, self.lock = last, 0, threading.Lock()

    def one(self) -> None:
        with self.lock:
            self.count += 1
            if self.count == self.last:
                os.kill(os.getpid(), signal.SIGKILL)


class Gate:
    """Waits at the first message to a host that matches."""

    def __init__(self, pattern: str, host: str, after: bool) -> None:
        self.pattern, self.after = re.compile(pattern.encode()), after
        self.address = socket.gethostbyname(host)
        self.passed = False

    def at(self, transport: Transport, text: bytes, after: bool) -> None:
        if self.passed or after != self.after or not self.pattern.search(text):
            return
        if transport.getpeername()[0] == self.address:
            self.passed = True
            print("POINT", flush=True)
            sys.stdin.readline()


def main() -> None:
    point, words = json.loads(sys.argv[1]), sys.argv[2:]
    events = Events(point.get("event", 0))
    gate = Gate(point["sends"], point["host"], point.get("after", False)) if "sends" in point else None
    send, read = Transport._send_message, Packetizer.read_message

    def sending(self, data):
        text = data.asbytes()
        if text[0] < FIRST_OF_CHANNELS:
            return send(self, data)
        events.one()
        if gate:
            gate.at(self, text, after=False)
        send(self, data)
        events.one()
        if gate:
            gate.at(self, text, after=True)
        return None

    def reading(self):
        kind, message = read(self)
        if kind >= FIRST_OF_CHANNELS:
            events.one()
        return kind, message

    begin, end = HTTPConnection.endheaders, HTTPConnection.getresponse

    def requesting(self, *words, **options):
        events.one()
        begin(self, *words, **options)
        events.one()

    def answered(self):
        answer = end(self)
        events.one()
        return answer

    HTTPConnection.endheaders, HTTPConnection.getresponse = requesting, answered
    Transport._send_message = sending
    Packetizer.read_message = reading
    try:
        program.run(["depl", *words])
    finally:
        if point.get("event") == 0:
            print(f"EVENTS {events.count}", flush=True)


if __name__ == "__main__":
    main()
