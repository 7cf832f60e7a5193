"""The main job over real ssh, docker, supervisord and nginx: build, look, promote, roll back, prune."""

import json
import re
import subprocess

import httpx
import pytest

from .conftest import APP_HOSTS, wait_until

pytestmark = pytest.mark.integration


def test_an_installed_version_is_seen_at_its_own_url_and_live_traffic_is_not_touched(sandbox, two):
    old, new = two
    for host in APP_HOSTS:
        assert sandbox.get(f"{new}.app1.foo", host=host).text.strip() == "Hello from base domain"
        assert sandbox.get(f"{new}.foo.app1.foo", host=host).text.strip() == "Hello from foo"
        assert sandbox.get(f"{new}.app1.localhost", "/version", host).json()["version"] == new
    assert sandbox.live() == {old}


def test_install_ends_with_the_version_and_its_url(sandbox, two):
    _, new = two
    last = sandbox.must("install", "--version", new).strip().splitlines()[-1]
    assert last == f"Version {new} is successfully installed: http://{new}.app1.foo"


def test_a_version_installed_twice_changes_nothing_and_says_so(sandbox, two):
    before = sandbox.tree()
    assert "Nothing to do" in sandbox.must("install", "--version", two[1])
    assert sandbox.tree() == before


def test_promote_moves_all_hosts_and_rollback_moves_them_back(sandbox, two):
    old, new = two
    assert f"Version {new} is live" in sandbox.must("promote", "--version", new)
    assert sandbox.live() == {new}
    assert f"Version {old} is live" in sandbox.must("rollback")
    assert sandbox.live() == {old}


def test_without_a_version_promote_takes_the_newest_installed_and_says_which(sandbox, two):
    rows = [row for row in sandbox.status()["releases"] if row["state"] != "incomplete"]
    newest = max(set.intersection(*({row["version"] for row in rows if row["host"] == host} for host in APP_HOSTS)))
    out = sandbox.must("promote")
    assert f"the newest installed is {newest}" in out
    assert sandbox.live() == {newest}


def test_the_app_meets_the_limits_of_a_hostile_network(sandbox, two):
    name = f"app1-{two[1]}-web"
    (about,) = json.loads(sandbox.on("app1", f"sudo docker inspect {name}"))
    host = about["HostConfig"]
    assert about["Config"]["User"] == "10001:10001"
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert (host["Memory"], host["PidsLimit"], host["Init"]) == (256 * 2**20, 256, True)
    assert not host["PortBindings"]


def test_an_unknown_version_in_the_host_name_is_a_clear_404_and_no_nginx_error(sandbox, two):
    sandbox.on("app1", "sudo truncate --size 0 /var/log/nginx/error.log")
    answer = sandbox.get("1999.01.01.00.00.app1.foo")
    assert answer.status_code == 404
    assert "1999.01.01.00.00 of app1 is not installed" in answer.text
    assert sandbox.get("elsewhere.example").status_code == 404
    assert sandbox.on("app1", "sudo cat /var/log/nginx/error.log") == ""


def test_a_stopped_version_is_a_clear_503(sandbox, two):
    old, new = two
    sandbox.must("promote", "--version", old)
    # What prune does to a release that is kept, but not kept running.
    sandbox.on(
        "app1",
        f"sudo supervisorctl stop app1-{new}-web && sudo docker stop app1-{new}-web && "
        f"sudo rm -r /srv/depl/app1/versions/{new}/run",
    )
    answer = sandbox.get(f"{new}.app1.foo")
    assert answer.status_code == 503
    assert "not running" in answer.text
    sandbox.must("install", "--version", new)
    assert sandbox.get(f"{new}.app1.foo", "/version").json()["version"] == new


def test_the_same_user_gets_the_same_version_on_every_host_and_keeps_it_while_a_canary_grows(sandbox, two):
    old, new = two
    sandbox.must("canary", "--percent", "30", "--version", new)
    users = {f"{n:032x}": None for n in range(150)}

    def version(user, host):
        return sandbox.get("app1.foo", "/version", host, headers={"Cookie": f"depl_app1={user}"}).headers["X-Version"]

    first = {user: version(user, "app1") for user in users}
    assert 20 <= sum(found == new for found in first.values()) <= 75, "about 45 of 150 are expected"
    for host in ("app1", "app2") * 5:
        assert {user: version(user, host) for user in users} == first
    sandbox.must("canary", "--percent", "60")
    grown = {user: version(user, "app2") for user in users}
    assert all(grown[user] == new for user in users if first[user] == new)
    sandbox.must("canary", "--percent", "0")
    assert {version(user, "app1") for user in users} == {old}


