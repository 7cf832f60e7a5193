"""Facts to plan from, made in a line or two."""

from dataclasses import dataclass, field, replace

from tasks.model.app import App, Component
from tasks.model.environment import Environment, Host, Placement
from tasks.model.percent import Percent
from tasks.model.release import Release
from tasks.model.route import Table
from tasks.model.version import Version
from tasks.plan import render
from tasks.plan.facts import Container, Facts, Installed, Routed, digest
from tasks.plan.wishes import Target

NOW = 1_000_000.0
APP1, APP2 = Host("app1", "app1"), Host("app2", "app2")
V1, V2, V3 = (Version(f"2026.11.22.12.0{n}") for n in (1, 2, 3))

ENVIRONMENT = Environment(
    name="vagrant",
    registry="deploy:5000",
    groups={"appservers": (APP1, APP2)},
    apps={"app1": Placement(domains=("app1.foo", "foo.app1.foo"))},
)
APP = App(name="app1", components={"web": Component(command=("python3", "-m", "gunicorn"))})
TARGET = Target(APP, ENVIRONMENT, "ana@deploy", NOW)
WORKER = replace(APP.web, number=2, grace=45)
NIGHTLY = replace(APP.web, schedule="*/5 * * * *", grace=120)
AT_WORK = replace(TARGET, app=replace(APP, components={**APP.components, "worker": WORKER}))
ON_TIME = replace(TARGET, app=replace(APP, components={**APP.components, "nightly": NIGHTLY}))


def site_digest():
    return digest(render.site(APP, TARGET.placement, ENVIRONMENT))


def installed(version, slot, *, at=NOW - 3600, health=200, state="running", complete=True, program="RUNNING"):
    name = f"app1-{version}-web"
    container = Container(name, version, "web", f"deploy:5000/app1:{version}", state, 0, False, 50_000_000)
    return Installed(Release(version, slot), complete, at, health, container, program)


@dataclass
class Story:
    """A host's past: what was installed, and what went live in which order."""

    host: Host = APP1
    releases: list = field(default_factory=list)
    tables: list = field(default_factory=list)
    disk_free: int = 10**10
    site: str | None = None
    audit: tuple = ()
    strays: tuple = ()

    def has(self, *releases):
        self.releases += releases
        return self

    def went_live(self, release, previous=None, *, at=NOW - 600, written=None, canary=None, share=0):
        table = Table(release, canary, Percent(share))
        self.tables.append(Routed(len(self.tables) + 2, table, previous, at, at if written is None else written))
        return self

    def facts(self):
        live = self.tables[-1] if self.tables else None
        buckets = [str(one) for one in live.table.buckets()] if live else []
        return Facts(
            host=self.host,
            clock=NOW,
            disk_free=self.disk_free,
            site=self.site or site_digest(),
            installed=tuple(self.releases),
            live=live,
            tables=tuple(self.tables),
            counts={one: buckets.count(one) for one in buckets},
            numbers=tuple(range(1, len(self.tables) + 2)),
            linked=live.number if live else None,
            previews={},
            slots={},
            strays=self.strays,
            audit=self.audit,
        )


def whys(plan, host=APP1):
    return [step.why for phase in plan.phases for step in phase.steps.get(host, ())]


def argvs(plan, host=APP1):
    return [step.argv for phase in plan.phases for step in phase.steps.get(host, ())]


def undone(plan, host=APP1):
    """What is done where the last step of a plan fails: newest first."""
    steps = [step for phase in plan.phases for step in phase.steps.get(host, ())]
    return [step.undo for step in reversed(steps) if step.undo]
