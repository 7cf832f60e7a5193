"""What code that is built, and that nobody here wrote, leaves on this machine, and what is held against it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from ..errors import StepFailed
from . import pip

BUILD = "build"
"""The phase of what fails by the code that is built, not by the machine, the package index or Debian's mirror."""

_FULL = re.compile(r"(No space left on device|Disk quota exceeded)(?!: '/dev/shm/)")
"""What a container has for shared memory is its own, and as small the next time."""

SECONDS = 600
"""How long a result may take to list."""
LARGEST_GB = 4
"""How large it may be."""
NAMES_MB = 50
"""How much all names in it may have."""
MEMORY_MB = 500
"""How much who lists it may take."""


@contextmanager
def held_against_the_code(*, online: bool = False) -> Iterator[None]:
    """Name the phase of what fails where a source's own code decides, unless the log names another cause."""
    try:
        yield
    except StepFailed as error:
        error.phase = "" if has_other_cause(error.log, online) else BUILD
        raise


def has_other_cause(log: str, online: bool) -> bool:
    """Whether a program of a build failed for a full disk or, where it is `online`, an index out of reach."""
    return bool(_FULL.search(log) or (online and pip.is_offline(log)))


def plain_file(path: Path, what: str) -> Path:
    """A file that a source's own code wrote.

    Raises StepFailed for what leads elsewhere, since it would be read out here, and for what is too large.
    """
    if path.is_symlink() or not path.is_file():
        raise StepFailed(f"{what}: what it left as its result is no file.")
    if path.stat().st_size > LARGEST_GB * 10**9:
        raise StepFailed(f"{what}: what it left as its result has more than {LARGEST_GB} GB.")
    return path


def names_in(layer: Path, what: str) -> list[str]:
    """The names in a tar that a source's own code wrote, odd ones quoted; raises StepFailed for what is none.

    By tar, in a process of its own: Python's reader trusts what headers say, and can be led back to an entry for ever.
    A header can give one long name to many entries, and be long itself: so what tar writes and takes has a limit.
    """
    argv = ["prlimit", f"--fsize={NAMES_MB * 10**6}", f"--as={MEMORY_MB * 10**6}", "tar", "--list", "--file=-"]
    nothing = subprocess.DEVNULL
    try:
        with layer.open("rb") as packed, TemporaryFile() as listed:
            subprocess.run(argv, stdin=packed, stdout=listed, stderr=nothing, timeout=SECONDS, check=True)
            listed.seek(0)
            names = listed.read()
    except subprocess.CalledProcessError:
        raise StepFailed(f"{what}: what it left as its result is no tar that can be listed.", phase=BUILD) from None
    except subprocess.TimeoutExpired:
        raise StepFailed(
            f"{what}: what it left as its result takes more than {SECONDS} s to list.", phase=BUILD
        ) from None
    return names.decode(errors="surrogateescape").splitlines()


def remove_folder(folder: Path) -> None:
    """Remove a folder in which a source's own code ran, also what that has shut, as copies of read-only folders are.

    By programs that go down a tree of any depth: Python 3.11 calls itself for each level, which ends at about 1,000.
    """
    if not folder.is_symlink():
        _quietly("chmod", "-R", "u+rwx", "--", str(folder))
    _quietly("rm", "-rf", "--", str(folder))


def _quietly(*argv: str) -> None:
    nothing = subprocess.DEVNULL
    subprocess.run(argv, stdin=nothing, stdout=nothing, stderr=nothing, check=False)
