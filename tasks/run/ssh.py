"""One SSH connection a host, one process at its other end, host keys checked, and a deadline for all that is asked.

A request to many hosts is sent to all of them back to back before the first answer is awaited: what they are asked
for happens at nearly the same time.
"""

from __future__ import annotations

import json
import logging
import shlex
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import paramiko
from fabric import Config, Connection
from paramiko.hostkeys import HostKeys, InvalidHostKey
from paramiko.ssh_exception import (
    AuthenticationException,
    BadHostKeyException,
    NoValidConnectionsError,
    SSHException,
)

from ..commands import Argv, onhost
from ..errors import DeplError, StepFailed, Unreachable, one_line
from ..model.environment import Environment, Host
from ..plan import render

T = TypeVar("T")

CONNECT_SECONDS = 10
OPEN_SECONDS = 20
"""How long a host may take from the first packet until its process is started."""
ANSWER_SECONDS = 5
"""How much longer than its commands may take, by their own limits, a host's answer is waited for."""
END_SECONDS = 2
GONE_MILLISECONDS = 20_000
"""How long a host may leave packets unacknowledged: one that lost its power takes no leave."""
AT_ONCE = 32
SILENCE = ("No existing session", "Error reading SSH protocol banner")
"""What paramiko says of a host that accepts a connection and then says nothing."""

