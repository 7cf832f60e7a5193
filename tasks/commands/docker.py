"""docker, as typed on an app host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..model.app import Component
from ..model.layout import APP_UID
from . import Argv


def pull(image: str) -> Argv:
    return ("docker", "pull", "--quiet", image)


def create(
    name: str,
    image: str,
    component: Component,
    *,
    labels: Mapping[str, str],
    env_file: str,
    mounts: Mapping[str, str],
    user: str = f"{APP_UID}:{APP_UID}",
    hosts: Mapping[str, str] | None = None,
    publish: Sequence[str] = (),
    scratch: Mapping[str, str] | None = None,
    writable: bool = False,
    capabilities: Sequence[str] = (),
    groups: Sequence[int] = (),
    network: str = "",
) -> Argv:
    """Create, not start, a container with the limits of a hostile network.

    `hosts` are addresses by the names that it shall know them by. `publish` is docker's address:port:port. `scratch`
    are folders in memory, by path with their sizes. Images of others may need a `writable` root, `capabilities`,
    further `groups`, or another `network` than one of their own.
    """
    folders = {"/tmp": "64m", **(scratch or {})}  # noqa: S108 - the container's own
    options = [
        *((("--name", name),) if name else ()),
        *(("--label", f"{key}={value}") for key, value in labels.items()),
        ("--user", user),
        *(("--group-add", str(one)) for one in groups),
        *((("--network", network),) if network else ()),
        *(() if writable else (("--read-only",),)),
        *(("--tmpfs", f"{path}:rw,nosuid,nodev,size={size},mode=1777") for path, size in folders.items()),
        ("--cap-drop", "ALL"),
        *(("--cap-add", one) for one in capabilities),
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
        *(("--add-host", f"{host}:{address}") for host, address in (hosts or {}).items()),
        *(("--publish", one) for one in publish),
        *(("--mount", f"type=bind,source={there},target={inside}") for there, inside in mounts.items()),
    ]
    return ("docker", "create", *(word for option in options for word in option), image, *component.command)


def run_as_root(image: str, folder: str, *argv: str) -> Argv:
    """Run a program of an image, which may give folders below `folder` (there: /mnt) to another user, and nothing else.

    On a host only docker can: the user who deploys is not root.
    """
    rights = ("CHOWN", "DAC_OVERRIDE", "FOWNER")
    program, *words = argv
    options = ("--user", "0:0", "--network", "none", "--read-only", "--security-opt", "no-new-privileges")
    capabilities = ("--cap-drop", "ALL", *(word for one in rights for word in ("--cap-add", one)))
    mount = ("--mount", f"type=bind,source={folder},target=/mnt")
    return ("docker", "run", "--rm", *options, *capabilities, *mount, "--entrypoint", program, image, *words)


def run_once(create: Argv) -> Argv:
    """Run what `create` would create, to its end, with our standard input; and remove it."""
    return ("docker", "run", "--rm", "--interactive", *create[2:])


def inside(name: str, *argv: str) -> Argv:
    """Run a program in a container, with our standard input."""
    return ("docker", "exec", "--interactive", name, *argv)


def at_terminal(name: str, *argv: str) -> Argv:
    """Run a program in a container, with a terminal."""
    return ("docker", "exec", "--interactive", "--tty", name, *argv)


def call(old: str, new: str) -> Argv:
    """Give a container another name."""
    return ("docker", "rename", old, new)


def start(name: str) -> Argv:
    return ("docker", "start", name)


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


_REMOVE_IMAGES = (
    """docker images --format '{{.Repository}}:{{.Tag}}' "$1" | xargs --no-run-if-empty docker rmi --force"""
)


def remove_images(repository: str) -> Argv:
    """Remove all images of a repository; fine where there is none."""
    return ("sh", "-c", _REMOVE_IMAGES, "remove", repository)


def logs(name: str, *, tail: int, follow: bool = False) -> Argv:
    return ("docker", "logs", "--timestamps", "--tail", str(tail), *(("--follow",) if follow else ()), name)


def last_words(name: str) -> Argv:
    return ("docker", "logs", "--tail", "200", name)
