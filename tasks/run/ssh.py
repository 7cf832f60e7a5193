"""One SSH connection a host, host keys checked, every command with a deadline."""

from __future__ import annotations

import logging
import shlex
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import paramiko
from fabric import Connection
from paramiko.hostkeys import InvalidHostKey
from paramiko.ssh_exception import (
    AuthenticationException,
    BadHostKeyException,
    NoValidConnectionsError,
    SSHException,
)

from ..commands import Argv
from ..errors import Unreachable
from ..model.environment import Environment, Host

T = TypeVar("T")

CONNECT_SECONDS = 10
AT_ONCE = 32
SILENCE = ("No existing session", "Error reading SSH protocol banner")
"""What paramiko says of a host that accepts a connection and then says nothing."""

# What goes wrong comes as an exception; its log would print the same once more, as tracebacks.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Result:
    """How a command ended: its exit status and what it printed."""

    exit: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        return self.exit == 0

    @property
    def said(self) -> str:
        """What a failed command said, in one line."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[-1][:300] if lines else f"exit status {self.exit}"


class Remote:
    """A host that is connected to."""

    def __init__(self, host: Host, environment: Environment) -> None:
        self.host = host
        self._known = environment.known_hosts
        self._connection = Connection(
            host.address, user=environment.user, port=host.port, connect_timeout=CONNECT_SECONDS,
            connect_kwargs={"banner_timeout": CONNECT_SECONDS, "auth_timeout": CONNECT_SECONDS},
        )  # fmt: skip

    def open(self) -> None:
        """Connect; raises Unreachable, with the reason in words, and never trusts a key that wasn't recorded."""
        host, known = self.host, self._known
        if not Path(known).exists():
            raise Unreachable(f"No host keys are recorded: {known} is missing.\nRecord them: inv bootstrap")
        client = self._connection.client
        try:
            client.load_host_keys(known)
        except (OSError, ValueError, InvalidHostKey) as error:
            raise Unreachable(f"{known} can't be read: {error}.\nRecord the host keys anew: inv bootstrap") from None
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        try:
            self._connection.open()
            transport = self._connection.transport
            transport.set_keepalive(15)
            # Or small packets wait 40 ms for an acknowledgement that is itself delayed, at nearly every command.
            transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BadHostKeyException as error:
            name = host.address if host.port == 22 else f"[{host.address}]:{host.port}"
            raise Unreachable(
                f"{host} shows another host key than the one recorded in {known} "
                f"({error.key.get_name()} {error.key.fingerprint}).\nSomebody may sit in between. If the host was made "
                f"anew: sudo ssh-keygen -f {known} -R '{name}', then inv bootstrap"
            ) from None
        except AuthenticationException:
            user = self._connection.user
            raise Unreachable(
                f"{host} doesn't let {user} in with the keys here.\nAuthorise them: inv bootstrap"
            ) from None
        except SSHException as error:
            if "not found in known_hosts" in str(error):
                raise Unreachable(f"{host}'s host key is not recorded in {known}.\nRecord it: inv bootstrap") from None
            if any(words in str(error) for words in SILENCE):
                raise Unreachable(
                    f"{host} ({host.address}:{host.port}) takes connections, but does not answer.\n"
                    "Nothing was changed. Is it overloaded, or is that another port than SSH's?"
                ) from None
            raise Unreachable(f"{host} ({host.address}:{host.port}) speaks no SSH that we do: {error}") from None
        except (NoValidConnectionsError, TimeoutError, socket.gaierror, OSError) as error:
            reason = "no answer" if isinstance(error, TimeoutError) else str(error).strip("[]")
            raise Unreachable(
                f"{host} ({host.address}:{host.port}) can't be reached: {reason}.\n"
                "Nothing was changed. Is it up, and right in the inventory?"
            ) from None

    def run(self, argv: Argv, input: bytes = b"", timeout: float = 60) -> Result:
        """Run one command to its end; raises Unreachable when the connection breaks or time is up."""
        deadline = time.monotonic() + timeout
        try:
            channel = self._start(argv, timeout)
            channel.sendall(input)
            channel.shutdown_write()
            out = _drain(channel.recv, channel, deadline)
            err = _drain(channel.recv_stderr, channel, deadline)
            return Result(channel.recv_exit_status(), out.decode(errors="replace"), err.decode(errors="replace"))
        except TimeoutError:
            channel.close()
            raise Unreachable(f"{self.host}: no end after {timeout:.0f} s: {' '.join(argv)[:120]}") from None
        except (SSHException, OSError, EOFError) as error:
            raise Unreachable(f"{self.host}: the connection broke ({str(error) or type(error).__name__})") from None

    def talk(self, argv: Argv, input: bytes) -> Conversation:
        """Start a command that goes on, and say something to it; it ends with the connection."""
        talk = Conversation(self.host, self._start(argv, CONNECT_SECONDS))
        talk.say(input)
        return talk

    def stream(self, argv: Argv, line: Callable[[str], None]) -> int:
        """Run a command without a deadline and hand on each line that it prints."""
        channel = self._start(argv, CONNECT_SECONDS)
        channel.set_combine_stderr(True)
        channel.settimeout(None)
        for text in channel.makefile("rb"):
            line(text.decode(errors="replace").rstrip("\r\n"))
        return int(channel.recv_exit_status())

    def close(self) -> None:
        self._connection.close()

    def _start(self, argv: Argv, timeout: float) -> paramiko.Channel:
        channel = self._connection.transport.open_session(timeout=CONNECT_SECONDS)
        channel.settimeout(timeout)
        # The one place that quotes: SSH has no argument lists, only a line for the user's shell.
        channel.exec_command(shlex.join(argv))
        return channel


