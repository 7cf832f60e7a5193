"""A host leaves and a host comes, with visitors at the balancer: not one request of theirs fails."""

from __future__ import annotations

import hashlib
import http.client
import json
import subprocess
import threading
import time
from contextlib import closing, contextmanager

import httpx
import pytest

from . import test_zero_loss
from .conftest import changed, inventory, wait_until
from .test_bad_input import refused
from .test_websocket import WebSocket

pytestmark = pytest.mark.integration

CLIENTS = 12
ROUNDS = 3


@pytest.fixture
def balanced(sandbox, two):
    """Two versions, the first live; both hosts in, before and after."""
    for host in sandbox.status()["without_traffic"]:
        sandbox.must("hosts.add", host)
    yield two
    for host in sandbox.status()["without_traffic"]:
        sandbox.must("hosts.add", host)


@contextmanager
def visitors(sandbox, *, methods=("GET", "POST")):
    """Keep-alive clients of the balancer; in the end none of their requests has failed."""
    with test_zero_loss.visitors([sandbox.address("deploy")] * CLIENTS, methods) as served:
        yield
    assert sum(served.values()) > 100


@contextmanager
def off(sandbox, host, name="app1.foo"):
    """A host that dies without a word, and boots again in the end."""
    container = sandbox.about["hosts"][host]["container"]

    def docker(verb):
        subprocess.run(["docker", verb, container], check=True, capture_output=True, timeout=120)

    def serves():
        try:
            return sandbox.get(name, "/healthz", host).status_code == 200
        except httpx.HTTPError:
            return False

    docker("kill")
    try:
        yield
    finally:
        docker("start")
        wait_until(serves, 90)


def hosts_behind(sandbox, requests=40):
    """The names of the hosts behind the balancer that answer new visitors."""
    names = {name: host for host in ("app1", "app2") for name in sandbox.on(host, "sudo docker ps -q").split()}
    answers = [sandbox.get("app1.foo", "/version", "deploy").json()["hostname"] for _ in range(requests)]
    return {names[answer] for answer in answers}


def test_no_request_fails_while_a_host_leaves_is_stopped_and_comes_back(sandbox, balanced):
    with visitors(sandbox):
        for _ in range(ROUNDS):
            assert "gets no traffic" in sandbox.must("hosts.drain", "app2")
            sandbox.on("app2", "sudo systemctl stop nginx")
            time.sleep(0.5)
            sandbox.on("app2", "sudo systemctl start nginx")
            sandbox.must("hosts.add", "app2")
    assert hosts_behind(sandbox) == {"app1", "app2"}


def test_no_request_fails_while_nginx_on_an_app_host_reloads(sandbox, balanced):
    with visitors(sandbox):
        sandbox.on("app2", "for n in 1 2 3 4 5 6 7 8; do sudo systemctl reload nginx; sleep 0.5; done")


def test_a_host_that_is_out_gets_nothing_and_status_says_so(sandbox, balanced):
    sandbox.must("hosts.drain", "app2")
    assert hosts_behind(sandbox) == {"app1"}
    said = sandbox.must("status")
    assert "app2 (out)" in said
    assert "app2 gets no traffic; live there is" in said
    assert sandbox.status()["without_traffic"] == ["app2"]
    assert "drain app2" in sandbox.must("audit")


