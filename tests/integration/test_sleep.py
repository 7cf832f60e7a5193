"""Branches sleep while nobody visits them, and wake for whoever comes: a form, a browser, fifty at once."""

from __future__ import annotations

import hashlib
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from .conftest import changed, inventory, undone, wait_until

pytestmark = pytest.mark.integration
REPOSITORY = "/tmp/sleep.git"  # on the deploy host
BRANCH, FOLDER = "it/Sleepy", "app1--it-sleepy"
NAME = "it-sleepy.staging.app1.foo"
PROGRAM = "/etc/supervisor/conf.d/depl-waker.conf"
SOON = (
    f"sudo cp {PROGRAM} /root/waker.conf && sudo sed -i 's/-m waker .*/-m waker 2/' {PROGRAM}"
    " && sudo supervisorctl update depl-waker"
)
LATE = f"sudo mv /root/waker.conf {PROGRAM} && sudo supervisorctl update depl-waker"
BROWSER = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Mode": "navigate"}


@pytest.fixture(scope="module")
def branch(sandbox):
    """A branch that is up; its commands' environment."""
    sandbox.on_deploy(
        f"rm -rf {REPOSITORY} && cp -r /vagrant/.git {REPOSITORY} && git -C {REPOSITORY} config core.bare true"
        f" && git -C {REPOSITORY} branch {BRANCH}"
    )
    edit = changed("repository: /vagrant", f"repository: {REPOSITORY}")
    with inventory("sleep", edit) as environment:
        sandbox.must("branch.up", "--branch", BRANCH, environment=environment)
        try:
            yield environment
        finally:
            sandbox.must("branch.down", "--branch", BRANCH, environment=environment)


@pytest.fixture(scope="class")
def restless(sandbox, branch):
    """Branches go to sleep after two seconds."""
    with undone(sandbox, "staging", SOON, LATE):
        yield


def get(sandbox, path="/", **headers):
    return sandbox.get(NAME, path, "staging", headers=headers)


def is_asleep(sandbox):
    """Asleep altogether: nothing runs, and supervisord knows of nothing."""
    line = f"sudo docker ps --quiet --filter label=depl.app={FOLDER}; sudo supervisorctl status | grep {FOLDER} || true"
    marker = f"ls /srv/depl/{FOLDER}/releases/*/asleep.json 2>/dev/null || true"
    return not sandbox.on("staging", line).strip() and bool(sandbox.on("staging", marker).strip())


def sleep(sandbox):
    wait_until(lambda: is_asleep(sandbox), 60)


def starts(sandbox):
    """How often its container was started, as supervisord's and docker's words of it tell."""
    events = f"sudo docker events --since 24h --until 0s --filter label=depl.app={FOLDER} --filter event=start"
    return len(sandbox.on("staging", events).splitlines())


@pytest.mark.usefixtures("restless")
class TestRestless:
    def test_a_form_that_is_sent_to_a_sleeping_branch_arrives_whole(self, sandbox):
        sleep(sandbox)
        body = json.dumps({"text": "x" * 200_000}).encode()
        answer = sandbox.request("POST", NAME, "/echo", "staging", content=body)
        assert answer.json() == {"sha256": hashlib.sha256(body).hexdigest(), "length": len(body)}

    def test_fifty_who_come_at_once_start_it_once_and_are_all_served(self, sandbox):
        sleep(sandbox)
        before = starts(sandbox)
        with ThreadPoolExecutor(50) as visitors:
            found = list(visitors.map(lambda _: get(sandbox).text, range(50)))
        assert found == ["Hello from base domain\n"] * 50
        assert starts(sandbox) == before + 1

    def test_a_version_s_own_url_wakes_it_too(self, sandbox):
        version = get(sandbox, "/version").json()["version"]
        sleep(sandbox)
        assert sandbox.get(f"{version}.{NAME}", "/version", "staging").json()["version"] == version

    def test_whoever_asks_for_the_page_of_health_wakes_nothing(self, sandbox):
        sleep(sandbox)
        assert get(sandbox, "/healthz").status_code == 503
        assert is_asleep(sandbox)

    def test_a_request_under_way_keeps_it_awake(self, sandbox):
        assert get(sandbox, "/slow?seconds=15").text == "Slept 15 s\n"

    def test_it_stays_asleep_when_its_host_starts_anew(self, sandbox):
        """What a reboot does to it: dockerd and supervisord end and come back."""
        sleep(sandbox)
        sandbox.on("staging", "sudo systemctl restart docker supervisor")
        wait_until(lambda: "RUNNING" in sandbox.ssh("staging", "sudo supervisorctl status depl-waker").out, 30)
        assert is_asleep(sandbox)
        assert get(sandbox).text == "Hello from base domain\n"

    def test_what_was_cut_short_on_its_way_to_sleep_is_finished(self, sandbox):
        get(sandbox)
        sandbox.on("staging", f"sudo -u depl touch $(sudo readlink -f /srv/depl/{FOLDER}/live/000)/asleep.json")
        sleep(sandbox)
        assert get(sandbox).text == "Hello from base domain\n"

    def test_a_deploy_waits_for_nobody_asleep(self, sandbox, branch):
        sleep(sandbox)
        tree = f"git -C {REPOSITORY} rev-parse it/Sleepy^{{tree}}"
        commit = f"git -C {REPOSITORY} -c user.name=a -c user.email=a@b commit-tree -m again -p {BRANCH} $({tree})"
        sandbox.on_deploy(f"git -C {REPOSITORY} update-ref refs/heads/{BRANCH} $({commit})")
        former = get(sandbox, "/version").json()["version"]
        sleep(sandbox)
        sandbox.must("branch.up", "--branch", BRANCH, environment=branch)
        assert get(sandbox, "/version").json()["version"] > former
        assert sandbox.on("staging", f"ls /srv/depl/supervisor | grep -c {FOLDER}").strip() == "1"


