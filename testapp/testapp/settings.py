"""What the app is told by its environment."""

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Settings:
    """Who this process is, and how it shall misbehave."""

    version: str
    app: str = "testapp"
    commit: str = "unknown"
    unhealthy: bool = False
    healthy_after: float = 0.0
    hostname: str = field(default_factory=socket.gethostname)
    started: float = field(default_factory=time.time)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read the settings, or die as an app dies whose setting is missing."""
        if env.get("TESTAPP_CRASH") == "1":
            raise KeyError("TESTAPP_REQUIRED_SETTING")
        return cls(
            version=env.get("DEPL_VERSION", "unknown"),
            app=env.get("DEPL_APP", "testapp"),
            commit=env.get("DEPL_COMMIT", "unknown"),
            unhealthy=env.get("TESTAPP_UNHEALTHY") == "1",
            healthy_after=float(env.get("TESTAPP_HEALTHY_AFTER", "0")),
        )

    def healthy(self, now: float) -> bool:
        """Tell whether the health check passes at this time."""
        return not self.unhealthy and now - self.started >= self.healthy_after
