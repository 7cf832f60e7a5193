"""nginx, and questions to it."""

from __future__ import annotations

from . import Argv


def test() -> Argv:
    return ("sudo", "--non-interactive", "/usr/sbin/nginx", "-t")


def reload() -> Argv:
    return ("sudo", "--non-interactive", "/usr/bin/systemctl", "reload", "nginx")


def get(host: str, path: str) -> Argv:
    """Ask this host's own nginx for a page, under a host name; fails unless it answers 2xx."""
    return (
        "curl", "--fail", "--silent", "--show-error", "--output", "/dev/null", "--max-time", "10",
        "--header", f"Host: {host}", f"http://127.0.0.1{path}",
    )  # fmt: skip
