"""A branch's app as an app of its own: on the staging host, with staging's values and services, never production's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from ..errors import BadConfig, Refused
from ..model.app import App
from ..model.branch import Branch
from ..model.environment import Branches, BranchPlacement, Environment, Host, Placement
from ..model.secrets import Secrets
from ..model.service import Need
from .wishes import Target

STAGING = "staging"
"""The group of a branch's one host."""


def must_be_placed(app: App, environment: Environment) -> tuple[Branches, BranchPlacement]:
    """Where an app's branches run; raises Refused where nowhere, BadConfig where a need has no service of its own."""
    branches = environment.branches
    at = f"conf/inventory/{environment.name}: depl_branches"
    if not branches or app.name not in branches.apps:
        raise Refused(
            f"Branches of {app.name} run nowhere in {environment.name}.\n"
            f"Say where in {at}: conf/inventory/production.example/group_vars/all.yml shows how"
        )
    placement = branches.apps[app.name]
    taken: dict[str, str] = {}
    for name, need in app.services.items():
        service = placement.services.get(name, "")
        there = environment.services.get(service)
        if not there:
            raise BadConfig(f"{at}.apps.{app.name}.services", f"has no {name}, which the app needs ({need.kind})")
        if there.kind != need.kind:
            raise BadConfig(
                f"{at}.apps.{app.name}.services.{name}", f"is a {there.kind}, but the app needs {need.kind}"
            )
        other = taken.setdefault(service, name)
        if other != name:
            raise BadConfig(
                f"{at}.apps.{app.name}.services.{name}", f"{service} stands for {other} already; give each its own"
            )
    return branches, placement


def must_be_apart(app: str, environment: Environment, needs: Mapping[str, Collection[str]]) -> None:
    """Refuse branches of an app a service that an app needs in production: `needs` of all, by app; raises BadConfig."""
    production = {service: other for other, needed in needs.items() for service in needed}
    placement = environment.branches.apps.get(app) if environment.branches else None
    for name, service in placement.services.items() if placement else ():
        if service in production:
            raise BadConfig(
                f"conf/inventory/{environment.name}: depl_branches.apps.{app}.services.{name}",
                f"{service} is production's: conf/apps/{production[service]}.yml needs it. "
                "Branches have services of their own",
            )


def host(environment: Environment, branches: Branches) -> Host:
    """The staging host."""
    return environment.host(branches.host)


def of(target: Target, branch: Branch, number: int) -> Target:
    """The target that a branch of an app is; `number` is its own among all branches, where services count spaces."""
    environment = target.environment
    branches, placement = must_be_placed(target.app, environment)
    services = {
        placement.services[name]: Need(need.kind, need.variables or {f"{name.upper().replace('-', '_')}_URL": "url"})
        for name, need in target.app.services.items()
    }
    return replace(
        target,
        app=replace(target.app, name=branch.folder, services=services),
        environment=replace(
            environment,
            groups={STAGING: (host(environment, branches),)},
            apps={
                branch.folder: Placement(
                    domains=tuple(f"{branch.label}.{domain}" for domain in placement.domains),
                    hosts=STAGING,
                    environment=placement.environment,
                )
            },
            keep_running=0,
            keep_installed=0,
            drain=0,
        ),
        secrets=Secrets(
            apps={branch.folder: target.secrets.branches.get(target.app.name, {})}, services=target.secrets.services
        ),
        branch=branch,
        number=number,
    )
