"""The database that branches' databases are copies of: made of a dump, scrubbed, and only then used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from ..errors import DeplError, Refused, StepFailed, Unreachable, first_line
from ..model.environment import Host
from ..plan import branches, spaces
from ..plan import services as plans
from ..plan.steps import together
from ..plan.wishes import Estate
from ..run import files, services
from ..run.files import Opened
from ..run.report import Report
from ..run.services import OnServices
from ..run.ssh import Command
from .place import with_branches

PHASES = ("scrub", "use")


def refresh(app: str | None, path: str, report: Report, *, dry: bool) -> None:
    """Make an app's template of a file, '-' for standard input; raises BadInput, BadConfig, Refused and StepFailed.

    Whatever fails leaves the former template.
    """
    target = with_branches(app)
    environment, name = target.environment, target.app.name
    _, placement = branches.must_be_placed(target.app, environment)
    service = spaces.database_service(target.app, placement)
    where = f"conf/inventory/{environment.name}: depl_branches.apps.{name}.scrub"
    sql = files.of_project(placement.scrub, where) if placement.scrub else b""
    with files.opened(path) as dump, services.on_services("staging.template", _only(service), report, dry) as work:
        host = _must_be_fit(work, service, dump)
        if not placement.scrub:
            report.note(f"Nothing is scrubbed: {where} names no file with SQL.")
        if dry:
            report.line(f"Would make {spaces.template(name)} in {service} of {path}.")
            return
        with _former_stays(work, host, name, service):
            _load(work, host, name, service, dump)
            steps = spaces.fill(name, service, placement.scrub, sql)
            work.finish(together(PHASES, {host: steps}), f"make {spaces.template(name)}")
        report.line(
            f"Databases of new branches of {name} are copies of {spaces.template(name)} now ({report.seconds:.1f} s).\n"
            "  an old one begins anew with   inv branch.up --branch BRANCH --fresh-db"
        )


def _only(service: str) -> Estate:
    """The services as if there were this one alone: no other host has a part in it."""
    estate = services.read()
    return replace(
        estate, environment=replace(estate.environment, services={service: estate.environment.services[service]})
    )


def _must_be_fit(work: OnServices, service: str, dump: Opened) -> Host:
    """The host of a service that answers, and has room; raises Refused."""
    (facts,) = work.facts
    if not facts.services[service].healthy:
        raise Refused(f"{service} on {facts.host} is not healthy ({facts.services[service].trouble}).\n"
                      "First: inv services.up")  # fmt: skip
    plans.must_have_room(work.target, service, facts, dump.size or 0)
    return facts.host


def _load(work: OnServices, host: Host, app: str, service: str, dump: Opened) -> None:
    with work.report.phase("load") as progress:
        result = work.feed(host, spaces.load(app, service), dump.pieces(progress.now), spaces.COPY_SECONDS)
        if not result.ok:
            raise StepFailed(f"{host}: load the dump: {result.said}")
        for line in result.out.splitlines():
            progress.tell(line)


@contextmanager
def _former_stays(work: OnServices, host: Host, app: str, service: str) -> Iterator[None]:
    """What fails, or is broken off, leaves nothing, and says what branches get now."""
    try:
        yield
    except BaseException as error:
        with suppress(DeplError):  # where it can't be reached now, the next one clears it away
            work.ask({host: Command(spaces.drop(app, service), timeout=spaces.SECONDS)})
        if isinstance(error, StepFailed | Unreachable):
            error.message = (
                f"{first_line(error)}\n{spaces.template(app)} is what it was before, and so are all branches.\n"
                f"Again: inv staging.template --app {app} --from FILE"
            )
        raise
