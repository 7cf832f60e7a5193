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
    failing_users: float = 0.0
    slow_requests: float = 0.0
    slow_seconds: float = 0.3
    buyers: float = 0.1
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
            failing_users=float(env.get("TESTAPP_FAILING_USERS", "0")),
            slow_requests=float(env.get("TESTAPP_SLOW_REQUESTS", "0")),
            slow_seconds=float(env.get("TESTAPP_SLOW_SECONDS", "0.3")),
            buyers=float(env.get("TESTAPP_BUYERS", "0.1")),
        )

    def healthy(self, now: float) -> bool:
        """Tell whether the health check passes at this time."""
        return not self.unhealthy and now - self.started >= self.healthy_after