def test_a_visitor_gets_one_id_and_a_made_up_one_is_not_believed(sandbox, two):
    fresh = sandbox.get("app1.foo")
    assert re.match(r"depl_app1=[0-9a-f]{32}; Path=/; Max-Age=\d+; HttpOnly; SameSite=Lax", fresh.headers["Set-Cookie"])
    known = sandbox.get("app1.foo", headers={"Cookie": fresh.headers["Set-Cookie"].split(";")[0]})
    assert "Set-Cookie" not in known.headers
    assert "Set-Cookie" in sandbox.get("app1.foo", headers={"Cookie": "depl_app1=../../etc"}).headers


def test_the_log_names_the_version_that_served(sandbox, two):
    marker = "/version?look=here"
    sandbox.get("app1.foo", marker)
    line = sandbox.on("app1", "sleep 1.5; sudo grep /version /var/log/nginx/depl-app1.log | tail -n 1")
    assert json.loads(line)["version"] == two[0]


@pytest.mark.parametrize("words", [("promote",), ("rollback",), ("canary", "--percent", "5"), ("prune",), ("install",)])
def test_a_dry_run_changes_nothing(sandbox, two, words):
    sandbox.must("promote", "--version", two[1])
    sandbox.must("promote", "--version", two[0])
    before = sandbox.tree()
    ended = sandbox.inv("--dry", *words)
    assert "dry run" in ended.text
    assert ended.text.count("Nothing to do.") + ended.text.count("Would do") == (ended.code == 0)
    assert sandbox.tree() == before
    assert sandbox.live() == {two[0]}


def test_status_says_what_is_where(sandbox, two):
    old, new = two
    text = sandbox.must("status")
    assert f"Live is {old} on all hosts." in text
    rows = {(row["version"], row["host"]): row for row in sandbox.status()["releases"]}
    for host in APP_HOSTS:
        assert rows[old, host]["state"] == "live"
        assert rows[old, host]["share"] == 100.0
        assert rows[new, host]["health"] == "ok"
        assert rows[new, host]["memory"] > 2**20


def test_each_change_leaves_a_line_with_who_and_how_it_ended(sandbox, two):
    sandbox.must("promote", "--version", two[1], environment="DEPL_WHO=ana")
    entries = [json.loads(line) for line in sandbox.must("audit", "--json").splitlines()]
    last = [entry for entry in entries if entry["host"] == "app2"][-1]
    assert last["who"] == "ana@deploy"
    assert last["what"] == f"promote {two[1]}"
    assert last["outcome"] == "done"


def test_logs_carry_their_hosts_name(sandbox, two):
    lines = sandbox.must("logs", "--version", two[1], "--lines", "5").splitlines()
    assert {line.split(" │ ")[0] for line in lines} == set(APP_HOSTS)


def test_fab_shows_and_runs_the_same_tasks(sandbox, two):
    ours = sandbox.on_deploy("cd /vagrant && inv --list")
    theirs = sandbox.on_deploy("cd /vagrant && fab --list")
    depl = sandbox.on_deploy("cd /vagrant && depl --list")
    tasks = re.findall(r"^  (\S+)", ours, re.M)
    assert "promote" in tasks
    assert tasks == re.findall(r"^  (\S+)", theirs, re.M)
    assert tasks == re.findall(r"^  (\S+)", depl, re.M)
    assert "Live is" in sandbox.on_deploy("cd /vagrant && fab status")


def test_a_host_that_reboots_serves_the_same_release_again(sandbox, two):
    container = sandbox.about["hosts"]["app2"]["container"]
    subprocess.run(["docker", "restart", container], check=True, capture_output=True, timeout=120)

    def serves(name, version):
        try:
            return sandbox.get(name, "/version", "app2").headers.get("X-Version") == version
        except httpx.HTTPError:
            return False

    wait_until(lambda: serves("app1.foo", two[0]), 60)
    wait_until(lambda: serves(f"{two[1]}.app1.foo", two[1]), 60)
    assert "Live is" in sandbox.must("status")


def test_prune_keeps_what_serves_and_removes_what_is_beyond_the_limits(sandbox, two):
    old, new = two
    sandbox.must("prune")
    rows = sandbox.status()["releases"]
    for host in APP_HOSTS:
        left = {row["version"] for row in rows if row["host"] == host}
        assert {old, new} <= left
        names = set(sandbox.on(host, "sudo docker ps -a --format '{{.Names}}' --filter label=depl.app=app1").split())
        assert names == {f"app1-{version}-web" for version in left}
