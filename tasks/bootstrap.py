"""inv bootstrap: make plain Debian hosts ready, by Ansible."""

from __future__ import annotations

from invoke import Context, task

from .errors import BadInput
from .run import ansible, inventory, settings

PLAYBOOKS = ("deploy", "appserver", "balancer", "service")


@task(help={"only": f"one playbook: {', '.join(PLAYBOOKS)}; default: all"})
def bootstrap(c: Context, only: str | None = None) -> None:
    """Make hosts ready with Ansible; changes only what differs."""
    if only is not None and only not in PLAYBOOKS:
        raise BadInput(f"{only[:60]!r} is no playbook: expected {' or '.join(PLAYBOOKS)}.")
    settings.load()
    environment = inventory.load(settings.environment())  # refused in words, before Ansible begins
    for playbook in PLAYBOOKS if only is None else (only,):
        ansible.play(playbook, environment.name, check=bool(c.config.run.dry))
