"""What bad input and a bad day get: one to three clear lines, exit code 1, nothing changed, never a traceback."""

from __future__ import annotations

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from .conftest import APP_HOSTS, PROJECT, changed, full, inventory, undone, variant

pytestmark = pytest.mark.integration

NOWHERE = "1999.01.01.00.00"
NASTY = (
    "2026.11.22.12.05\n$(touch /tmp/pwned)`touch /tmp/pwned`; touch /tmp/pwned; } location / { return 200 $host; } #",
    "../../../tmp/pwned' || touch /tmp/pwned '\"",
)
PLACES = (
    ("install", "--version"), ("promote", "--version"), ("rollback", "--version"), ("logs", "--version"),
    ("canary", "--percent", "5", "--version"), ("canary", "--percent"), ("logs", "--lines"), ("build", "--ref"),
    ("install", "--app"), ("status", "--app"), ("bootstrap", "--only"), (),
    ("canary", "--auto", "--percent"), ("compare", "--since"), ("compare", "--replay"),
    ("ab.start", "--version", NOWHERE, "--version"), ("ab.start", "--percent"),
)  # fmt: skip

# What there is, without times: a failed install writes in the audit file, and in folders that it leaves as they were.
LEFT = """
sudo find /srv/depl ! -name audit.jsonl ! -name lock ! -path '*/run/*' ! -type d -printf '%p %y %l %s\\n' \
    | grep -v -e ^/srv/depl/board/jobs -e /data/ | sort
sudo find /srv/depl -type d | grep -v /data/ | sort
sudo docker ps --all --format '{{.Names}} {{.State}}' | sort
sudo docker images --format '{{.Repository}}:{{.Tag}}' | sort
sudo supervisorctl status | awk '{print $1}' | sort
"""


@contextmanager
def nothing_changes(sandbox, *, began=False):
    """Compare what is on the hosts before and after; of work that `began` and was undone, times may differ."""

    def look():
        with ThreadPoolExecutor(2) as pool:
            left = list(pool.map(lambda host: sandbox.on(host, LEFT), APP_HOSTS))
        return sandbox.live(), left, None if began else sandbox.tree()

    before = look()
    yield
    assert look() == before


def refused(ended, *words):
    """Assert a clean refusal whose message has all these words; a container's log may come after it."""
    assert ended.code == 1, ended.text
    said = [line for line in ended.err.splitlines() if not re.match(r"  │ |it wrote:$|last \d+ of \d+ lines:$", line)]
    assert 1 <= len(said) <= 3, ended.text
    assert "Traceback" not in ended.out + "\n".join(said)
    for word in words:
        assert word in "\n".join(said), ended.text


@pytest.fixture(scope="module")
def pair(sandbox, builds):
    """Two installed versions, the first of them live: once for all tests, since none of them may change it."""
    # Free slots for all that follows: where there is none, an install begins with removing an old release.
    few = "depl_keep_running: 0\ndepl_keep_installed: 1\ndepl_drain: 0"
    with inventory("few", changed("depl_keep_running: 2\ndepl_keep_installed: 4", few)) as environment:
        sandbox.must("prune", environment=environment)
    old, new = builds[:2]
    for version in (old, new):
        sandbox.must("install", "--version", version)
    sandbox.must("promote", "--version", old)
    return old, new


# --- arguments ---


@pytest.mark.parametrize(
    ("verb", "version"),
    [("install", ""), ("promote", "newest"), ("rollback", "2026.13.01.00.00"), ("logs", "٢٠٢٦.11.22.12.05")],
)
def test_a_malformed_version_is_refused_before_anything_is_touched(sandbox, verb, version):
    refused(sandbox.inv(verb, "--version", version), "is not a version: expected YYYY.MM.DD.HH.MM")


def test_an_unknown_version_is_refused_and_the_message_says_what_to_type(sandbox, pair):
    with nothing_changes(sandbox):
        refused(sandbox.inv("install", "--version", NOWHERE), f"deploy:5000 has no app1 {NOWHERE}", "inv build")
        for verb in ("promote",), ("rollback",), ("canary", "--percent", "5"):
            ended = sandbox.inv(*verb, "--version", NOWHERE)
            refused(ended, f"{NOWHERE} is not installed on app1", f"inv install --version {NOWHERE}")
        refused(sandbox.inv("logs", "--version", NOWHERE), f"{NOWHERE} is not installed on app1, app2")


