"""nginx, and questions to it."""

from __future__ import annotations

from . import Argv


def test() -> Argv:
    return ("sudo", "--non-interactive", "/usr/sbin/nginx", "-t")


def reload() -> Argv:
    return ("sudo", "--non-interactive", "/usr/bin/systemctl", "reload", "nginx")


def get(url: str, path: str) -> Argv:
    """Ask this host's own nginx for a page of a URL (scheme and host name); fails unless it answers 2xx or 3xx.

    Nothing leaves the host, so nothing is asked of the certificate; the bootstrap has looked at it.
    """
    scheme, _, host = url.partition("://")
    port = {"http": 80, "https": 443}[scheme]
    return (
        "curl", "--fail", "--silent", "--show-error", "--output", "/dev/null", "--max-time", "10", "--insecure",
        "--connect-to", f"{host}:{port}:127.0.0.1:{port}", f"{url}{path}",
    )  # fmt: skip
