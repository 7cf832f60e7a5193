"""Databases, queues and search over real docker: reached by socket and by TCP, kept, backed up, restored, upgraded."""

import json
import re

import pytest

from .conftest import APP_HOSTS, changed, inventory, wait_until

pytestmark = pytest.mark.integration

SERVICES = ("database", "queue", "search")


def home(service):
    return f"/srv/depl/services/{service}"


def destroy(board, service):
    """What a dead disk leaves: no data, and what ran on it."""
    board.sandbox.on("app1", f"sudo docker kill service-{service}; sudo rm -r {home(service)}/data")


def test_an_app_stores_searches_and_queues_by_sockets_and_by_tcp(board):
    board.use()
    there = {host: board.sandbox.on(host, "sudo cat /srv/depl/board/live/000/env").split() for host in APP_HOSTS}
    ways = {host: {line.split("=")[0]: line for line in lines} for host, lines in there.items()}
    assert "?host=/run/services/database" in ways["app1"]["DATABASE_URL"]
    assert "@app1:5432/board" in ways["app2"]["DATABASE_URL"]
    assert "unix://" in ways["app1"]["QUEUE_URL"]
    assert "redis://" in ways["app2"]["QUEUE_URL"]


def test_services_are_told_and_a_second_up_does_nothing(board):
    found = {name: (row["host"], row["health"]) for name, row in board.services().items()}
    assert {name: found[name] for name in SERVICES} == dict.fromkeys(SERVICES, ("app1", "ok"))
    assert {health for _, health in found.values()} == {"ok"}
    said = board.sandbox.must("services.up")
    assert "Nothing to do: database, queue, search, staging-database" in said
    assert "run as described, and answer" in said


def test_nobody_without_a_password_gets_in_by_tcp(board):
    ask = {
        "database": "psql 'postgresql://board@app1/board' -w -c 'select 1'",
        "queue": "redis-cli -h app1 ping",
        "search": "curl --silent --output /dev/null --write-out '%{http_code}' http://app1:10041/d/status",
    }
    said = {}
    for service, line in ask.items():
        image = f"$(sudo docker inspect --format '{{{{.Config.Image}}}}' service-{service})"
        run = f'sudo docker run --rm --network host --entrypoint sh {image} -c "{line}" 2>&1 || true'
        said[service] = board.sandbox.on("app1", run)
    assert "no password supplied" in said["database"]
    assert "NOAUTH" in said["queue"]
    assert said["search"].strip() == "401"


def test_no_password_is_in_an_argument_or_an_answer(board):
    secrets = {
        line.partition("=")[2]
        for service in SERVICES
        for line in board.sandbox.on("app1", f"sudo cat {home(service)}/env").split()
        if line.startswith("PASSWORD=")
    }
    seen = board.sandbox.must("services.status") + board.sandbox.on(
        "app1",
        "ps -eo args; sudo docker ps --all --quiet | xargs sudo docker inspect --format '{{.Args}} {{.Config.Labels}}';"
        "sudo cat /srv/depl/services/audit.jsonl; sudo docker logs service-database 2>&1",
    )
    assert len(secrets) == 3
    assert not [secret for secret in secrets if secret in seen]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_whose_data_is_destroyed_comes_back_from_its_backup(board, service):
    word = board.use()
    said = board.sandbox.must("services.backup", "--service", service)
    assert re.search(rf"{service}: app1:{home(service)}/backups/\S+\.gz", said)
    destroy(board, service)
    wait_until(lambda: board.services()[service]["health"] != "ok", 30)
    ended = board.sandbox.inv("services.backup", "--service", service)
    assert ended.code == 1
    assert "is not healthy" in ended.text
    said = board.sandbox.must("services.restore", "--service", service)
    assert f"{service} has the data of" in said
    assert board.services()[service]["health"] == "ok"
    assert len(board.get(f"/search?q={word}")) == 2
    assert sum(word in row["text"] for row in board.get("/notes")) == 2
    board.use()


def test_a_restore_keeps_what_the_service_had(board):
    board.sandbox.must("services.backup", "--service", "queue")
    said = board.sandbox.must("services.restore", "--service", "queue")
    kept = re.search(r"What it had before: (\S+)", said)[1]
    assert "appendonlydir" in board.sandbox.on("app1", f"sudo ls {kept}")
    board.sandbox.on("app1", f"sudo rm -r {kept}")


