"""Not one request is lost through twenty promotes and rollbacks."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from contextlib import contextmanager

import pytest

from .conftest import APP_HOSTS

pytestmark = pytest.mark.integration

CLIENTS = 16
CHANGES = 20


class Client(threading.Thread):
    """A keep-alive client that never repeats a request: GET and POST in turn, until told to stop."""

    def __init__(
        self,
        address: tuple[str, int],
        stop: threading.Event,
        methods: tuple[str, ...] = ("GET", "POST"),
        host: str = "app1.foo",
    ) -> None:
        super().__init__()
        self.address, self.stop, self.methods, self.host = address, stop, methods, host
        self.served: Counter[str] = Counter()
        self.failures: list[str] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection(*self.address, timeout=30)
        body = json.dumps({"text": "x" * 2000})
        number = 0
        while not self.stop.is_set():
            number += 1
            try:
                if self.methods[number % len(self.methods)] == "GET":
                    connection.request("GET", "/version", headers={"Host": self.host})
                else:
                    headers = {"Host": self.host, "Content-Type": "application/json"}
                    connection.request("POST", "/echo", body, headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    self.failures.append(f"{answer.status} {answer.reason}")
                self.served[answer.headers.get("X-Version", "none")] += 1
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
        connection.close()


@contextmanager
def visitors(addresses, methods=("GET", "POST"), host="app1.foo"):
    """A keep-alive client for each address; in the end none of their requests has failed.

    Yields a counter that then says how many requests each version served.
    """
    stop = threading.Event()
    clients = [Client(address, stop, methods, host) for address in addresses]
    served: Counter[str] = Counter()
    for client in clients:
        client.start()
    try:
        yield served
    finally:
        stop.set()
        for client in clients:
            client.join(60)
            served.update(client.served)
    failures = [failure for client in clients for failure in client.failures]
    print(f"{sum(served.values())} requests: {dict(served)}, {len(failures)} failed")
    assert failures == []


def test_no_request_fails_and_each_is_served_by_one_of_the_two_versions(sandbox, two):
    old, new = two
    with visitors([sandbox.address(APP_HOSTS[n % 2]) for n in range(CLIENTS)]) as served:
        for _ in range(CHANGES // 2):
            sandbox.must("promote", "--version", new)
            sandbox.must("rollback")
    assert set(served) == {old, new}
    assert min(served.values()) > 100, "both versions must have been under load"


def test_a_request_in_flight_ends_with_the_release_that_began_it(sandbox, two):
    old, new = two
    answers = []

    def slow():
        answers.append(sandbox.get("app1.foo", "/slow?seconds=4"))

    thread = threading.Thread(target=slow)
    thread.start()
    sandbox.must("promote", "--version", new)
    thread.join(30)
    assert [(answer.status_code, answer.headers["X-Version"]) for answer in answers] == [(200, old)]
    line = sandbox.on("app1", 'sleep 1.5; sudo grep \'"path":"/slow"\' /var/log/nginx/depl-app1.log | tail -n 1')
    assert json.loads(line)["version"] == old, "the log names the version that served, not the one that is live by now"
