"""inv bootstrap: make plain Debian hosts ready, by Ansible."""

from __future__ import annotations

from invoke import Context, task

from .errors import BadInput
from .run import ansible, inventory, settings

PLAYBOOKS = ("deploy", "appserver", "balancer", "staging", "service")
ON_DEMAND = ("services",)


@task(help={"only": f"one playbook: {', '.join((*PLAYBOOKS, *ON_DEMAND))}; default: all but {ON_DEMAND[0]}"})
def bootstrap(c: Context, only: str | None = None) -> None:
    """Make hosts ready with Ansible; changes only what differs."""
    if only is not None and only not in (*PLAYBOOKS, *ON_DEMAND):
        raise BadInput(f"{only[:60]!r} is no playbook: expected {' or '.join((*PLAYBOOKS, *ON_DEMAND))}.")
    settings.load()
    environment = inventory.load(settings.environment())  # refused in words, before Ansible begins
    for playbook in PLAYBOOKS if only is None else (only,):
        ansible.play(playbook, environment.name, check=bool(c.config.run.dry))