def test_an_upgrade_keeps_the_data(board):
    word = board.use()
    before = board.sandbox.on("app1", "sudo docker inspect --format '{{.Config.Image}}' service-queue")
    said = board.sandbox.must("services.upgrade", "--service", "queue")
    assert said.index("✓ backup") < said.index("✓ start")
    after = board.sandbox.on("app1", "sudo docker inspect --format '{{.Config.Image}}' service-queue")
    assert after > before
    board.sandbox.must("services.up")  # other services of that kind take the newer image, too
    assert sum(word in row["text"] for row in board.get("/notes")) == 2
    board.use()


def test_a_service_that_does_not_come_up_with_new_settings_goes_on_with_the_former(board):
    word = board.use()
    with inventory("unsettled", changed('max_connections: "60"', "max_connections: many")) as environment:
        ended = board.sandbox.inv("services.up", environment=environment)
    assert ended.code == 1
    assert 'invalid value for parameter "max_connections": "many"' in ended.text
    assert "Put back on app1." in ended.text
    wait_until(lambda: board.services()["database"]["health"] == "ok", 20)
    assert sum(word in row["text"] for row in board.get("/notes")) == 2
    assert "Nothing to do" in board.sandbox.must("services.up")


def test_a_service_that_is_killed_comes_back(board):
    board.sandbox.on("app1", "sudo docker kill service-search")
    wait_until(lambda: board.services()["search"]["health"] == "ok", 30)
    board.use()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("services.backup", "--service", "mail"),
            "'mail' is no service of vagrant: expected database, ",
        ),
        (("services.restore", "--service", "queue", "--file", "../x"), "'../x' is no backup of queue; there are: "),
    ],
)
def test_what_is_not_there_is_refused_by_name(board, words, message):
    ended = board.sandbox.inv(*words)
    assert ended.code == 1
    assert message in ended.text


def test_an_app_that_needs_what_no_host_carries_is_refused_with_the_place_in_the_file(board):
    with inventory("poor", changed("  queue: {kind: redis, host: app1, memory: 64m}\n", "")) as environment:
        ended = board.inv("install", environment=environment)
    assert ended.code == 1
    assert "conf/inventory/poor: depl_services: has no queue, which conf/apps/board.yml needs (redis)" in ended.text


def test_a_service_of_any_image_is_run_backed_up_and_restored(board):
    """One that knows nothing of depl but where its data lies: what its image can't say the inventory does."""
    image = board.sandbox.on("app1", "sudo docker inspect --format '{{.Config.Image}}' service-queue").strip()
    cli = ["redis-cli", "-s", "/run/service/cache.sock"]
    about = {
        "kind": "other", "host": "app2", "image": image, "memory": "64m", "socket": "cache.sock", "port": 6390,
        "data": "/var/lib/cache", "user": 60601, "health": [*cli, "ping"],
        "command": ["redis-server", "--port", "6390", "--protected-mode", "no", "--unixsocket", cli[2],
                    "--unixsocketperm", "770", "--dir", "/var/lib/cache", "--save", "1 1"],
        "backup": ["sh", "-c", "redis-cli -s /run/service/cache.sock save >/dev/null && cat /var/lib/cache/dump.rdb"],
        "restore": ["sh", "-c", "cat >/var/lib/cache/dump.rdb"],
    }  # fmt: skip
    edit = changed("depl_services:\n", f"depl_services:\n  cache: {json.dumps(about)}\n")
    run = "sudo docker exec service-cache redis-cli -s /run/service/cache.sock"
    try:
        with inventory("cached", edit) as environment:
            board.sandbox.must("services.up", environment=environment)
            board.sandbox.on("app2", f"{run} set word kept")
            board.sandbox.must("services.backup", "--service", "cache", environment=environment)
            board.sandbox.on("app2", f"sudo docker kill service-cache; sudo rm -r {home('cache')}/data")
            board.sandbox.must("services.restore", "--service", "cache", environment=environment)
            assert board.sandbox.on("app2", f"{run} get word").strip() == "kept"
            said = board.sandbox.must("services.status", environment=environment)
            assert re.search(r"cache +other +app2 +running +ok", said)
    finally:
        clean = "rm -f /srv/depl/supervisor/service-cache.conf; supervisorctl update; docker rm -f service-cache"
        board.sandbox.on("app2", f"sudo sh -c '{clean}; rm -rf {home('cache')}'")


def test_a_service_whose_program_somebody_took_away_is_told_and_watched_again(board):
    """As a killed restore leaves it: supervisord knows the program still, and would not after a reboot."""
    board.sandbox.on("app1", "sudo rm /srv/depl/supervisor/service-queue.conf")
    assert board.services()["queue"]["health"] == "not watched by supervisord"
    board.sandbox.must("services.up")
    assert board.services()["queue"]["health"] == "ok"
    board.sandbox.on("app1", "test -s /srv/depl/supervisor/service-queue.conf")
    board.use()