def test_requests_in_flight_end_well_and_the_drain_waits_for_them(sandbox, balanced):
    """One slow answer and one slow upload for each host, begun before, and nginx on the host stopped after."""
    answers = []
    body = json.dumps({"text": "x" * 50_000}).encode()

    def slow(user):
        headers = {"Cookie": f"depl_app1={user:032x}"}
        answers.append(sandbox.get("app1.foo", "/slow?seconds=3", "deploy", headers=headers).status_code)

    def upload(user):
        with closing(http.client.HTTPConnection(*sandbox.address("deploy"), timeout=30)) as connection:
            connection.putrequest("POST", "/echo", skip_host=True)
            connection.putheader("Host", "app1.foo")
            connection.putheader("Cookie", f"depl_app1={user:032x}")
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            for start in range(0, len(body), 5000):
                connection.send(body[start : start + 5000])
                time.sleep(0.6)
            answer = connection.getresponse()
            same = answer.status == 200 and json.load(answer)["sha256"] == hashlib.sha256(body).hexdigest()
            answers.append(200 if same else answer.status)

    threads = [threading.Thread(target=act, args=(user,)) for user in range(6) for act in (slow, upload)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    sandbox.must("hosts.drain", "app2")
    assert answers.count(200) >= 1, "it waited for the slow ones"
    sandbox.on("app2", "sudo systemctl stop nginx")
    try:
        for thread in threads:
            thread.join(30)
    finally:
        sandbox.on("app2", "sudo systemctl start nginx")
    assert answers == [200] * len(threads)


def test_a_websocket_goes_on_while_its_host_is_out_and_is_told_of(sandbox, balanced):
    held = [WebSocket(sandbox.address("deploy")) for _ in range(8)]
    try:
        for one in held:
            one.receive()
        with inventory("hasty", changed("depl_slots: 8", "depl_slots: 8\ndepl_drain: 1")) as environment:
            said = sandbox.inv("hosts.drain", "app2", environment=environment)
            refused(said, "gets no new requests", "under way after 1 s", "inv hosts.drain app2")
        assert [one.echo("still here") for one in held] == ["still here"] * 8
    finally:
        for one in held:
            one.close()
    assert "gets no traffic" in sandbox.must("hosts.drain", "app2")


def test_a_dead_host_stops_a_promote_until_it_is_drained_and_catches_up_when_it_comes(sandbox, balanced):
    """Meanwhile visitors who only read notice nothing, not even before it is drained."""
    old, new = balanced
    with visitors(sandbox, methods=("GET",)):
        with off(sandbox, "app2"):
            refused(sandbox.inv("promote", "--version", new), "app2", "can't be reached")
            assert "gets no traffic" in sandbox.must("hosts.drain", "app2"), "of a dead host too"
            assert "app2 can't be reached and gets no traffic: left out" in sandbox.must("promote", "--version", new)
            said = sandbox.must("status")
            assert "app2 gets no traffic; did not answer" in said
            assert f"Live is {new} on all hosts." in said
            refused(sandbox.inv("hosts.drain", "app1"), "only host of app1 that gets traffic", "hosts.add")
        assert "app2 gets no traffic and lacks what is live: left out" in sandbox.must("promote", "--version", new)
        sandbox.must("canary", "--percent", "20", "--version", old)
        sandbox.must("hosts.add", "app2")
        assert hosts_behind(sandbox) == {"app1", "app2"}
    rows = {(row["host"], row["version"]): row["share"] for row in sandbox.status()["releases"]}
    assert [rows[host, version] for host in ("app1", "app2") for version in (new, old)] == [80.0, 20.0] * 2
    sandbox.must("canary", "--percent", "0")
    assert f"Version {old} is live" in sandbox.must("rollback"), "the way back is the others'"


def test_a_host_that_is_new_gets_what_is_live_before_it_gets_traffic(sandbox, balanced):
    old, new = balanced
    sandbox.must("promote", "--version", new)
    sandbox.must("hosts.drain", "app2")
    wipe = """set -e; names=$(sudo docker ps -aq); sudo rm -f /srv/depl/supervisor/*.conf; sudo supervisorctl update
    [ -z "$names" ] || sudo docker rm -f $names; sudo rm -rf /srv/depl/app1 /srv/depl/board /srv/depl/nginx/*.conf
    sudo systemctl reload nginx"""
    sandbox.on("app2", wipe)
    with visitors(sandbox):
        sandbox.must("hosts.add", "app2")
        time.sleep(1)
    assert hosts_behind(sandbox) == {"app1", "app2"}
    assert sandbox.live() == {new}
    sandbox.must("rollback")
    assert sandbox.live() == {old}


def test_a_host_that_fails_to_come_gets_no_traffic_and_is_told_what_to_type(sandbox, balanced):
    sandbox.must("hosts.drain", "app2")
    sandbox.on("app2", "sudo systemctl stop nginx")
    try:
        refused(sandbox.inv("hosts.add", "app2"), "gets no traffic", "again: inv hosts.add app2")
        assert sandbox.status()["without_traffic"] == ["app2"]
    finally:
        sandbox.on("app2", "sudo systemctl start nginx")


def test_what_the_app_host_does_for_visitors_it_does_through_the_balancer(sandbox, balanced):
    _, new = balanced
    assert sandbox.get("app1.foo", host="deploy").text == "Hello from base domain\n"
    assert sandbox.get("foo.app1.foo", host="deploy").text == "Hello from foo\n"
    assert sandbox.get(f"{new}.app1.foo", "/version", "deploy").json()["version"] == new
    assert sandbox.get("1999.01.01.00.00.app1.foo", host="deploy").status_code == 404
    assert sandbox.get("elsewhere.example", host="deploy").status_code == 404
    address, port = sandbox.address("deploy")
    with httpx.Client(base_url=f"http://{address}:{port}", headers={"Host": "app1.foo"}, trust_env=False) as client:
        with client.stream("GET", "/stream?chunks=3&interval=1") as answer:
            assert next(answer.iter_text()) == "chunk 1 of 3\n", "each piece as it comes"
        big = client.post("/echo", content=b"x" * (21 * 2**20))
    assert big.status_code == 413


def test_app_hosts_believe_only_balancers_who_the_visitor_is(sandbox):
    site = 'server { listen 80; server_name who.foo; default_type text/plain; return 200 "$remote_addr"; }'
    ask = "curl --silent --header 'Host: who.foo' --header 'X-Forwarded-For: 192.0.2.7' http://app1/"
    sandbox.on("app1", f"echo '{site}' | sudo tee /srv/depl/nginx/zz-who.conf && sudo systemctl reload nginx")
    try:
        wait_until(lambda: sandbox.on("deploy", ask) == "192.0.2.7")
        assert sandbox.on("app2", ask) != "192.0.2.7"
    finally:
        sandbox.on("app1", "sudo rm /srv/depl/nginx/zz-who.conf && sudo systemctl reload nginx")
