"""An app whose branches are pushed to a bare repository of its own on the deploy host, and what of them is where."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml

from .conftest import PROJECT, Ended, Sandbox, inventory

APP = "twigs"
DOMAIN = f"staging.{APP}.foo"
BARE = f"/home/vagrant/{APP}.git"
CLEAN = """
    sudo rm -f /srv/depl/supervisor/{app}--*.conf*; sudo supervisorctl update >/dev/null
    sudo docker ps --all --quiet --filter name=^{app}-- | xargs --no-run-if-empty sudo docker rm --force
    sudo docker images --format '{{{{.Repository}}}}:{{{{.Tag}}}}' | grep /{app}-- \
        | xargs --no-run-if-empty sudo docker rmi --force
    sudo rm -rf /srv/depl/{app}--* /srv/depl/nginx/{app}--branches.conf* && sudo systemctl reload nginx
"""
IN_REGISTRY = "from tasks.run.registry import tags; import sys; print(*tags('deploy:5000', sys.argv[1]))"


@dataclass(frozen=True)
class Twig:
    """What a branch goes by, to look for what is left of it when nobody knows it any more."""

    branch: str
    label: str
    number: int

    @property
    def name(self) -> str:
        return f"{APP}--{self.label}"

    @property
    def lock(self) -> str:
        """The file on the deploy host that commands about it take turns by."""
        return f"branch-{APP}-{hashlib.sha256(self.branch.encode()).hexdigest()[:12]}.lock"


class Twigs:
    """A work tree here, pushes to the deploy host, pages of branches, and what is left of one."""

    def __init__(self, sandbox: Sandbox, environment: str, folder: Path) -> None:
        self.sandbox, self.environment, self.folder = sandbox, environment, folder

    # --- git ---

    def git(self, *words: str) -> Ended:
        ssh = shlex.join(self.sandbox.ssh_argv("deploy")[:-1])
        who = {"GIT_AUTHOR_NAME": "Ana", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "Ana",
               "GIT_COMMITTER_EMAIL": "a@b", "GIT_SSH_COMMAND": ssh}  # fmt: skip
        done = subprocess.run(
            ["git", "-C", str(self.folder), *words],
            capture_output=True, text=True, check=False, env={**os.environ, **who},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    def begin(self) -> None:
        """A repository here with the test app as its first commit, and a bare one there with the hook."""
        self.git("init", "-q", "-b", "main")
        shutil.copytree(PROJECT / "testapp", self.folder / "testapp", ignore=shutil.ignore_patterns("__pycache__"))
        self.git("add", ".")
        self.git("commit", "-q", "-m", "first")
        self.git("remote", "add", "origin", f"deploy:{BARE}")
        sync = f"cd /vagrant && {self.environment} inv branch.sync --app {APP}"
        self.sandbox.on_deploy(
            f"rm -rf {BARE} && git init -q --bare {BARE} && cp /vagrant/conf/staging/post-receive {BARE}/hooks/ "
            f"&& git -C {BARE} config depl.sync {shlex.quote(sync)}"
        )
        self.before = self.kept()

    def change(self, branch: str, page: str, *steps: str, of: str = "main", more: str = "") -> None:
        """Commit a page of its own, and migrations of its own, on a branch that begins at another one."""
        self.git("checkout", "-q", "-B", branch, of)
        app, migrate = (self.folder / "testapp" / "testapp" / name for name in ("app.py", "migrate.py"))
        text = (PROJECT / "testapp" / "testapp" / "app.py").read_text()
        app.write_text(text.replace('f"Hello from {place}\\n"', f'f"{page} for {{place}}\\n"') + more)
        text = migrate.read_text()
        added = "".join(f"    {step!r},\n" for step in steps)
        migrate.write_text(text.replace(")\n# How tests", f"{added})\n# How tests"))
        self.git("commit", "-q", "--all", "-m", f"{page} on {branch}")

    def push(self, *words: str) -> str:
        """Push, and return what the pusher sees of the server."""
        return self.git("push", "--force", "origin", *words).err

    @contextmanager
    def without_hook(self) -> Iterator[None]:
        self.sandbox.on_deploy(f"chmod -x {BARE}/hooks/post-receive")
        try:
            yield
        finally:
            self.sandbox.on_deploy(f"chmod +x {BARE}/hooks/post-receive")

    # --- commands ---

    def inv(self, verb: str, *words: str) -> Ended:
        return self.sandbox.inv(f"branch.{verb}", "--app", APP, *words, environment=self.environment)

    def must(self, verb: str, *words: str) -> str:
        ended = self.inv(verb, *words)
        assert ended.code == 0, ended.text
        return ended.text

    def killed(self, when: str, phase: str, verb: str, *words: str) -> None:
        """Run a command that is killed at a point of it: before or after a phase."""
        argv = ("/opt/depl/venv/bin/python", "tests/integration/at_phase.py", when, phase, "kill -9 $PPID",
                f"branch.{verb}", "--app", APP, *words)  # fmt: skip
        ended = self.sandbox.ssh("deploy", f"cd /vagrant && {self.environment} {shlex.join(argv)}")
        assert ended.code not in (0, 1), ended.text

    def rows(self) -> dict[str, dict]:
        ended = self.inv("list", "--json")
        assert ended.code == 0, ended.text
        return {row["branch"]: row for row in json.loads(ended.out)}

    def label(self, branch: str) -> str:
        return self.rows()[branch]["url"].removeprefix("http://").partition(".")[0]

    # --- pages ---

    def get(self, label: str, path: str = "/", domain: str = DOMAIN) -> httpx.Response:
        return self.sandbox.get(f"{label}.{domain}", path, "staging")

    def notes(self, label: str) -> list[str]:
        return [row["text"] for row in self.get(label, "/notes").json()]

    # --- what is left ---

    def psql(self, statement: str, database: str = "postgres") -> list[str]:
        words = ("docker", "exec", "service-staging-database", "psql", "--username=postgres", "--tuples-only",
                 "--no-align", f"--command={statement}", database)  # fmt: skip
        return self.sandbox.on("staging", f"sudo {shlex.join(words)}").split()

    def twig(self, branch: str) -> Twig:
        """What a branch goes by that is up."""
        label = self.label(branch)
        about = json.loads(self.sandbox.on("staging", f"sudo cat /srv/depl/{APP}--{label}/branch.json"))
        return Twig(branch, label, about["number"])

    def queue(self, *words: str) -> str:
        """What the queue's server answers."""
        argv = ("sudo", "docker", "exec", "service-staging-queue", "admin", *words)
        return self.sandbox.on("staging", shlex.join(argv))

    def kept(self) -> set[str]:
        """What is in depl's folder on the deploy host, but for what git has there."""
        return set(self.sandbox.on_deploy("cd /var/lib/depl && find . -maxdepth 2 ! -path './git/*'").split())

    def is_seen(self, twig: Twig) -> bool:
        """Whether the waker remembers when somebody visited a branch."""
        return twig.name in json.loads(self.sandbox.on("staging", "sudo cat /srv/depl/branches/seen.json"))

    def left(self, twig: Twig) -> dict[str, list[str]]:
        """All that there is of a branch, by where it is; places without any are left out."""
        name = twig.name
        asked = {
            "containers": "sudo docker ps --all --format '{{.Names}}'",
            "programs": "sudo supervisorctl status; ls /srv/depl/supervisor",
            "images": "sudo docker images --format '{{.Repository}}:{{.Tag}}'",
            "folder": "ls /srv/depl",
            "search": "sudo find /srv/depl/services/staging-search/data",
        }
        found = {what: self.sandbox.ssh("staging", line).out for what, line in asked.items()}
        found["queue"] = self.queue("acl", "list")
        found["databases"] = "\n".join(self.psql("SELECT datname FROM pg_database"))
        found["roles"] = "\n".join(self.psql("SELECT rolname FROM pg_roles"))
        found["builds"] = self.sandbox.on_deploy(
            "ls /var/lib/depl /var/lib/depl/wheels; docker images --format '{{.Repository}}:{{.Tag}}'"
        )
        found = {what: [line for line in text.splitlines() if name in line] for what, text in found.items()}
        found["registry"] = self.sandbox.ssh(
            "deploy", f"cd /vagrant && /opt/depl/venv/bin/python -c {shlex.quote(IN_REGISTRY)} {name}"
        ).out.split()
        found["locks"] = [one for one in self.kept() if one == f"./{twig.lock}"]
        found["keys"] = [
            f"{number} keys" for number in self.queue("-n", str(twig.number), "dbsize").split() if int(number)
        ]
        return {what: lines for what, lines in found.items() if lines}


