"""The test app with all that an app may have: services, a worker, a job, migrations."""

from __future__ import annotations

import json
from uuid import uuid4

import httpx
import pytest

from .conftest import APP_HOSTS, Sandbox, wait_until

APP, DOMAIN = "board", "board.foo"


class Board:
    """Commands about it, and its pages; `old` and `new` are installed."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.old = self.new = ""

    def inv(self, verb, *words, environment=""):
        return self.sandbox.inv(verb, "--app", APP, *words, environment=environment)

    def must(self, verb, *words):
        ended = self.inv(verb, *words)
        assert ended.code == 0, ended.text
        return ended.text

    def buildinst(self) -> str:
        return self.must("buildinst").strip().splitlines()[-1].split()[1]

    def get(self, path, host="app1"):
        answer = self.sandbox.get(DOMAIN, path, host)
        assert answer.status_code == 200, f"{path} on {host}: {answer.status_code} {answer.text}"
        return answer.json()

    def write(self, text, host="app1") -> int:
        """Keep a note; returns its number."""
        address, port = self.sandbox.address(host)
        answer = httpx.post(
            f"http://{address}:{port}/notes", json={"text": text}, headers={"Host": DOMAIN}, timeout=30, trust_env=False
        )
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def counted(self) -> list[int]:
        """The note of each line that a worker wrote."""
        return [row["note"] for row in self.get("/counts")]

    def use(self) -> str:
        """Store, search, queue, from both hosts; returns a word that both notes have."""
        word = f"w{uuid4().hex[:10]}"
        numbers = {self.write(f"a note of {word} by {host}", host) for host in APP_HOSTS}
        for host in APP_HOSTS:
            assert {row["id"] for row in self.get(f"/search?q={word}", host)} == numbers
        wait_until(lambda: numbers <= set(self.counted()), 20)
        return word

    def live(self):
        return {self.get("/version", host)["version"] for host in APP_HOSTS}

    def services(self):
        found = json.loads(self.sandbox.must("services.status", "--json"))
        return {row["service"]: row for row in found["services"]}


@pytest.fixture(scope="session")
def board(sandbox: Sandbox) -> Board:
    """Two versions installed, the older one live."""
    there = Board(sandbox)
    sandbox.must("services.up")
    there.old, there.new = there.buildinst(), there.buildinst()
    there.must("promote", "--version", there.old)
    return there


@pytest.fixture
def at_rest(board: Board) -> Board:
    """The older version live, before each test."""
    board.must("promote", "--version", board.old)
    return board
