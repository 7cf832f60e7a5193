"""Start a version in a free slot of every host and show it at its preview URL. Live traffic is not touched."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ..commands import docker, files, nginx, onhost
from ..errors import Refused
from ..model.app import WEB
from ..model.layout import APP_GROUP, SOCKETS_IN_CONTAINER
from ..model.release import Release
from ..model.version import Version
from . import container, render, retire, site, variables
from .facts import Facts
from .steps import HostPlan, Plan, Step, together
from .wishes import Target

PHASES = ("clear", "site", "image", "start", "health", "preview")
ROOM = 500 * 1024 * 1024
"""Bytes that must be free on a host's disk before anything is pulled."""


def plan(target: Target, version: Version, facts: Sequence[Facts], control_of: Version | None = None) -> Plan:
    """Install `version` on each host that doesn't have it in good health; raises Refused.

    Its image is its own, or that of the version that it is a control arm of.
    """
    return together(PHASES, {one.host: _on_host(target, version, one, control_of) for one in facts})


def _on_host(target: Target, version: Version, facts: Facts, control_of: Version | None) -> HostPlan:
    its_site = _site(target, facts)
    found = facts.find(version)
    if found and found.healthy:
        return {"site": its_site}
    if found and found.release in facts.serving:
        raise Refused(
            f"{version} serves live traffic on {facts.host} and is not healthy; it is not installed over.\n"
            "Send traffic elsewhere first: inv rollback   (its log: inv logs)"
        )
    if facts.disk_free < ROOM:
        raise Refused(
            f"{facts.host} has {facts.disk_free // 2**20} MB of disk left, {ROOM // 2**20} MB are needed.\n"
            "Make room: inv prune"
        )
    variables.must_be_set(target, version, facts.host)
    release = _earlier(facts, version) or Release(version, _slot(target, facts))
    return {
        "clear": _clear(target, facts, version),
        "site": its_site,
        "image": (_pull(target, version, control_of),),
        "start": _start(target, facts, release, control_of),
        "health": (wait(target, release),),
        "preview": _show(target, release, control_of),
    }


def _earlier(facts: Facts, version: Version) -> Release | None:
    """What an earlier install of the version left, with its slot; None where that is another release's by now."""
    found = facts.find(version)
    return found.release if found and facts.owns_its_slot(found.release) else None


def _free_slots(target: Target, facts: Facts) -> list[int]:
    taken = {one.release.slot for one in facts.installed}
    return [slot for slot in range(target.environment.slots) if slot not in taken]


def _slot(target: Target, facts: Facts) -> int:
    """The slot for a new release: the next one after the newest release's, since a slot should rest long."""
    free = _free_slots(target, facts)
    if not free:
        _, spare = retire.spare(target, facts)
        if not spare:
            raise Refused(
                f"All {target.environment.slots} slots of {target.app.name} on {facts.host} are in use.\n"
                f"Try again in {target.environment.drain} s, or see what is there: inv status"
            )
        return spare[-1].release.slot
    newest = max(facts.installed, key=lambda one: one.installed_at, default=None)
    after = newest.release.slot if newest else -1
    return next((slot for slot in free if slot > after), free[0])


def _clear(target: Target, facts: Facts, version: Version) -> tuple[Step, ...]:
    """Remove what an install or a removal that was cut short left of the version, and make room."""
    found = facts.find(version)
    strays = [one.name for one in facts.strays if one.version == version]
    steps: tuple[Step, ...] = ()
    if found or strays:
        release = found.release if found else None
        steps = retire.remove(target, facts, version, release, strays, why=f"remove what is left of {version}")
    if not _earlier(facts, version) and not _free_slots(target, facts):
        _, spare = retire.spare(target, facts)
        steps += retire.remove_spare(target, facts, spare[-1])
    return steps


def _site(target: Target, facts: Facts) -> tuple[Step, ...]:
    """The app's folders and its nginx site, where they are new or differ from what the inventory says."""
    layout = target.layout
    its_site = site_alone(target, facts)
    steps: list[Step] = []
    if not facts.site or not facts.last_number:
        folders = ("releases", "slots", "versions", "routes", "nothing")
        steps.append(Step("make the app's folders", files.folder(*(f"{layout.home}/{one}" for one in folders))))
    if not facts.last_number:
        nothing: Mapping[str, object] = {"live": None, "at": target.now, "runs": [["nothing", 1000]]}
        steps.append(Step("route to nothing yet", onhost.table(layout, 1), json.dumps(nothing).encode()))
        steps.append(Step("route to nothing yet", files.rename(f"{layout.live}.new", layout.live)))
    return (*steps, *its_site)


def site_alone(target: Target, facts: Facts) -> tuple[Step, ...]:
    """The nginx site, where it is new or differs from what the inventory says; raises Refused."""
    site.must_be_bootstrapped(target, facts.host, facts.certificates, "staging" if target.branch else "appserver")
    return site.steps(target.layout, facts.site, _wanted(target))


def _wanted(target: Target) -> str:
    """The nginx site: the app's own, or the one that all branches of an app share."""
    environment = target.environment
    if target.branch and environment.branches:
        domains = environment.branches.apps[target.branch.app].domains
        return render.branches(target.app, target.branch.app, domains, environment)
    return render.site(target.app, target.placement, environment)


def _pull(target: Target, version: Version, control_of: Version | None) -> Step:
    image = target.layout.image(target.environment.registry, control_of or version)
    undo = () if control_of else docker.remove_image(image)  # a control arm's image is a live release's
    return Step(f"pull {image}", docker.pull(image), undo=undo, timeout=900)


def _start(target: Target, facts: Facts, release: Release, image_of: Version | None) -> tuple[Step, ...]:
    layout, version = target.layout, release.version
    folder, sockets = layout.release(release), layout.sockets(release)
    name, mounts = layout.container(version), {sockets: SOCKETS_IN_CONTAINER}
    return (
        Step("make the release's folder", files.folder(folder, layout.arms), undo=files.remove(folder)),
        Step("make the sockets' folder", files.shared_folder(sockets, APP_GROUP)),
        Step("write the environment", files.write(f"{folder}/env", "0600"),
             variables.text(target, version, facts.host).encode()),
        Step("take the slot", files.link(f"../releases/{release}", layout.slot(release.slot)),
             undo=files.remove(layout.slot(release.slot))),
        *container.start(target, facts, release, name, WEB, target.app.web, mounts, docker.remove(name), image_of),
    )  # fmt: skip


def wait(target: Target, release: Release) -> Step:
    """Wait until a release answers its health check."""
    health, name = target.app.health, target.layout.container(release.version)
    return Step(
        f"wait for GET {health.path}",
        onhost.wait(name, target.layout.socket(release), health.path, health.timeout),
        evidence=docker.last_words(name),
        timeout=health.timeout + 30,
        tells=True,
    )


def _show(target: Target, release: Release, control_of: Version | None) -> tuple[Step, ...]:
    layout, version = target.layout, release.version
    preview = layout.version(version)
    description = {
        "version": str(version),
        "slot": release.slot,
        "at": target.now,
        "by": target.who,
        "control_of": str(control_of) if control_of else None,
        "health": [target.app.health.path, target.app.health.timeout],  # for who wakes it, if it is a branch's
    }
    url = target.preview(version)
    return (
        Step("write the release's description", files.write(f"{layout.release(release)}/release.json"),
             json.dumps(description).encode()),
        Step("show the preview", files.link(f"../releases/{release}", preview), undo=files.remove(preview)),
        Step(f"look at {url}", nginx.get(url, target.app.health.path)),
    )  # fmt: skip
