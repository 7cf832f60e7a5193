"""docker, as typed on an app host."""

from __future__ import annotations

from collections.abc import Mapping

from ..model.app import Component
from ..model.layout import APP_UID
from . import Argv


def pull(image: str) -> Argv:
    return ("docker", "pull", "--quiet", image)


def create(
    name: str, image: str, component: Component, *, labels: Mapping[str, str], env_file: str, mounts: Mapping[str, str]
) -> Argv:
    """Create, not start, a container with the limits of a hostile network."""
    options = [
        ("--name", name),
        *(("--label", f"{key}={value}") for key, value in labels.items()),
        ("--user", f"{APP_UID}:{APP_UID}"),
        ("--read-only",),
        ("--tmpfs", "/tmp:rw,nosuid,nodev,size=64m,mode=1777"),  # noqa: S108 - the container's own
        ("--cap-drop", "ALL"),
        ("--security-opt", "no-new-privileges"),
        ("--memory", component.memory),
        ("--memory-swap", component.memory),
        ("--pids-limit", str(component.pids)),
        ("--init",),
        ("--restart", "no"),
        ("--stop-signal", component.stop_signal),
        ("--stop-timeout", str(component.grace)),
        ("--log-driver", "local"),
        ("--log-opt", "max-size=10m"),
        ("--log-opt", "max-file=3"),
        ("--env-file", env_file),
        *(("--mount", f"type=bind,source={there},target={inside}") for there, inside in mounts.items()),
    ]
    return ("docker", "create", *(word for option in options for word in option), image, *component.command)


def stop(*names: str) -> Argv:
    """Ask containers to finish, side by side, wait for the grace time that each was created with, then kill."""
    return ("docker", "stop", *names)


def remove(*names: str) -> Argv:
    return ("docker", "rm", "--force", "--volumes", *names)


_END = 'docker stop --time "$1" "$2" >/dev/null 2>&1; docker rm --force --volumes "$2"'


def end(name: str, seconds: int) -> Argv:
    """Ask one container to finish within so many seconds, and remove it."""
    return ("sh", "-c", _END, "end", str(seconds), name)


def remove_image(image: str) -> Argv:
    """Remove an image; fine where there is none."""
    return ("docker", "rmi", "--force", image)


def logs(name: str, *, tail: int, follow: bool = False) -> Argv:
    return ("docker", "logs", "--timestamps", "--tail", str(tail), *(("--follow",) if follow else ()), name)


def last_words(name: str) -> Argv:
    return ("docker", "logs", "--tail", "200", name)
