"""Errors are told to an error tracker, where the app is given the address of one.

sentry-sdk reads the release and the environment by itself: SENTRY_RELEASE, SENTRY_ENVIRONMENT.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

NO_ARM = "none"


def report() -> None:
    """Report from now on; without SENTRY_DSN nothing is even imported.

    Events are sent by a thread: neither a request nor the start waits for a tracker, and the end waits a second.
    """
    if not os.environ.get("SENTRY_DSN"):
        return
    import sentry_sdk
    from sentry_sdk.integrations.atexit import AtexitIntegration
    from sentry_sdk.integrations.excepthook import ExcepthookIntegration
    from sentry_sdk.integrations.flask import FlaskIntegration

    sentry_sdk.init(
        before_send=with_arm,
        # What else there is would time requests, count sessions, and keep what visitors sent.
        integrations=[FlaskIntegration(), ExcepthookIntegration(), AtexitIntegration(callback=lambda *_: None)],
        default_integrations=False,
        auto_session_tracking=False,
        send_client_reports=False,
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        shutdown_timeout=1,
    )


def with_arm(event: Event, _: Hint) -> Event:
    """Say which arm of a rollout the process was in when the error happened."""
    event.setdefault("tags", {})["arm"] = arm()
    return event


def arm() -> str:
    """What this version is at this moment: live, canary, control, or none of them. It changes while a process runs."""
    try:
        return Path(os.environ.get("DEPL_ARM_FILE", "")).read_text(encoding="utf-8").strip() or NO_ARM
    except OSError:
        return NO_ARM