def _drain(receive: Callable[[int], bytes], channel: paramiko.Channel, deadline: float) -> bytes:
    chunks: list[bytes] = []
    while True:
        channel.settimeout(max(0.001, deadline - time.monotonic()))
        chunk = receive(65536)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)


class Conversation:
    """A command under way on a host, spoken to line by line."""

    def __init__(self, host: Host, channel: paramiko.Channel) -> None:
        self._host, self._channel = host, channel
        self._rest: bytes = b""

    def say(self, text: bytes) -> None:
        with _broken_is_unreachable(self._host):
            self._channel.sendall(text)

    def line(self, timeout: float) -> str:
        """The next line it prints, or what is left when it ends; raises Unreachable when time is up."""
        deadline = time.monotonic() + timeout
        with _broken_is_unreachable(self._host):
            while b"\n" not in self._rest:
                self._channel.settimeout(max(0.001, deadline - time.monotonic()))
                more: bytes = self._channel.recv(65536)
                if not more:
                    break
                self._rest += more
        line, found, self._rest = self._rest.partition(b"\n")
        return (line + found).decode(errors="replace")

    def end(self, timeout: float) -> None:
        """Say that there is nothing more to come, and wait until the command has ended."""
        try:
            self._channel.shutdown_write()
            self._channel.status_event.wait(timeout)
        except (SSHException, OSError, EOFError):
            return  # the connection is gone, and the command with it

    def complaint(self) -> str:
        """What it wrote to standard error by now."""
        self._channel.settimeout(2)
        try:
            return str(self._channel.recv_stderr(65536), errors="replace")
        except TimeoutError:
            return ""


@contextmanager
def _broken_is_unreachable(host: Host) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise Unreachable(f"{host} went silent.\nSee what is where: inv status") from None
    except (SSHException, OSError, EOFError) as error:
        raise Unreachable(f"{host}: the connection broke ({str(error) or type(error).__name__})") from None


def answers_of(outcomes: Mapping[Host, T | Exception]) -> dict[Host, T]:
    """All hosts' answers; raises the first host's error where there is one."""
    answers: dict[Host, T] = {}
    for host, outcome in outcomes.items():
        if isinstance(outcome, Exception):
            raise outcome
        answers[host] = outcome
    return answers


class Fleet:
    """The hosts of an app, connected to side by side."""

    def __init__(self, hosts: Iterable[Host], environment: Environment) -> None:
        self.remotes: Mapping[Host, Remote] = {host: Remote(host, environment) for host in hosts}
        self._pool = ThreadPoolExecutor(max(1, min(AT_ONCE, len(self.remotes))))

    def open(self) -> None:
        """Connect to all hosts; raises the first host's Unreachable after all have been tried."""
        for outcome in self.each(lambda remote: remote.open()).values():
            if isinstance(outcome, Exception):
                raise outcome

    def each(self, act: Callable[[Remote], T], hosts: Iterable[Host] | None = None) -> dict[Host, T | Exception]:
        """Do something on hosts side by side; an exception is its host's outcome."""

        def attempt(remote: Remote) -> T | Exception:
            try:
                return act(remote)
            except Exception as error:  # noqa: BLE001 - the caller decides what one host's failure means for all
                return error

        chosen = list(self.remotes if hosts is None else hosts)
        return dict(zip(chosen, self._pool.map(attempt, [self.remotes[host] for host in chosen]), strict=True))

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for remote in self.remotes.values():
            remote.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
