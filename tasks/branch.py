"""inv branch.*: every pushed branch as an app of its own, on the staging host."""

from __future__ import annotations

import json as encode

from invoke import Collection, Context, Exit, task

from .commands import docker
from .errors import BadInput, Refused
from .model.branch import parse
from .plan import components
from .plan.branch_facts import Standing
from .run import screen, tail, terminal
from .run.look import end_with_the_reader
from .run.report import make
from .run.work import reporting
from .staging import overview, removal, shell, sync
from .staging.decide import is_skipped, near, typed
from .staging.mirror import Head
from .staging.place import Place, find, look, sizes
from .staging.raising import foresee
from .staging.raising import up as bring_up

APP = "which app; needed only where there are several with branches"
BRANCH = "a branch, as git calls it: feature/X-12"


@task(help={"branch": BRANCH, "app": APP, "fresh_db": "begin its database anew, from the template",
            "unless_skipped": "not where depl_branches.skip names it and it is not up: for build agents"})  # fmt: skip
def up(c: Context, branch: str, app: str | None = None, fresh_db: bool = False, unless_skipped: bool = False) -> None:
    """Bring BRANCH up at its newest commit, with its own data."""
    name, report = parse(branch), make()
    with reporting("branch.up", report):
        place = find(app, secrets=True)
        report.about(place.app, [place.host.name])
        if unless_skipped and _is_left_out(place, name):
            all_the_same = f"all the same: inv branch.up --app {place.app} --branch {typed(name)}"
            report.done(f"{name} is left out by depl_branches.skip.", all_the_same)
            return
        place.mirror.fetch(place.target.who, report)
        head = _head(place, name)
        if c.config.run.dry:
            report.line(foresee(place, head, look(place)))
        else:
            bring_up(place, head, look(place), report, fresh=fresh_db)


@task(help={"branch": BRANCH, "app": APP})
def down(c: Context, branch: str, app: str | None = None) -> None:
    """Take BRANCH down, with its data and all that it had."""
    name, report = parse(branch), make()
    with reporting("branch.down", report):
        place = find(app, secrets=True)
        report.about(place.app, [place.host.name])
        standing = _standing(place, name)
        if c.config.run.dry:
            report.line(f"Would take {name} down, with its data: {place.of(standing).url}")
        else:
            removal.down(place, name, report)


@task(name="sync", help={"app": APP})
def follow(c: Context, app: str | None = None) -> None:
    """Bring up what is new or moved in git, remove what is gone."""
    report = make()
    with reporting("branch.sync", report):
        place = find(app, secrets=True)
        report.about(place.app, [place.host.name])
        dry = bool(c.config.run.dry)
        report.title(
            f"branch.sync {place.app} on {place.host} ({place.target.environment.name}){', dry run' if dry else ''}"
        )
        sync.sync(place, report, dry=dry)


@task(name="list", help={"app": APP, "json": "print JSON, for machines"})
def show(c: Context, app: str | None = None, json: bool = False) -> None:
    """Show each branch: URL, state, commit, memory, data, visits."""
    place = find(app)
    end_with_the_reader()
    staging = look(place)
    urls = {one.branch.folder: place.of(one).url for one in staging.of(place.app)}
    rows = overview.rows(staging, place.app, urls, sizes(place))
    if json:
        print(encode.dumps([row.as_json() for row in rows], indent=2))
        return
    screen.show(f"branches of {place.app} on {place.host}", overview.HEADS, [row.cells() for row in rows])
    print(overview.summary(place.app, staging, place.branches.limit))


@task(help={"branch": BRANCH, "app": APP, "follow": "go on until Ctrl-C", "lines": "how many lines; default: 50",
            "component": "web, or such as worker.2"})  # fmt: skip
def logs(
    c: Context,
    branch: str,
    app: str | None = None,
    follow: bool = False,
    lines: str = "50",
    component: str = "web",
) -> None:
    """Show what a branch wrote."""
    count, name = tail.number_of_lines(lines), parse(branch)
    place = find(app)
    end_with_the_reader()
    standing = _standing(place, name)
    target = place.of(standing)
    if not standing.release:
        raise Refused(f"Nothing of {name} is up.\nSee: inv branch.list")
    container = target.layout.container(standing.release.version, components.container(target, component))
    tail.show(target, {place.host: docker.logs(container, tail=count, follow=follow)})


@task(name="shell", help={"branch": BRANCH, "app": APP, "command": "what to type there; needed without a terminal"})
def enter(c: Context, branch: str, app: str | None = None, command: str | None = None) -> None:
    """Open a shell, or Python, in a branch's web container."""
    name = parse(branch)
    if command is None and not terminal.is_there():
        raise BadInput("There is no terminal to type at.\nSay what to run: --command TEXT")
    place = find(app)
    standing = _standing(place, name)
    if code := shell.enter(place.of(standing), standing, command):
        raise Exit(code=code)


def _is_left_out(place: Place, name: str) -> bool:
    """Whether a sync would not bring a branch up; one that somebody did is kept up to date."""
    return is_skipped(name, place.branches.skip) and not look(place).find(place.app, name)


def _head(place: Place, name: str) -> Head:
    heads, _ = place.mirror.heads()
    for head in heads:
        if head.name == name:
            return head
    raise Refused(f"The repository of {place.app} has no branch {name!r}.\n{near(name, [head.name for head in heads])}")


def _standing(place: Place, name: str) -> Standing:
    staging = look(place)
    if not (there := staging.find(place.app, name)):
        known = [one.branch.name for one in staging.of(place.app)]
        raise Refused(f"No branch {name!r} of {place.app} is up.\n{near(name, known)}")
    return there


ns = Collection("branch", up, down, follow, show, logs, enter)
