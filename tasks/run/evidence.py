"""The evidence file of a rollout: every look at it, what was seen, where the boundary was, what was decided."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..model.rollout import Rollout
from ..plan import rollouts
from ..plan.wishes import Target


class Evidence:
    """A JSON file on this machine; a rollout's next command goes on with the file of the one that was cut short."""

    def __init__(self, target: Target, rollout: Rollout) -> None:
        folder = Path(target.environment.cache) / "evidence" / target.environment.name / target.app.name
        self.path = folder / f"{rollout.canary}-{rollout.began:.0f}.json"
        self._looks: list[Any] = self._earlier()

    def add(self, rollout: Rollout, look: Mapping[str, Any]) -> None:
        """Write one look more: the file is whole at any time."""
        self._looks.append(look)
        found = {"rollout": rollouts.as_json(rollout), "looks": self._looks}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        with new.open("w", encoding="utf-8") as out:
            json.dump(found, out, indent=1)
            out.flush()
            os.fsync(out.fileno())
        new.replace(self.path)

    def _earlier(self) -> list[Any]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        looks = found.get("looks") if isinstance(found, dict) else None
        return looks if isinstance(looks, list) else []