def test_an_unknown_app_is_refused_and_the_message_lists_those_there_are(sandbox, pair):
    with nothing_changes(sandbox):
        for verb in "build", "install", "promote", "status":
            refused(sandbox.inv(verb, "--app", "app7"), "'app7' is no app", "app1")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("canary", "--percent", "five"), "'five' is not a percentage"),
        (("canary", "--percent", "100.1"), "'100.1' is not a percentage"),
        (("logs", "--lines", "five"), "'five' is no number of lines"),
        (("logs", "--lines", "-5"), "'-5' is no number of lines"),
        (("build", "--ref", "nowhere"), "'nowhere' is no commit, branch or tag"),
        (("build", "--ref", "HEAD~1", "--dirty"), "Say one of them"),
        (("canary",), "inv canary --percent 5"),
        (("canary", "--percent", "0.05"), "'0.05' is not a percentage"),
        (("canary", "--percent", "1,5,100"), "inv canary --percent 1,5,100 --auto"),
        (("canary", "--percent", "5,1", "--auto"), "expected growing percentages above 0"),
        (("canary", "--percent", "1,5", "--auto", "--on-fail", "panic"), "expected abort or hold"),
        (("compare", "--replay", "nowhere/*.log"), "finds no file"),
        (("compare", "--since", "tomorrow"), "no time in the past"),
        (("compare", "--version", NOWHERE), "are for --replay"),
        (("compare", "--watch", "--json"), "without --json"),
        (("compare", "--replay", "x", "--since", "1h"), "read from their beginning"),
        (("ab.start", "--version", NOWHERE), "An A/B test is of two versions"),
        (("ab.start", "--version", NOWHERE, "--version", NOWHERE), "An A/B test is of two versions"),
        (("bootstrap", "--only", "world"), "expected deploy or appserver or balancer"),
        # Invoke's own words for what it can't parse; it too ends with 1.
        (("install", "--version"), "needed value"),
        (("promote", NOWHERE), "No idea what"),
        (("deploy",), "No idea what 'deploy' is"),
    ],
)
def test_other_arguments_are_refused_in_words(sandbox, words, message):
    refused(sandbox.inv(*words), message)


def test_shell_and_nginx_metacharacters_are_text_in_every_argument(sandbox, pair):
    calls = [(*place, text) for place in PLACES for text in NASTY]
    with nothing_changes(sandbox), ThreadPoolExecutor(6) as pool:
        for words, ended in zip(calls, pool.map(lambda words: sandbox.inv(*words), calls), strict=True):
            assert ended.code == 1, words
            refused(ended)
    for host in ("deploy", *APP_HOSTS):
        sandbox.on(host, "! ls /tmp/pwned 2>/dev/null")


def test_who_acts_is_text_too_and_has_to_be_printable(sandbox, pair):
    with nothing_changes(sandbox):
        for who in r"$'a\nb'", r"$'\xff'", r"$'\e[2J'":
            refused(sandbox.inv("promote", environment=f"DEPL_WHO={who}"), "can't stand in the audit file")
        refused(sandbox.inv("status", environment="DEPL_ENVIRONMENT='../x;id'"), "'../x;id' is no environment")
    person = 'ana "$(touch /tmp/pwned)"; }'
    sandbox.must("promote", "--version", pair[1], environment=f"DEPL_WHO='{person}'")
    assert f"{person}@deploy" in sandbox.must("audit")
    sandbox.must("rollback")
    assert sandbox.live() == {pair[0]}
    for host in ("deploy", *APP_HOSTS):
        sandbox.on(host, "! ls /tmp/pwned 2>/dev/null")


# --- configuration ---


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("depl_slots: 8", "depl_slot: 8", "conf/inventory/wrong: depl_slot: unknown key"),
        ("    domains:", "    domain:", "conf/inventory/wrong: depl_apps.app1.domain: unknown key"),
        ("domains: [app1.foo", "domains: ['app1.foo; } #'", "depl_apps.app1.domains: 'app1.foo; } #' is no host name"),
        ("hosts: appservers", "hosts: apservers", "depl_apps.app1.hosts: there is no group 'apservers'"),
        ("depl_slots: 8", "depl_slots: eight", "depl_slots: expected a whole number, got 'eight'"),
        ("depl_slots: 8", "depl_slots: [8", "conf/inventory/wrong: "),
        ("        app2:", "        app2: {ansible_host: '-oProxyCommand=id'}", "app2: ansible_host"),
        ("        app2:", "        app2: {depl_slots: 9}", "depl_slots: app2 has another value"),
    ],
)
def test_a_wrong_inventory_is_refused_with_the_path_of_the_key(sandbox, old, new, message):
    with inventory("wrong", changed(old, new)) as environment:
        refused(sandbox.inv("install", environment=environment), message)


