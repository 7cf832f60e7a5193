"""The certificates that `depl_tls` names, for the bootstrap: python -m tasks.run.certificates.

Reads `depl_tls` as JSON from standard input, as root on the deploy host, and prints what app hosts get: a JSON list
of the fields of Checked. Ends with 1 and one line on standard error where something is wrong.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from ..errors import BadConfig, DeplError
from ..plan.certificates import Checked, check


def read(tls: Mapping[str, Mapping[str, str]]) -> list[Checked]:
    """Read and check all of them; raises BadConfig."""
    now = datetime.now(UTC)
    return [
        check(name, _text(f"depl_tls.{name}.certificate", found), _text(f"depl_tls.{name}.key", found), now)
        for name, found in sorted(tls.items())
    ]


def _text(where: str, found: Mapping[str, str]) -> str:
    path = found[where.rpartition(".")[2]]
    try:
        return Path(path).read_text(encoding="ascii")
    except OSError as error:
        raise BadConfig(where, f"{path} can't be read: {error.strerror}") from None
    except ValueError:
        raise BadConfig(where, f"{path} is not in PEM form") from None


def main() -> None:
    """Print them, or why not."""
    try:
        found = read(json.load(sys.stdin))
    except DeplError as error:
        sys.exit(str(error))
    json.dump([asdict(one) for one in found], sys.stdout)


if __name__ == "__main__":
    main()
