"""A person's terminal on a program of a host."""

from __future__ import annotations

import os
import select
import shutil
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from ..commands import Argv
from ..errors import printable
from .ssh import Remote


def is_there() -> bool:
    """Whether a person types and reads."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def show(out: str, err: str) -> None:
    """Print what a program wrote: as it is into a file, harmless on a terminal."""
    for text, stream in ((out, sys.stdout), (err, sys.stderr)):
        stream.write(printable(text) if stream.isatty() else text)
        stream.flush()


def attach(remote: Remote, argv: Argv) -> int:
    """Let a person use a program as if it ran here; returns its exit status."""
    channel = remote.terminal(argv, *shutil.get_terminal_size())
    with _raw():
        while True:
            ready, _, _ = select.select([channel, sys.stdin], [], [], 1)
            if channel in ready:
                text = channel.recv(65536)
                if not text:
                    return int(channel.recv_exit_status())
                os.write(sys.stdout.fileno(), text)
            if sys.stdin in ready:
                channel.sendall(os.read(sys.stdin.fileno(), 4096))
            channel.resize_pty(*shutil.get_terminal_size())


@contextmanager
def _raw() -> Iterator[None]:
    """Hand on each key, Ctrl-C too."""
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
