"""The evidence file of a rollout: every look at it, what was seen, where the boundary was, what was decided."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..model.rollout import Rollout
from ..plan import canary, looks, rollouts
from ..plan.facts import Facts
from ..plan.looks import Newest
from ..plan.wishes import Target


class Evidence:
    """A JSON file on this machine; a rollout's next command goes on with the file of the one that was cut short."""

    def __init__(self, target: Target, rollout: Rollout) -> None:
        folder = Path(target.environment.cache) / "evidence" / target.environment.name / target.app.name
        self.path = folder / f"{rollout.canary}-{rollout.began:.0f}.json"
        self.page = self.path.with_suffix(".html")
        self.looks: list[Any] = self._earlier()

    def add(self, rollout: Rollout, look: Mapping[str, Any]) -> None:
        """Write one look more. The file is whole at any time."""
        self.looks.append(look)
        self._write(self.path, json.dumps({"rollout": rollouts.as_json(rollout), "looks": self.looks}, indent=1))

    def show(self, html: str) -> None:
        """Write the page of the rollout beside it."""
        self._write(self.page, html)

    def _write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.new")
        with new.open("w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        new.replace(path)

    def _earlier(self) -> list[Any]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        looks = found.get("looks") if isinstance(found, dict) else None
        return looks if isinstance(looks, list) else []


def newest(target: Target, facts: Sequence[Facts]) -> Newest | None:
    """The newest look on record at the canary that is under way, if there is one.

    It costs no way to a host: a file of this machine is read whole, 2 KB for each look. A day of one a minute is some
    3 MB, and 40 ms.
    """
    found = canary.under_way(facts)
    return looks.newest(Evidence(target, found).looks) if found else None
