"""Calls of templates/host/onhost.py, which travels over the connection and needs no installation."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..model.layout import Layout
from ..model.release import Release
from . import Argv

# Reads the program first and leaves the rest of the input to it: `lock` waits for its end.
_LAUNCH = "import sys; exec(compile(sys.stdin.buffer.read(int(sys.argv.pop(1))), 'onhost.py', 'exec'))"


def _call(program: bytes, *words: str) -> Argv:
    return ("python3", "-I", "-u", "-c", _LAUNCH, str(len(program)), *words)


def lock(program: bytes, layout: Layout, holder: Mapping[str, str]) -> Argv:
    return _call(program, "lock", layout.home, json.dumps(holder))


def facts(program: bytes, layout: Layout, health_path: str) -> Argv:
    return _call(program, "facts", layout.home, layout.site, health_path)


def table(program: bytes, layout: Layout, number: int, description: Mapping[str, object]) -> Argv:
    return _call(program, "table", layout.home, str(number), json.dumps(description))


def start(program: bytes, layout: Layout, name: str) -> Argv:
    return _call(program, "start", layout.home, name)


def wait(program: bytes, layout: Layout, release: Release, health_path: str, seconds: int) -> Argv:
    name = layout.container(release.version)
    return _call(program, "wait", layout.home, name, layout.socket(release), health_path, str(seconds))
