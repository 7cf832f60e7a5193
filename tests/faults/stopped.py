"""depl, stopped at a point of its talk with the hosts.

Runs on the deploy host: python -m tests.faults.stopped POINT_JSON WORD…. A point is one of

    {"event": N, "delay": S}     kill -9 so many seconds after the N-th event; with "event": 0 it only counts, and
                                 prints at the end when each event came, as `EVENTS [seconds, …]`
    {"sends": REGEX, "host": H}  wait before sending H the first message that matches: prints `POINT` and its process,
                                 and goes on when a line comes on standard input; "after": true waits after it,
                                 "nth": 2 lets the first one that matches pass
    {"clock": SECONDS}           nothing but a clock that is so far ahead

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
import time
from http.client import HTTPConnection

from paramiko import Transport
from paramiko.packet import Packetizer

from tasks.main import program

FIRST_OF_CHANNELS = 90
"""Numbers of SSH's message types from here on are those of channels; the lower ones are of logging in."""


class Events:
    """Counts events, and ends this process some time after one of them."""

    def __init__(self, event: int, delay: float = 0) -> None:
        self.event, self.delay = event, delay
        self.began, self.times, self.lock = time.monotonic(), list[float](), threading.Lock()

    def one(self) -> None:
        with self.lock:
            self.times.append(round(time.monotonic() - self.began, 3))
            if len(self.times) != self.event:
                return
            if not self.delay:
                end()
            threading.Thread(target=self._later, daemon=True).start()

    def _later(self) -> None:
        time.sleep(self.delay)
        end()


def end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Gate:
    """Waits at the n-th message to a host that matches."""

    def __init__(self, sends: str, host: str, after: bool = False, nth: int = 1) -> None:
        self.pattern, self.after, self.left = re.compile(sends.encode()), after, nth
        self.address = socket.gethostbyname(host)

    def at(self, transport: Transport, text: bytes, after: bool) -> None:
        if after != self.after or not self.pattern.search(text) or transport.getpeername()[0] != self.address:
            return
        self.left -= 1
        if self.left == 0:
            print(f"POINT {os.getpid()}", flush=True)
            if not sys.stdin.readline():
                end()  # the test has ended


def main() -> None:
    point, words = json.loads(sys.argv[1]), sys.argv[2:]
    events = Events(**point) if "event" in point else Events(0)
    gate = Gate(**point) if "sends" in point else None
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

    begin, answer = HTTPConnection.endheaders, HTTPConnection.getresponse

    def requesting(self, *words, **options):
        events.one()
        begin(self, *words, **options)
        events.one()

    def answered(self):
        found = answer(self)
        events.one()
        return found

    HTTPConnection.endheaders, HTTPConnection.getresponse = requesting, answered
    Transport._send_message = sending
    Packetizer.read_message = reading
    if "clock" in point:
        right = time.time
        time.time = lambda: right() + point["clock"]
    try:
        program.run(["depl", *words])
    finally:
        if point.get("event") == 0:
            print(f"EVENTS {events.times}", flush=True)


if __name__ == "__main__":
    main()
