"""A WebSocket stays with the release that took it, through promotes, until that release is removed."""

from __future__ import annotations

import os
import socket
import ssl
import struct

import pytest

pytestmark = pytest.mark.integration


class WebSocket:
    """As much of RFC 6455 as an echo needs: text frames below 126 bytes, never opened again."""

    def __init__(self, address: tuple[str, int], tls: ssl.SSLContext | None = None) -> None:
        self.raw = socket.create_connection(address, timeout=20)
        if tls:
            self.raw = tls.wrap_socket(self.raw, server_hostname="app1.foo")
        self.raw.sendall(
            b"GET /socket HTTP/1.1\r\nHost: app1.foo\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self.stream = self.raw.makefile("rb")
        assert b" 101 " in self.stream.readline()
        while self.stream.readline().strip():
            pass

    def receive(self) -> str:
        kind, length = self.stream.read(2)
        if length == 126:
            (length,) = struct.unpack("!H", self.stream.read(2))
        body = self.stream.read(length)
        return self.receive() if kind & 0x0F == 9 else body.decode()

    def echo(self, text: str) -> str:
        mask = os.urandom(4)
        body = bytes(byte ^ mask[n % 4] for n, byte in enumerate(text.encode()))
        self.raw.sendall(struct.pack("!BB", 0x81, 0x80 | len(body)) + mask + body)
        return self.receive()

    def close(self) -> None:
        self.stream.close()
        self.raw.close()


def test_a_websocket_is_held_through_promotes_by_the_release_that_took_it(sandbox, two):
    old, new = two
    held = WebSocket(sandbox.address("app1"))
    try:
        assert old in held.receive(), "the greeting names the version"
        for _ in range(3):
            sandbox.must("promote", "--version", new)
            assert "still here" in held.echo("still here")
            sandbox.must("rollback")
            assert "still here" in held.echo("still here")
        sandbox.must("promote", "--version", new)
        sandbox.must("prune")
        assert "and now" in held.echo("and now"), "the way back is kept, and its sockets with it"
        fresh = WebSocket(sandbox.address("app1"))
        assert new in fresh.receive()
        fresh.close()
    finally:
        held.close()
