"""As root, the user who deploys may check and reload nginx, and nothing else."""

from __future__ import annotations

import re

import pytest

from .conftest import APP_HOSTS

pytestmark = pytest.mark.integration

ALLOWED = ["/usr/sbin/nginx -t", "/usr/bin/systemctl reload nginx"]
TRIED = (
    "id", "sh -c id", "/bin/bash", "-i", "-s", "-u www-data id", "-u depl-app id", "-g root id", "cat /etc/shadow",
    "tee /etc/sudoers.d/more", "sudoedit /etc/passwd", "-e /etc/passwd", "mount -t tmpfs tmpfs /mnt", "visudo",
    "nginx", "/usr/sbin/nginx", "/usr/sbin/nginx -t -c /tmp/nginx.conf", "/usr/sbin/nginx -s stop",
    "/usr/sbin/nginx -T", "/usr/sbin/nginx -t ''", "systemctl", "/usr/bin/systemctl reload",
    "/usr/bin/systemctl reload nginx docker", "/usr/bin/systemctl restart nginx", "/usr/bin/systemctl stop nginx",
    "/usr/bin/systemctl edit nginx", "/usr/bin/systemctl reload nginx.service",
    "/usr/bin/systemctl --root=/tmp reload nginx", "/bin/systemctl daemon-reload",
    "docker ps", "supervisorctl status", "LD_PRELOAD=/tmp/x.so /usr/sbin/nginx -t", "python3 -c 'print(1)'",
)  # fmt: skip


@pytest.mark.parametrize("host", APP_HOSTS)
def test_what_sudo_grants_is_two_commands_without_a_wildcard(sandbox, host):
    said = sandbox.on(host, "sudo -n -l -U depl")
    granted = said.partition("may run the following commands")[2].partition(":\n")[2]
    assert re.sub(r"\s+", " ", granted).strip() == f"(root) NOPASSWD: {', '.join(ALLOWED)}"
    for command in ALLOWED:
        assert sandbox.ssh(host, f"sudo -n -u depl sudo -n {command}").code == 0
    assert sandbox.ssh(host, "sudo visudo -c").code == 0


def test_every_other_command_is_refused(sandbox):
    for command in TRIED:
        ended = sandbox.ssh("app1", f"sudo -n -u depl sudo -n {command} </dev/null")
        assert ended.code == 1, f"{command}: {ended.text}"
        refused = ("a password is required", "not allowed to", "is not allowed")
        assert any(words in ended.err for words in refused), f"{command}: {ended.text}"


def test_nobody_else_on_an_app_host_has_sudo_but_who_bootstraps_it(sandbox):
    for host in APP_HOSTS:
        users = sandbox.on(host, "cut -d: -f1 /etc/passwd").split()
        may = {user for user in users if "may run" in sandbox.ssh(host, f"sudo -n -l -U {user}").out}
        assert may == {"root", "vagrant", "depl"}
