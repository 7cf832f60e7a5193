"""A secret of the repository, from the editor to the containers of both hosts, and nowhere else."""

from __future__ import annotations

import os
import secrets
import subprocess
from pathlib import Path

import pytest

from .conftest import APP_HOSTS, PROJECT, changed, inventory, variant
from .test_secrets import Watched, lies

pytestmark = pytest.mark.integration

NAME = "values"
FOLDER = PROJECT / "conf" / "inventory" / NAME


class Person:
    """Somebody with a clone and the sandbox's key, whose editor writes what `types` says."""

    def __init__(self, folder: Path) -> None:
        self.editor = folder / "editor"
        self.editor.write_text('#!/bin/sh\nsed -i "s/^    SECRET_KEY: .*/    SECRET_KEY: $TYPES/" "$1"\n')
        self.editor.chmod(0o755)
        self.said = ""

    def inv(self, *words: str, types: str = "") -> str:
        about = {
            "DEPL_ENVIRONMENT": NAME, "DEPL_KEY": str(PROJECT / "vagrant_rsa"), "VISUAL": str(self.editor),
            "TYPES": types,
        }  # fmt: skip
        program = str(PROJECT / ".venv" / "bin" / "inv")
        ended = subprocess.run(
            [program, *words], cwd=PROJECT, env={**os.environ, **about}, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        self.said += ended.stdout + ended.stderr
        return ended.stdout


def seen_by(sandbox, host, version):
    """The variable as the app's own process in its container has it."""
    look = "import os; print(os.environ['SECRET_KEY'])"
    return sandbox.on(host, f'sudo docker exec app1-{version}-web python3 -c "{look}"').strip()


def in_the_clear(texts):
    """The files of the project's folder that hold one of the texts, and what is left in memory."""
    files = [
        Path(top) / name
        for top, folders, names in os.walk(PROJECT)
        if not {".venv", ".git"} & set(Path(top).relative_to(PROJECT).parts)
        for name in names
    ]
    found = [str(one) for one in files if one.is_file() and any(text.encode() in one.read_bytes() for text in texts)]
    return found + [str(one) for one in Path("/dev/shm").glob("depl-*")]


@pytest.fixture(scope="module")
def rolled_out(sandbox, builds, tmp_path_factory):
    """What was seen of a secret that was set, installed, made live, changed, rolled out, and rolled back."""
    first, second = secrets.token_hex(16), secrets.token_hex(16)
    person = Person(tmp_path_factory.mktemp("person"))
    found = {"first": first, "second": second}
    with inventory(NAME, lambda _, text: text) as environment:

        def inv(*words):
            found["said"] = found.get("said", "") + (out := sandbox.must(*words, environment=environment))
            return out

        with Watched(sandbox) as watched:
            person.inv("secrets.edit", types=first)
            found["old"] = variant(sandbox, builds[0])
            inv("install", "--version", found["old"])
            inv("promote", "--version", found["old"])
            found["before"] = {host: seen_by(sandbox, host, found["old"]) for host in APP_HOSTS}
            found["edit"] = person.inv("secrets.edit", types=second)
            tree = sandbox.tree()
            found["dry"] = inv("--dry", "promote", "--env-only")
            found["untouched"] = sandbox.tree() == tree
            out = inv("promote", "--env-only")
            found["new"] = out.split("Version ")[-1].split()[0]
            found["after"] = {host: seen_by(sandbox, host, found["new"]) for host in APP_HOSTS}
            found["live"] = sandbox.live()
            found["again"] = inv("promote", "--env-only")
            inv("hosts.drain", "app2")
            sandbox.on("app2", f"sudo docker rm --force app1-{found['new']}-web")
            inv("hosts.add", "app2")
            found["added"] = seen_by(sandbox, "app2", found["new"])
            inv("rollback")
            found["back"] = sandbox.live()
            for words in ("status",), ("logs",), ("audit",), ("audit", "--json"):
                inv(*words)
            person.inv("secrets.rotate")
        found["in the clear"] = in_the_clear((first, second))
        found["said"] += person.said
    found["seen"] = watched.seen
    yield found
    sandbox.must("install", "--version", builds[0])
    sandbox.must("promote", "--version", builds[0])


def test_the_containers_of_all_hosts_have_what_was_typed(rolled_out):
    assert rolled_out["before"] == dict.fromkeys(APP_HOSTS, rolled_out["first"])


def test_a_changed_secret_is_live_without_a_build_as_a_version_of_its_own(sandbox, rolled_out):
    assert rolled_out["edit"].startswith("  apps.app1.SECRET_KEY: changed\n")
    assert rolled_out["after"] == dict.fromkeys(APP_HOSTS, rolled_out["second"])
    assert rolled_out["live"] == {rolled_out["new"]} != {rolled_out["old"]}
    images = [
        sandbox.on("app1", f"sudo docker inspect --format '{{{{.Image}}}}' app1-{rolled_out[one]}-web")
        for one in ("old", "new")
    ]
    assert images[0] == images[1], "the same image, and no bytes moved"


def test_what_would_be_rolled_out_can_be_looked_at(rolled_out):
    assert "Then all traffic would be sent to" in rolled_out["dry"]
    assert rolled_out["untouched"]


def test_rolled_out_twice_there_is_nothing_to_do(rolled_out):
    assert f"Nothing to do: {rolled_out['new']} is live" in rolled_out["again"]


def test_a_host_that_comes_back_gets_the_secrets_too(rolled_out):
    assert rolled_out["added"] == rolled_out["second"]


def test_a_rollback_leads_to_the_former_value(sandbox, rolled_out):
    assert rolled_out["back"] == {rolled_out["old"]}
    assert seen_by(sandbox, "app1", rolled_out["old"]) == rolled_out["first"]


def test_no_value_is_seen_but_in_the_environments_of_releases(sandbox, rolled_out):
    planted = {name: rolled_out[name] for name in ("first", "second")}
    for name, text in planted.items():
        assert text not in rolled_out["said"], f"{name} was printed"
        assert text.encode() not in rolled_out["seen"], f"{name} is in a process list"
    assert rolled_out["in the clear"] == []
    for host in APP_HOSTS:
        found = lies(sandbox, host, planted, f"deploy:5000/app1:{rolled_out['new']}")
        assert {name for name, _, _ in found} == {"first", "second"}
        assert all(place.startswith("/srv/depl/app1/releases/") and place.endswith("/env") for _, place, _ in found)
        assert {mode for _, _, mode in found} == {"-rw-------"}
    assert lies(sandbox, "deploy", planted, f"deploy:5000/app1:{rolled_out['old']}") == set()


def test_a_variable_that_nobody_set_stops_an_install_before_anything_starts(sandbox, builds):
    description = PROJECT / "conf" / "apps" / "app1.yml"
    sound = description.read_text()
    version = variant(sandbox, builds[0])
    before = sandbox.tree()
    description.write_text(sound.replace("needs: [] ", "needs: [SECRET_KEY, NOBODY_SET_IT] "))
    try:
        ended = sandbox.inv("install", "--version", version)
    finally:
        description.write_text(sound)
    assert ended.code == 1
    assert "web of app1 needs NOBODY_SET_IT, which nobody set." in ended.text
    assert "inv secrets.edit, as apps.app1.NOBODY_SET_IT" in ended.text
    assert sandbox.tree() == before


def test_without_the_key_an_install_says_which_were_tried_and_a_promote_needs_none(sandbox, two):
    version = variant(sandbox, two[0])
    ended = sandbox.inv("install", "--version", version, environment="DEPL_KEY=~/.ssh/id_ed25519")
    assert ended.code == 1
    assert "no key here opens it (tried /home/vagrant/.ssh/id_ed25519)" in ended.text
    assert len(ended.text.strip().splitlines()) == 3, ended.text
    sandbox.must("promote", "--version", two[1], environment="DEPL_KEY=/nowhere")
    sandbox.must("rollback", environment="DEPL_KEY=/nowhere")


def test_ansible_leaves_the_encrypted_file_alone(sandbox):
    line = "cd /vagrant && ANSIBLE_CONFIG=conf/ansible/ansible.cfg /opt/depl/venv/bin/ansible-inventory"
    ended = sandbox.ssh("deploy", f"{line} --inventory conf/inventory/vagrant --list")
    assert (ended.code, ended.err) == (0, "")
    assert "AGE" not in ended.out


def test_a_damaged_file_stops_an_install_and_keeps_nobody_from_rolling_back(sandbox, two):
    version = variant(sandbox, two[0])
    with inventory(NAME, changed("\0", "")) as environment:
        file = FOLDER / "secrets.age"
        file.write_text(file.read_text().replace("YWdlLWVuY3J5", "YWdlLWVuY3Jz"))
        ended = sandbox.inv("install", "--version", version, environment=environment)
        assert ended.code == 1
        assert "is damaged: take the line back from git" in ended.text
        sandbox.must("promote", "--version", two[1], environment=environment)
        sandbox.must("rollback", environment=environment)
    assert sandbox.live() == {two[0]}
