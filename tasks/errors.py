"""What can go wrong, in words for the person who has to mend it.

DeplError            prints its message alone, exit code 1
├── BadInput         the command line: what was given, what is expected
├── BadConfig        a file: where in it, what was found, what is expected
├── Refused          the state of the world forbids it; says what to type next
├── Locked           somebody else is at work; says who, and since when
├── Unreachable      a host can't be talked to; says why
├── NotKept          a canary did not get through; says why, and where traffic is now
└── StepFailed       a step did not succeed; says where, why, and how it ended

Each message has one to three lines: what, where, what to do next. `StepFailed` adds the last
lines that the failing program wrote, since those are the reason.
"""

from __future__ import annotations

import unicodedata

from invoke.exceptions import Exit

_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of characters that steer a terminal, hide, or turn text round."""


def printable(text: str) -> str:
    """Write characters that steer a terminal as escapes, since messages quote what others wrote."""
    return "".join(
        one.encode("unicode_escape").decode() if one not in "\n\t" and unicodedata.category(one) in _UNSEEN else one
        for one in text
    )


def one_line(text: str) -> str:
    """The same, and line breaks too."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


class DeplError(Exit):
    """Stop with a message for a person and exit code 1, without a traceback.

    `told` once a build server was told of it.
    """

    told = False

    def __init__(self, message: str) -> None:
        super().__init__(message=printable(message), code=1)

    def __str__(self) -> str:
        return str(self.message)


class BadInput(DeplError):
    """Refuse an argument that doesn't have the form it must have."""


class BadConfig(DeplError):
    """Refuse a configuration file; `path` leads to the key, `reason` says what is wrong there."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{one_line(path):.300}: {one_line(reason):.600}")


class Refused(DeplError):
    """Refuse what the state of the hosts forbids; the message ends with the next command."""


class Locked(DeplError):
    """Refuse to work beside somebody else on the same app."""


class Unreachable(DeplError):
    """Report a host that can't be connected to, or whose connection broke."""


class NotKept(DeplError):
    """Report a canary that its verdict put back, or that was left where it was without one."""


class StepFailed(DeplError):
    """Report a step that failed; `log` holds the last lines of the program that failed.

    The message has the end of it; `cut` where that is not all. `phase` is the one whose program failed, "" where
    something else did, such as the connection.
    """

    def __init__(self, message: str, log: str = "", shown: int = 20, phase: str = "") -> None:
        self.phase = phase
        lines = [line for line in log.splitlines() if line.strip()]
        self.log, self.cut = printable("\n".join(lines)), len(lines) > shown
        if lines:
            tail = lines[-shown:]
            count = f"last {len(tail)} of {len(lines)} lines" if len(lines) > shown else "it wrote"
            message += f"\n{count}:\n" + "\n".join(f"  │ {line}" for line in tail)
        super().__init__(message)


def first_line(error: BaseException) -> str:
    """What went wrong in short, for a message about more than that."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return (str(error) if isinstance(error, DeplError) else repr(error)).splitlines()[0]
