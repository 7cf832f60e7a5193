"""A secret is never seen but in the files that are its place.

One is planted in every place where a secret can be given, all verbs run, well and badly, and then it is
looked for in all that they printed, logged, wrote and started.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess

import pytest

from tests.authority import Authority

from .conftest import APP_HOSTS, PROJECT, inventory, variant

pytestmark = pytest.mark.integration

HERE = PROJECT / "tests" / "integration"
HOSTS = ("deploy", *APP_HOSTS)
PLACE = "/etc/depl/test-secrets"
SECRETS = {
    "variable": "Planted-Variable-k4Jx81",
    "preview": "Planted-Preview-p0Zq27",
    "vault": "Planted-Vault-v9Ta63",
    "git password": "Planted-Git-g5Wd90",
    "git token": "Planted-Token-t2Le44",
    "index": "planted-index-i8Ro15.example.com",
}
SETTINGS = f"""depl_preview_allow:
  networks: [0.0.0.0/0]
  users: {{ana: {SECRETS["preview"]}}}
depl_tls:
  "*.app1.foo": {{certificate: {PLACE}/previews.crt, key: {PLACE}/previews.key}}
"""


@pytest.fixture(scope="module")
def planted(sandbox, builds):
    """The secrets by name, those of the sandbox's own too, and an inventory that is encrypted."""
    secrets = dict(SECRETS)
    secrets["registry"] = sandbox.on_deploy("sudo cat /etc/depl/registry/password").strip()
    secrets["login"] = base64.b64encode(f"depl:{secrets['registry']}".encode()).decode()
    secrets["deploy key"] = sandbox.on_deploy("sed -n 5p ~/.ssh/id_ed25519").strip()
    certificate, key = Authority().issue("*.app1.foo")
    secrets["tls key"] = key.splitlines()[2]
    files = {
        "previews.crt": certificate, "previews.key": key, "vault": secrets["vault"],
        "environment": f"export NO_PROXY={secrets['index']} PIP_TRUSTED_HOST={secrets['index']}",
    }  # fmt: skip
    sandbox.on_deploy(f"sudo install -d -o vagrant {PLACE}")
    for name, text in files.items():
        assert sandbox.ssh("deploy", f"umask 077; cat >{PLACE}/{name}", input=text).code == 0

    def edit(name, text):
        if name != "all.yml":
            return text
        text = text.replace("environment: {}", f"environment: {{API_TOKEN: {secrets['variable']}}}")
        return encrypted(text.replace("depl_preview_allow:\n  networks: [0.0.0.0/0]\n", SETTINGS), secrets["vault"])

    description = PROJECT / "conf" / "apps" / "app1.yml"
    sound = description.read_text()
    address = f"https://ana:{secrets['git password']}@git.example.com/app1.git?private_token={secrets['git token']}"
    sandbox.on_deploy(
        "rm -rf /tmp/source && git init -q /tmp/source && cd /tmp/source && "
        "git -C /vagrant archive HEAD testapp | tar x && git add . && "
        "git -c user.name=ana -c user.email=ana@example.com commit -q -m all && "
        f"git remote add origin '{address}'"
    )
    try:
        with inventory("secrets", edit) as environment:
            description.write_text(sound.replace("repository: . ", "repository: /tmp/source "))
            yield secrets, f". {PLACE}/environment; {environment} ANSIBLE_VAULT_PASSWORD_FILE={PLACE}/vault"
    finally:
        description.write_text(sound)
        sandbox.must("bootstrap", "--only", "appserver")
        sandbox.must("install", "--version", builds[0])
        sandbox.on_deploy(f"sudo rm -r {PLACE} /tmp/source")
        for host in APP_HOSTS:
            sandbox.on(host, "sudo rm -r /etc/depl/tls/_.app1.foo")


def encrypted(text, password):
    """Text as `ansible-vault encrypt` writes it."""
    program = shutil.which("ansible-vault") or str(PROJECT / ".venv" / "bin" / "ansible-vault")
    keys = PROJECT / "conf" / "inventory" / "secrets" / ".password"
    keys.write_text(password)
    try:
        done = subprocess.run(
            [program, "encrypt", "--vault-password-file", str(keys), "--output", "-", "-"],
            input=text, capture_output=True, text=True, check=True,
        )  # fmt: skip
    finally:
        keys.unlink()
    return done.stdout