def _describe(name: str, text: str) -> str:
    if name != "all.yml":
        return text
    all_vars = yaml.safe_load(text)
    all_vars["depl_apps"] = {APP: {"domains": [f"{APP}.foo"], "hosts": "appservers"}}
    all_vars["depl_default_app"] = APP
    branches = all_vars["depl_branches"]
    branches["skip"] = ["bot/*"]
    branches["apps"] = {
        APP: {**branches["apps"]["board"], "domains": [DOMAIN, f"foo.{DOMAIN}"], "repository": BARE},
    }
    return yaml.safe_dump(all_vars)


@contextmanager
def pushed(sandbox: Sandbox, folder: Path) -> Iterator[Twigs]:
    """Describe the app, and its branches, in an inventory of its own; gone without a trace in the end."""
    description = PROJECT / "conf" / "apps" / f"{APP}.yml"
    app = yaml.safe_load(description.with_name("board.yml").read_text())
    app["components"] = {"web": app["components"]["web"]}  # fewer processes, more branches
    app["smoke"] = ["/notes", "/"]
    description.write_text(yaml.safe_dump(app))
    try:
        with inventory(APP, _describe) as environment:
            twigs = Twigs(sandbox, environment, folder)
            twigs.begin()
            yield twigs
            for branch in twigs.rows():
                twigs.inv("down", "--branch", branch)
    finally:
        description.unlink()
        sandbox.ssh("staging", CLEAN.format(app=APP))
        sandbox.ssh("deploy", f"rm -rf {BARE} /var/lib/depl/git/{APP}.* /var/lib/depl/*{APP}*")