def asleep_for_good(sandbox):
    """Put it to sleep, and leave it so until somebody comes."""
    with undone(sandbox, "staging", SOON, LATE):
        sleep(sandbox)


def test_a_browser_sees_a_page_while_it_wakes_and_the_app_after_that(sandbox, branch):
    asleep_for_good(sandbox)
    lock = f"sudo -u depl setsid flock /srv/depl/{FOLDER}/lock sleep 8"  # as a deploy of it would
    sandbox.on("staging", f"{lock} </dev/null >/dev/null 2>&1 &")
    answer = get(sandbox, **BROWSER)
    assert answer.status_code == 503
    assert answer.headers["Cache-Control"] == "no-store"
    assert "it-sleepy is waking up" in answer.text
    wait_until(lambda: get(sandbox, **BROWSER).status_code == 200, 40)


def test_a_branch_that_can_not_be_woken_says_why_and_is_not_tried_on_and_on(sandbox, branch):
    asleep_for_good(sandbox)
    run = sandbox.on("staging", f"sudo readlink -f /srv/depl/{FOLDER}/live/000").strip() + "/run"
    with undone(sandbox, "staging", f"sudo mv {run} {run}.away", f"sudo mv {run}.away {run}"):
        first = get(sandbox)
        assert first.status_code == 503
        assert "can't be woken" in first.text
        began = time.monotonic()
        assert get(sandbox).text == first.text
        assert time.monotonic() - began < 5
        assert is_asleep(sandbox)
    wait_until(lambda: get(sandbox).status_code == 200, 60)


@pytest.mark.parametrize(("method", "status"), [("POST", 502), ("GET", 200)])
def test_what_an_app_took_and_did_not_answer_is_asked_again_only_if_that_does_no_harm(sandbox, branch, method, status):
    get(sandbox)
    container = sandbox.on("staging", f"sudo docker ps --quiet --filter label=depl.app={FOLDER}").strip()
    sandbox.on("staging", f"sudo docker pause {container}")
    with ThreadPoolExecutor(1) as visitor:
        answer = visitor.submit(
            sandbox.request, method, NAME, "/echo" if method == "POST" else "/", "staging", content=b"1"
        )
        time.sleep(1)  # it is on its way
        sandbox.on("staging", f"sudo docker kill {container}")
        assert answer.result().status_code == status
    assert "ended without an answer" in answer.result().text or status == 200
    wait_until(lambda: get(sandbox).status_code == 200, 40)


def test_a_waker_that_is_down_is_told_in_words(sandbox, branch):
    asleep_for_good(sandbox)
    with undone(sandbox, "staging", "sudo supervisorctl stop depl-waker", "sudo supervisorctl start depl-waker"):
        answer = get(sandbox)
        assert answer.status_code == 503
        assert "supervisorctl status depl-waker" in answer.text
    assert get(sandbox).text == "Hello from base domain\n"


def test_a_name_that_is_no_branch_is_unknown(sandbox, branch):
    answer = sandbox.get("nobody.staging.app1.foo", "/", "staging")
    assert answer.status_code == 404
    assert "inv branch.list" in answer.text


def test_a_shell_wakes_it(sandbox, branch):
    asleep_for_good(sandbox)
    assert "woken" in sandbox.must(
        "branch.shell", "--branch", BRANCH, "--command", "print('woken')", environment=branch
    )


def test_its_last_visitor_is_known(sandbox, branch):
    get(sandbox)
    clock = float(sandbox.on("staging", "date +%s"))

    def seen():
        rows = json.loads(sandbox.must("branch.list", "--json", environment=branch))
        (row,) = [one for one in rows if one["branch"] == BRANCH]
        return row["seen"]

    wait_until(lambda: seen() and seen() >= clock - 60, 40)
