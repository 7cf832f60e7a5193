"""An app of a test's own, beside app1: described, placed, and gone without a trace in the end."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

import yaml

from .conftest import APP_HOSTS, PROJECT, Sandbox, inventory

PLACED = """  app1:
    domains: [app1.foo, foo.app1.foo, app1.localhost, foo.app1.localhost]
    hosts: appservers
"""
CLEAN = """
    sudo rm -f /srv/depl/supervisor/{app}-*.conf; sudo supervisorctl update >/dev/null
    sudo docker ps --all --quiet --filter label=depl.app={app} | xargs --no-run-if-empty sudo docker rm --force
    sudo docker images --format '{{{{.Repository}}}}:{{{{.Tag}}}}' | grep /{app}: \
        | xargs --no-run-if-empty sudo docker rmi
    sudo rm -rf /srv/depl/{app} /srv/depl/nginx/{app}.conf* && sudo systemctl reload nginx
"""


class OwnApp:
    """Commands about it, and what of it runs where."""

    def __init__(self, sandbox: Sandbox, environment: str, name: str) -> None:
        self.sandbox, self.environment, self.name = sandbox, environment, name

    def inv(self, verb, *words):
        return self.sandbox.inv(verb, "--app", self.name, *words, environment=self.environment)

    def must(self, verb, *words):
        ended = self.inv(verb, *words)
        assert ended.code == 0, ended.text
        return ended.text

    def killed(self, when, phase, verb, *words):
        """Run a command that is killed at a point of it: before or after a phase."""
        argv = ("/opt/depl/venv/bin/python", "tests/integration/at_phase.py", when, phase, "kill -9 $PPID",
                verb, "--app", self.name, *words)  # fmt: skip
        ended = self.sandbox.ssh("deploy", f"cd /vagrant && {self.environment} {shlex.join(argv)}")
        assert ended.code not in (0, 1), ended.text

    def running(self, host="app1", component="worker"):
        """The names of a component's containers that run on a host."""
        wanted = f"--filter label=depl.app={self.name} --filter label=depl.component={component}"
        return sorted(self.sandbox.on(host, f"sudo docker ps {wanted} --format '{{{{.Names}}}}'").split())

    def live(self):
        name = f"{self.name}.foo"
        return {self.sandbox.get(name, "/version", host).json()["version"] for host in APP_HOSTS}


@contextmanager
def own_app(
    sandbox: Sandbox, name: str, components: dict[str, object], beside: str = "", **more: object
) -> Iterator[OwnApp]:
    """Describe an app like app1 with more components, and other keys, on app1's hosts, under the name NAME.foo.

    `beside` is text that the inventory has too.
    """
    description = PROJECT / "conf" / "apps" / f"{name}.yml"
    app = yaml.safe_load(description.with_name("app1.yml").read_text())
    app["components"].update(components)
    app.update(more)

    def edit(_, text):
        placed = f"  {name}:\n    domains: [{name}.foo]\n    hosts: appservers\n"
        default = f"{beside}\ndepl_default_app: {name}"
        return text.replace(PLACED, placed).replace("depl_default_app: app1", default)

    description.write_text(yaml.safe_dump(app))
    try:
        with inventory(name, edit) as environment:
            yield OwnApp(sandbox, environment, name)
    finally:
        description.unlink()
        for host in (*APP_HOSTS, "deploy"):
            sandbox.ssh(host, CLEAN.format(app=name))
