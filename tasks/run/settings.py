"""What belongs to the person or the build agent: the process's environment, and .env beside it."""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path

import dotenv

from ..errors import BadInput

PROJECT = Path(__file__).resolve().parents[2]


def load() -> None:
    """Read .env of the project; what the environment already says wins."""
    dotenv.load_dotenv(PROJECT / ".env")


def environments() -> list[str]:
    """The inventories that there are."""
    there = (PROJECT / "conf" / "inventory").iterdir()
    return sorted(one.name for one in there if one.suffix != ".example" and one.name[0] != "." and one.is_dir())


def environment() -> str:
    """The inventory to use: $DEPL_ENVIRONMENT, else the only one there is; raises BadInput."""
    there = environments()
    wanted = os.environ.get("DEPL_ENVIRONMENT") or (there[0] if len(there) == 1 else "")
    if wanted not in there:
        found = f"{wanted[:60]!r} is no environment" if wanted else "Which environment?"
        raise BadInput(
            f"{found}: conf/inventory has {', '.join(there) or 'none'}.\nSay DEPL_ENVIRONMENT=…, here or in .env"
        )
    return wanted


def chosen() -> str:
    """The inventory to use, for those who don't read it; raises BadInput."""
    load()
    return environment()


def who() -> str:
    """The person and the machine, as the lock and the audit file name them: ana@deploy; raises BadInput."""
    person = os.environ.get("DEPL_WHO") or os.environ.get("TEAMCITY_BUILDCONF_NAME") or _user()
    if not person.isprintable() or len(person) > 80:
        raise BadInput(
            f"{person[:60]!r} can't stand in the audit file: expected up to 80 printable characters.\nSay DEPL_WHO=…"
        )
    return f"{person}@{socket.gethostname()}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without an entry in passwd, as build containers have
        return str(os.getuid())


def under_teamcity() -> bool:
    return "TEAMCITY_VERSION" in os.environ