# What goes wrong comes as an exception; its log would print the same once more, as tracebacks.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Command:
    """What a host is asked to do. `timeout` in seconds; what comes after one that fails is left, unless `forgiven`."""

    argv: Argv
    input: bytes = b""
    timeout: float = 60
    forgiven: bool = False


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
    """A host that is connected to, and the process there that answers us."""

    def __init__(self, host: Host, environment: Environment, known: HostKeys, settings: Config) -> None:
        self.host = host
        self._environment = environment
        self._known = known
        self._settings = settings
        self._connection = self._disconnected()
        self._channel: paramiko.Channel | None = None
        self._rest = b""
        self._deadline = 0.0
        """When, by our clock, we give up waiting for the answer."""
        self._ahead: float | None = None
        """By how much the host's clock is ahead of ours, at least."""

    def _disconnected(self) -> Connection:
        return Connection(
            self.host.address, user=self._environment.user, port=self.host.port, connect_timeout=CONNECT_SECONDS,
            connect_kwargs={"banner_timeout": CONNECT_SECONDS, "auth_timeout": CONNECT_SECONDS}, config=self._settings,
        )  # fmt: skip

    def open(self) -> None:
        """Connect; raises Unreachable, with the reason in words, and never trusts a key that wasn't recorded."""
        with _refusal_in_words(self.host, self._environment):
            connection, client = self._connection, self._connection.client
            for kind, key in _keys_of(self._known, connection.host, connection.port):
                client.get_host_keys().add(_name(connection.host, connection.port), kind, key)
            client.set_missing_host_key_policy(paramiko.RejectPolicy())
            if not connection.gateway:
                # Made here, so that no packet of the handshake waits for the acknowledgement of another.
                connection.connect_kwargs["sock"] = _socket(connection.host, connection.port)
            connection.open()
            connection.transport.set_keepalive(15)

    def start(self) -> None:
        """Start the process that answers."""
        program = render.onhost()
        with _broken_is_unreachable(self.host):
            self._channel = self._execute(onhost.launch(program))
            self._channel.sendall(program)
            self._rest, self._ahead = b"", None

    def send(self, commands: Sequence[Command]) -> None:
        """Ask for commands, one after the other up to the first that fails; answers() has what became of them."""
        seconds = sum(one.timeout for one in commands) + ANSWER_SECONDS
        self._deadline = time.monotonic() + seconds
        # By the host's clock: what we give up waiting for must not happen later.
        until = None if self._ahead is None else self._deadline + self._ahead
        asked = [(one.argv, one.input.decode(), one.timeout, one.forgiven) for one in commands]
        with _broken_is_unreachable(self.host):
            channel = self._open_channel()
            channel.settimeout(seconds)
            channel.sendall(json.dumps({"until": until, "commands": asked}).encode() + b"\n")

    def answers(self) -> list[Result]:
        """Results of the commands that were begun; raises Unreachable when time is up, and disconnects."""
        try:
            with _broken_is_unreachable(self.host):
                return self._parsed(self._line(self._open_channel()))
        except DeplError:
            self.close()
            raise

    def stream(self, argv: Argv, line: Callable[[str], None]) -> int:
        """Run a command without a deadline and hand on each line that it prints."""
        channel = self._execute(argv)
        channel.set_combine_stderr(True)
        channel.settimeout(None)
        for text in channel.makefile("rb"):
            line(text.decode(errors="replace").rstrip("\r\n"))
        return int(channel.recv_exit_status())

    def terminal(self, argv: Argv, columns: int, lines: int) -> paramiko.Channel:
        """Start a command that finds a terminal of that size."""
        return self._execute(argv, (columns, lines))

    def feed(self, argv: Argv, pieces: Iterable[bytes], seconds: float) -> Result:
        """Run a command whose standard input is too much to be in memory; each piece, and its end, has so long."""
        with _broken_is_unreachable(self.host):
            channel = self._execute(argv)
            channel.settimeout(seconds)
            for piece in pieces:
                if not _taken(channel, piece):
                    break
            with suppress(OSError):  # it has ended already
                channel.shutdown_write()
            out, err = (one.read().decode(errors="replace") for one in (channel.makefile(), channel.makefile_stderr()))
            self._must_have_ended(channel)
            return Result(channel.exit_status, out, err)

    def end(self, timeout: float) -> None:
        """Say that there is nothing more to come, and wait until the process has ended."""
        if self._channel:
            with suppress(SSHException, OSError, EOFError):  # or the connection is gone, and the process with it
                self._channel.shutdown_write()
                self._channel.status_event.wait(timeout)

    def close(self) -> None:
        """Break the connection; it can be opened anew."""
        self._connection.close()
        self._connection = self._disconnected()
        self._channel = None

    def abort(self) -> None:
        """Break off what another thread does with this host."""
        self._connection.client.close()

    def _execute(self, argv: Argv, terminal: tuple[int, int] | None = None) -> paramiko.Channel:
        channel = self._connection.transport.open_session(timeout=OPEN_SECONDS)
        if terminal:
            channel.get_pty("xterm-256color", *terminal)
        # The one place that quotes: SSH has no argument lists, only a line for the user's shell.
        channel.exec_command(shlex.join(argv))
        return channel

    def _open_channel(self) -> paramiko.Channel:
        if not self._channel:
            raise EOFError("a while ago")
        return self._channel

    def _line(self, channel: paramiko.Channel) -> str:
        """The next line that the process prints, or what is left when it ends."""
        while b"\n" not in self._rest:
            channel.settimeout(max(0.001, self._deadline - time.monotonic()))
            more: bytes = channel.recv(65536)
            if not more:
                self._must_have_ended(channel)
                break
            self._rest += more
        line, found, self._rest = self._rest.partition(b"\n")
        return (line + found).decode(errors="replace")

    def _must_have_ended(self, channel: paramiko.Channel) -> None:
        """Tell a process that ended, and says why, from a session that was cut: only the first has an exit status."""
        channel.status_event.wait(END_SECONDS)
        if channel.exit_status < 0:
            raise EOFError("closed by the host")

    def _parsed(self, line: str) -> list[Result]:
        try:
            answer = json.loads(line)
            # At least: the answer was on its way for a while.
            ahead = float(answer["clock"]) - time.monotonic()
            self._ahead = ahead if self._ahead is None else max(ahead, self._ahead)
            results = [Result(int(status), str(out), str(err)) for status, out, err in answer["results"]]
        except (ValueError, TypeError, KeyError, RecursionError):
            results = []
        if not results:
            raise StepFailed(self._nonsense(line))
        return results

    def _nonsense(self, line: str) -> str:
        """Why it did not answer as it should: what it wrote to standard error by now, or what it said."""
        channel = self._open_channel()
        channel.settimeout(2)
        try:
            said = str(channel.recv_stderr(65536), errors="replace").strip() or line
        except TimeoutError:
            said = line
        lines = [one_line(one) for one in said.splitlines() if one.strip()] or ["nothing"]
        return (
            f"{self.host}: its answer is not JSON: {lines[-1][:300]}\n"
            "Is it bootstrapped? inv bootstrap   Does its login shell print something?"
        )


def _taken(channel: paramiko.Channel, piece: bytes) -> bool:
    """Send a piece; False where the command takes no more: it has ended, and says why."""
    try:
        channel.sendall(piece)
    except TimeoutError:
        raise
    except OSError:
        return False
    return True


def _socket(address: str, port: int) -> socket.socket:
    """A TCP connection that sends at once, and notices within seconds when nobody is there any more."""
    made = socket.create_connection((address, port), CONNECT_SECONDS)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GONE_MILLISECONDS)
    return made


def _name(address: str, port: int) -> str:
    """A host as known_hosts names it."""
    return address if port == 22 else f"[{address}]:{port}"


def _keys_of(known: HostKeys, address: str, port: int) -> list[tuple[str, paramiko.PKey]]:
    """A host's recorded keys; the kind that costs a host least to prove comes first, and is asked for."""
    found = known.lookup(_name(address, port)) or {}
    return sorted(found.items(), key=lambda one: one[0] != "ssh-ed25519")


