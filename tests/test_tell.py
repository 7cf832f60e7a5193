"""What verbs do to hosts is told together when all is done; for that nobody is asked, and nothing waited for."""

import io
import socket
import subprocess
import sys
from contextlib import closing
from dataclasses import replace

import pytest

from tasks.errors import DeplError
from tasks.model.notice import ADD, DRAIN, Address, Notify
from tasks.model.secrets import Secrets
from tasks.run.notify import deliver
from tasks.run.report import Report
from tasks.run.settings import PROJECT
from tasks.tell import in_the_end, of_host

from .plan.world import APP1, ENVIRONMENT, TARGET, V1, Story, installed
from .run.notify.server import listening

BOTH = replace(ENVIRONMENT, apps={one: replace(ENVIRONMENT.apps["app1"]) for one in ("app1", "shop")})
SHOP = replace(TARGET, app=replace(TARGET.app, name="shop"), environment=BOTH)

DRAINED = """
import sys
from dataclasses import replace
from tasks.model.environment import Host
from tasks.model.notice import DRAIN, Address, Notify
from tasks.model.secrets import Secrets
from tasks.run.notify import deliver
from tasks.run.report import Report
from tasks.tell import in_the_end, of_host
from tests.plan.world import ENVIRONMENT, TARGET

cache, port = sys.argv[1], int(sys.argv[2])
dead = Host("app1", "127.0.0.1", port)
deliver.secrets.load = lambda name: Secrets(notify={"webhook": {"key": "k"}})
notify = Notify(webhook=Address(f"http://127.0.0.1:{port}/"), deadline=1)
environment = replace(ENVIRONMENT, groups={"appservers": (dead,)}, cache=cache, notify=notify)
with in_the_end(environment, Report(sys.stdout)) as done:
    done.append(of_host(replace(TARGET, environment=environment), DRAIN, dead))
"""


@pytest.fixture
def server():
    with listening() as found:
        yield found


@pytest.fixture
def environment(server, tmp_path, monkeypatch):
    monkeypatch.setattr(deliver.secrets, "load", lambda name: Secrets(notify={"webhook": {"key": "k"}}))
    return replace(BOTH, cache=str(tmp_path), notify=Notify(webhook=Address(server.url)))


def told(server):
    return sorted((one.json["app"], one.json["verb"], one.json["hosts"], one.json["version"]) for one in server.told)


def test_all_apps_of_a_host_are_told_after_the_last(environment, server):
    with in_the_end(environment, Report(io.StringIO())) as done:
        for target in (TARGET, SHOP):
            done.append(of_host(target, DRAIN, APP1))
            assert server.told == []
    assert told(server) == [("app1", DRAIN, ["app1"], None), ("shop", DRAIN, ["app1"], None)]


def drain_and_fail(environment):
    with in_the_end(environment, Report(io.StringIO())) as done:
        done.append(of_host(TARGET, DRAIN, APP1))
        raise DeplError("shop fails")


def test_what_was_done_before_a_failure_is_told(environment, server):
    with pytest.raises(DeplError, match="shop fails"):
        drain_and_fail(environment)
    assert told(server) == [("app1", DRAIN, ["app1"], None)]


def test_all_apps_together_have_one_deadline(environment, tmp_path):
    out = io.StringIO()
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        address = Address(f"http://127.0.0.1:{silent.getsockname()[1]}")
        environment = replace(environment, notify=Notify(webhook=address, deadline=1))
        with in_the_end(environment, Report(out)) as done:
            done += [of_host(target, ADD, APP1) for target in (TARGET, SHOP)]
    assert out.getvalue().count("Note: ") == 1
    assert len(list((tmp_path / "notices" / "vagrant" / "webhook").glob("*.json"))) == 2


def test_nobody_is_told_where_nothing_was_done(environment, server):
    with in_the_end(environment, Report(io.StringIO())):
        pass
    assert server.told == []


def test_a_verb_that_knows_what_is_live_says_so(environment, server):
    release = installed(V1, 0)
    facts = Story().has(release).went_live(release.release).facts()
    with in_the_end(environment, Report(io.StringIO())) as done:
        done.append(of_host(TARGET, ADD, APP1, [facts]))
    assert told(server) == [("app1", ADD, ["app1"], str(V1))]


def test_a_dead_host_is_not_asked_and_a_silent_receiver_not_waited_for_at_the_end(tmp_path):
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        done = subprocess.run(
            [sys.executable, "-c", DRAINED, str(tmp_path), str(silent.getsockname()[1])],
            cwd=PROJECT, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("Note: webhook ")
        silent.settimeout(10)
        asked, _ = silent.accept()
        with asked:
            assert asked.recv(4) == b"POST"
        silent.setblocking(False)
        with pytest.raises(BlockingIOError):
            silent.accept()