class Watched:
    """Hosts whose process lists are looked at all the time; `seen` is all that was there."""

    def __init__(self, sandbox) -> None:
        self.sandbox, self.seen = sandbox, b""

    def __enter__(self):
        config = str(PROJECT / ".vagrant" / "ssh_config")
        program = (HERE / "watch.py").read_text()
        for host in HOSTS:
            put = self.sandbox.ssh(host, "cat >/tmp/watch.py", input=program)
            assert put.code == 0
        self.watches = [
            subprocess.Popen(
                ["ssh", "-F", config, host, "sudo -u nobody python3 -I /tmp/watch.py"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )
            for host in HOSTS
        ]  # fmt: skip
        return self

    def __exit__(self, *_):
        for watch in self.watches:
            self.seen += watch.communicate()[0]
            assert watch.returncode == 0


def everything(sandbox, builds, environment):
    """Run all verbs, well and badly, by themselves and under TeamCity; returns all that was printed."""
    printed = []

    def inv(*words, ends=0, teamcity=False, more=""):
        about = f"{environment} {'TEAMCITY_VERSION=2025.07' if teamcity else ''} {more}"
        ended = sandbox.inv(*words, environment=about, timeout=900)
        printed.append(ended.text)
        assert ended.code == ends, ended.text
        return ended.out

    old = builds[0]
    inv("--dry", "bootstrap")
    inv("bootstrap", "--only", "appserver")
    inv("--dry", "build", teamcity=True)
    new = inv("build", teamcity=True).split("Version ")[-1].split()[0]
    inv("--dry", "install", "--version", new)
    inv("install", "--version", old)
    inv("install", "--version", new, teamcity=True)
    inv("promote", "--version", old, teamcity=True)
    inv("canary", "--percent", "5", "--version", new)
    inv("--dry", "promote", "--version", new)
    inv("promote", "--version", new)
    inv("rollback", teamcity=True)
    for words in ("status",), ("status", "--json"), ("logs",), ("audit",), ("audit", "--json"), ("prune",):
        inv(*words)
    # And badly: a container that dies, a registry that refuses, a name, a password of the vault, a form.
    for teamcity in (False, True):
        sick = variant(sandbox, old, TESTAPP_CRASH="1")
        inv("install", "--version", sick, ends=1, teamcity=teamcity)
        inv("promote", "--version", "1999.01.01.00.00", ends=1, teamcity=teamcity)
        inv("build", "--ref", "nowhere", ends=1, teamcity=teamcity)
        inv("status", ends=1, teamcity=teamcity, more="ANSIBLE_VAULT_PASSWORD_FILE=/etc/hostname")
    sandbox.on("app2", "sudo mv /home/depl/.docker/config.json /root/")
    try:
        inv("install", "--version", variant(sandbox, old), ends=1, teamcity=True)
    finally:
        sandbox.on("app2", "sudo mv /root/config.json /home/depl/.docker/")
    sandbox.on("app1", "sudo systemctl stop supervisor")
    try:
        inv("install", "--version", builds[1], ends=1)
    finally:
        sandbox.on("app1", "sudo systemctl start supervisor")
    return "\n".join(printed), new


def lies(sandbox, host, secrets, image):
    """Where secrets lie on a host: (name, place, mode)."""
    paths = [
        "/etc",
        "/home",
        "/root",
        "/srv/depl",
        "/tmp",
        "/var/log",
        "/var/lib/depl",
        "/var/spool",
        "/run/supervisor.sock",
    ]
    asked = json.dumps({"secrets": secrets, "paths": paths, "images": [image]})
    assert sandbox.ssh(host, "cat >/tmp/search.py", input=(HERE / "search.py").read_text()).code == 0
    ended = sandbox.ssh(host, "sudo python3 -I /tmp/search.py", input=asked)
    assert ended.code == 0, ended.text
    return {tuple(one) for one in json.loads(ended.out)}


def test_a_secret_is_seen_nowhere_but_in_its_place(sandbox, builds, planted):
    secrets, environment = planted
    with Watched(sandbox) as watched:
        printed, new = everything(sandbox, builds, environment)
    assert b"docker pull --quiet" in watched.seen, "short processes were seen"
    for name, secret in secrets.items():
        assert secret not in printed, f"{name} was printed"
        assert secret.encode() not in watched.seen, f"{name} is in a process list"

    image = f"deploy:5000/app1:{new}"
    for host in APP_HOSTS:
        found = lies(sandbox, host, secrets, image)
        env = {place for name, place, _ in found if name == "variable"}
        assert f"/srv/depl/app1/releases/{new}@" in "".join(env)
        assert all(place.startswith("/srv/depl/app1/releases/") and place.endswith("/env") for place in env)
        rest = {(name, mode) for name, place, mode in found if place not in env}
        assert rest == {("login", "-rw-------"), ("tls key", "-rw-r-----")}, found
        assert {mode for _, place, mode in found if place in env} == {"-rw-------"}
    found = lies(sandbox, "deploy", secrets, image)
    places = {
        ("registry", "/etc/depl/registry/password", "-rw-------"),
        ("login", "/home/vagrant/.docker/config.json", "-rw-------"),
        ("deploy key", "/home/vagrant/.ssh/id_ed25519", "-rw-------"),
        ("tls key", f"{PLACE}/previews.key", "-rw-------"),
        ("vault", f"{PLACE}/vault", "-rw-------"),
        ("index", f"{PLACE}/environment", "-rw-------"),
        ("git password", "/tmp/source/.git/config", "-rw-r--r--"),
        ("git token", "/tmp/source/.git/config", "-rw-r--r--"),
    }
    assert found == places


def test_the_search_finds_what_is_anywhere(sandbox, builds, planted):
    """Or it would find nothing and be content."""
    secrets, _ = planted
    plant = f"echo '{secrets['preview']}' | sudo tee /var/log/planted >/dev/null; logger 'searched for: logged-text'"
    sandbox.on("app1", plant)
    try:
        found = lies(
            sandbox, "app1", {**secrets, "text": "logged-text", "file": "gunicorn"}, image_of(sandbox, builds[0])
        )
    finally:
        sandbox.on("app1", "sudo rm /var/log/planted")
    assert ("preview", "/var/log/planted", "-rw-r--r--") in found
    assert ("text", "journalctl --no-pager --output=json", None) in found
    assert [place for name, place, _ in found if name == "file" and place.startswith("deploy:5000/app1:")]
    with Watched(sandbox) as watched:
        sandbox.on("app1", "sh -c 'sleep 0.5; true' planted-in-argv")
    assert b"planted-in-argv" in watched.seen


def image_of(sandbox, version):
    """The name of a version's image, which is on the app hosts."""
    sandbox.must("install", "--version", version, environment="DEPL_ENVIRONMENT=vagrant")
    return f"deploy:5000/app1:{version}"