def _read_known(path: str) -> HostKeys:
    """The recorded host keys; raises Unreachable."""
    if not Path(path).exists():
        raise Unreachable(f"No host keys are recorded: {path} is missing.\nRecord them: inv bootstrap")
    try:
        return HostKeys(path)
    except (OSError, ValueError, InvalidHostKey) as error:
        raise Unreachable(f"{path} can't be read: {error}.\nRecord the host keys anew: inv bootstrap") from None


@contextmanager
def _refusal_in_words(host: Host, environment: Environment) -> Iterator[None]:
    known, user = environment.known_hosts, environment.user
    try:
        yield
    except BadHostKeyException as error:
        raise Unreachable(
            f"{host} shows another host key than the one recorded in {known} "
            f"({error.key.get_name()} {error.key.fingerprint}).\nSomebody may sit in between. If the host was made "
            f"anew: sudo ssh-keygen -f {known} -R '{_name(host.address, host.port)}', then inv bootstrap"
        ) from None
    except AuthenticationException:
        raise Unreachable(f"{host} doesn't let {user} in with the keys here.\nAuthorise them: inv bootstrap") from None
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


@contextmanager
def _broken_is_unreachable(host: Host) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise Unreachable(f"{host}: it went silent.\nSee what is where: inv status") from None
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


def _outcome(act: Callable[[], T]) -> T | Exception:
    """What came of it: a value, or the exception that says why not."""
    try:
        return act()
    except Exception as error:  # noqa: BLE001 - the caller decides what one host's failure means for all
        return error


class Fleet:
    """The hosts of an app, connected to side by side."""

    def __init__(self, hosts: Iterable[Host], environment: Environment) -> None:
        # Read once for all hosts: a file costs a millisecond or more.
        known, settings = _read_known(environment.known_hosts), Config()
        self.remotes: Mapping[Host, Remote] = {host: Remote(host, environment, known, settings) for host in hosts}
        self._pool = ThreadPoolExecutor(max(1, min(AT_ONCE, len(self.remotes))))
        # An interrupt reaches the main thread only: what is under way comes to its end before anything else is asked.
        self._asker = ThreadPoolExecutor(1)

    def open(self, hosts: Iterable[Host] | None = None) -> dict[Host, Exception | None]:
        """Connect to hosts, to all of them unless told otherwise; an exception is its host's outcome."""

        def one(remote: Remote) -> None:
            remote.open()
            remote.start()

        return self.each(one, hosts, OPEN_SECONDS)

    def ask(self, commands: Mapping[Host, Sequence[Command]]) -> dict[Host, list[Result] | Exception]:
        """Send commands to hosts, back to back, then gather the answers; an exception is its host's outcome."""
        return self._asker.submit(self._ask, commands).result()

    def _ask(self, commands: Mapping[Host, Sequence[Command]]) -> dict[Host, list[Result] | Exception]:
        outcomes: dict[Host, list[Result] | Exception] = {}
        for host, asked in commands.items():
            if failure := _outcome(partial(self.remotes[host].send, asked)):
                outcomes[host] = failure
        for host in commands.keys() - outcomes:
            outcomes[host] = _outcome(self.remotes[host].answers)
        return {host: outcomes[host] for host in commands}

    def each(
        self, act: Callable[[Remote], T], hosts: Iterable[Host] | None = None, seconds: float | None = None
    ) -> dict[Host, T | Exception]:
        """Do something on hosts side by side; an exception is its host's outcome.

        A host that takes longer than `seconds` from its own beginning is Unreachable.
        """
        began: dict[Host, float] = {}

        def attempt(remote: Remote) -> T | Exception:
            began[remote.host] = time.monotonic()
            return _outcome(lambda: act(remote))

        chosen = list(self.remotes if hosts is None else hosts)
        under_way: dict[Future[T | Exception], Host] = {
            self._pool.submit(attempt, self.remotes[host]): host for host in chosen
        }
        outcomes: dict[Host, T | Exception] = {}
        late: dict[Host, Exception] = {}
        while under_way:
            done, _ = wait(under_way, timeout=None if seconds is None else 0.5)
            outcomes |= {under_way.pop(future): future.result() for future in done}
            for host in under_way.values():
                if seconds is not None and time.monotonic() > began.get(host, time.monotonic()) + seconds:
                    self.remotes[host].abort()
                    late[host] = Unreachable(
                        f"{host} ({host.address}:{host.port}) takes connections, but does not get on with them "
                        f"in {seconds:.0f} s."
                    )
        outcomes |= late
        return {host: outcomes[host] for host in chosen}

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for remote in self.remotes.values():
            remote.close()
        for pool in (self._pool, self._asker):
            pool.shutdown(wait=False, cancel_futures=True)