def test_a_wrong_description_of_an_app_is_refused_with_the_path_of_the_key(sandbox):
    description = PROJECT / "conf" / "apps" / "wrong.yml"
    good = description.with_name("app1.yml").read_text()
    try:
        description.write_text(good.replace("  optimise:", "  optimize:"))
        refused(sandbox.inv("build", "--app", "wrong"), "conf/apps/wrong.yml: wheels.optimize: unknown key")
        description.write_text(good)
        refused(sandbox.inv("build", "--app", "wrong"), "conf/inventory/vagrant: depl_apps: has no wrong")
    finally:
        description.unlink()


def test_where_several_apps_are_placed_and_none_is_the_default_one_has_to_be_said(sandbox):
    with inventory("several", changed("depl_default_app: app1\n", "")) as environment:
        refused(sandbox.inv("build", environment=environment), "Which app? several places: app1, board.", "--app NAME")


# --- hosts ---


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ansible_port: 1", "app2 (app2:1) can't be reached: "),
        ("ansible_host: nowhere.invalid", "app2 (nowhere.invalid:22) can't be reached: "),
        ("ansible_port: 80", "app2 (app2:80) takes connections, but does not answer"),
    ],
)
def test_a_host_that_is_not_there_is_named_and_the_others_are_not_touched(sandbox, pair, address, message):
    edit = changed("        app2:", f"        app2: {{{address}}}")
    with inventory("away", edit) as environment, nothing_changes(sandbox):
        refused(sandbox.inv("promote", "--version", pair[1], environment=environment), message)


def test_a_host_that_hangs_is_named_and_the_others_are_still_shown(sandbox, pair):
    container = sandbox.about["hosts"]["app2"]["container"]
    with nothing_changes(sandbox):
        subprocess.run(["docker", "pause", container], check=True, capture_output=True, timeout=60)
        try:
            with ThreadPoolExecutor(2) as pool:
                promote = pool.submit(sandbox.inv, "promote", "--version", pair[1])
                status = pool.submit(sandbox.inv, "status").result()
            refused(promote.result(), "app2 (app2:22) takes connections, but does not answer", "Nothing was changed")
        finally:
            subprocess.run(["docker", "unpause", container], check=True, capture_output=True, timeout=60)
        refused(status, "1 of 3 hosts did not answer")
        assert "app2 did not answer: app2 (app2:22) takes connections" in status.out
        assert re.search(rf"{pair[0]} +app1 +\d +100 %", status.out)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("sed 's/^app1 /app9 /; s/^app2 /app1 /; s/^app9 /app2 /' /etc/depl/known_hosts", "shows another host key"),
        ("grep -v '^app2 ' /etc/depl/known_hosts", "app2's host key is not recorded in"),
        ("echo app1 ssh-ed25519 abc", "/tmp/keys can't be read"),
        ("false", "No host keys are recorded"),
    ],
)  # fmt: skip
def test_a_host_key_that_is_not_the_recorded_one_is_refused(sandbox, pair, keys, message):
    edit = changed("depl_known_hosts: /etc/depl/known_hosts", "depl_known_hosts: /tmp/keys")
    make = f"{keys} >/tmp/keys || rm /tmp/keys"
    with undone(sandbox, "deploy", make, "rm -f /tmp/keys"), inventory("keys", edit) as environment:
        refused(sandbox.inv("promote", "--version", pair[1], environment=environment), message, "inv bootstrap")
    assert sandbox.live() == {pair[0]}


@pytest.mark.parametrize(
    ("stop", "start", "message"),
    [
        ("docker.socket docker", "docker", "dockerd does not answer ("),
        ("supervisor", "supervisor", "supervisord does not answer ("),
    ],
)
def test_an_app_host_without_a_daemon_is_named_with_what_to_look_at(sandbox, builds, pair, stop, start, message):
    before = sandbox.live()
    with undone(sandbox, "app1", f"sudo systemctl stop {stop}", f"sudo systemctl start {start}"):
        ended = sandbox.inv("install", "--version", builds[2])
        refused(ended, "app1: its state can't be read", message, f"systemctl status {start}")
        refused(sandbox.inv("status"), "1 of 3 hosts did not answer")
    assert sandbox.live() == before


# --- images ---


def test_without_docker_nothing_is_built(sandbox):
    ended = sandbox.inv("build", environment="DOCKER_HOST=unix:///nonexistent.sock")
    refused(ended, "There is no Docker engine to build with: no such socket")


def test_a_dirty_tree_is_not_built(sandbox):
    stray = PROJECT / "testapp" / "stray file.txt"
    stray.touch()
    try:
        refused(sandbox.inv("build"), "Changes are not committed: ", "testapp/stray file.txt", "--dirty")
    finally:
        stray.unlink()


def test_a_registry_that_is_down_stops_builds_and_installs_but_not_what_runs(sandbox, builds, pair):
    old, new = pair
    stop, start = (f"sudo supervisorctl {verb} docker-registry" for verb in ("stop", "start"))
    with undone(sandbox, "deploy", stop, start):
        with nothing_changes(sandbox):
            for words in ("build",), ("buildinst",), ("install",), ("install", "--version", builds[2]):
                ended = sandbox.inv(*words)
                refused(ended, "registry deploy:5000 can't be reached", "supervisorctl status docker-registry")
        sandbox.must("promote", "--version", new)
        sandbox.must("rollback")
    assert sandbox.live() == {old}


def test_an_image_that_one_host_cannot_pull_is_installed_on_none(sandbox, builds, pair):
    away, back = "sudo mv /home/depl/.docker/config.json /root/", "sudo mv /root/config.json /home/depl/.docker/"
    with nothing_changes(sandbox, began=True), undone(sandbox, "app2", away, back):
        refused(sandbox.inv("install", "--version", builds[2]), f"app2: pull deploy:5000/app1:{builds[2]}")


# --- containers ---


@pytest.fixture
def impatient():
    """Health checks give up after 8 seconds rather than 30."""
    description = PROJECT / "conf" / "apps" / "app1.yml"
    good = description.read_text()
    description.write_text(re.sub(r"^  timeout: 30$", "  timeout: 8", good, flags=re.M))
    yield
    description.write_text(good)


@pytest.mark.parametrize(
    ("variables", "message", "log"),
    [
        ({"TESTAPP_CRASH": "1"}, "exited 1 after", "KeyError: 'TESTAPP_REQUIRED_SETTING'"),
        ({"PATH": "/nowhere"}, "exited 127 after", "exec python3 failed: No such file or directory"),
        ({"TESTAPP_UNHEALTHY": "1"}, "not healthy after 8 s: GET /healthz answered 503", "Booting worker"),
    ],
)
def test_a_container_that_does_not_get_healthy_is_taken_away_and_its_log_is_shown(
    sandbox, builds, pair, impatient, variables, message, log
):
    version = variant(sandbox, builds[0], **variables)
    with nothing_changes(sandbox, began=True):
        ended = sandbox.inv("install", "--version", version)
        refused(ended, "app1 (and app2): wait for GET /healthz: ", message)
        assert [line for line in ended.err.splitlines() if line.startswith("  │ ") and log in line]
    assert sandbox.get(f"{version}.app1.foo").status_code == 404
    assert "failed: app1 (and app2): wait for GET /healthz" in sandbox.must("audit", "--json").splitlines()[-1]


def test_an_install_that_was_cut_short_before_its_program_is_finished_by_the_next_one(sandbox, builds, pair):
    releases = sandbox.on("app1", "ls /srv/depl/app1/releases").split()
    slot = next(one for one in releases if one.startswith(f"{pair[1]}@")).partition("@")[2]
    # As if by hand: of all slots the one that another release has.
    sandbox.on("app1", f"sudo -u depl mkdir /srv/depl/app1/releases/{builds[2]}@{slot}")
    sandbox.must("install", "--version", builds[2])
    assert sandbox.get(f"{pair[1]}.app1.foo", "/version").json()["version"] == pair[1]
    assert sandbox.get(f"{builds[2]}.app1.foo", "/version").json()["version"] == builds[2]
    assert sandbox.live() == {pair[0]}


# --- disks ---


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("/srv", ["app2 has 0 MB of disk left, 500 MB are needed"]),
        ("/srv/depl/app1/releases", ["app2: write the environment: No space left on device"]),
        ("/srv/depl/supervisor", ["app2: write the program of app1-", "-web: No space left on device"]),
    ],
)
def test_a_full_disk_of_one_host_leaves_nothing_on_any(sandbox, builds, pair, folder, words):
    version = variant(sandbox, builds[0], SIZE="full")
    with nothing_changes(sandbox, began=True), full(sandbox, "app2", folder):
        refused(sandbox.inv("install", "--version", version), *words)


def test_a_full_disk_can_be_pruned(sandbox, pair):
    with full(sandbox, "app2", "/srv/depl/app1"):
        sandbox.must("prune")
    assert sandbox.live() == {pair[0]}


def test_a_full_disk_of_the_build_host_is_said_in_words(sandbox):
    make = "sudo mkdir -p /mnt/full && sudo mount -t tmpfs -o size=64k,mode=777 tmpfs /mnt/full"
    fill = "cat /dev/zero >/mnt/full/filler || true"
    edit = changed("depl_cache: /var/lib/depl", "depl_cache: /mnt/full")
    with undone(sandbox, "deploy", f"{make}; {fill}", "sudo umount /mnt/full"), inventory("full", edit) as environment:
        refused(sandbox.inv("build", environment=environment), "build can't go on", "No space left on device")
