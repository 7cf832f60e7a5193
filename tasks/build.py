"""inv build, inv buildinst: an image from a commit, in the registry; and then on the hosts."""

from __future__ import annotations

from invoke import Context, task

from .install import put_in_place
from .model.version import Version
from .run import images, source
from .run.choose import choose
from .run.report import Report, make
from .run.work import begin, reporting

HELP = {
    "ref": "a commit, branch or tag; default: HEAD",
    "dirty": "build the work tree with its uncommitted changes",
    "app": "which app; needed only where there are several",
}


@task(help=HELP)
def build(c: Context, ref: str | None = None, dirty: bool = False, app: str | None = None) -> None:
    """Build a commit as the next version and push it."""
    report = make()
    with reporting("build", report):
        make_version(c, report, ref, dirty, app)


@task(help=HELP)
def buildinst(c: Context, ref: str | None = None, dirty: bool = False, app: str | None = None) -> None:
    """Build a commit and install it; live traffic is untouched."""
    report = make()
    with reporting("build", report):
        version = make_version(c, report, ref, dirty, app)
    if version:
        with begin(c, "install", app, secrets=True) as work:
            put_in_place(work, version)


def make_version(c: Context, report: Report, ref: str | None, dirty: bool, app: str | None) -> Version | None:
    """Build, push and say so; None after a dry run."""
    target = choose(app)
    report.about(target.name, [])
    code = source.find(target.app, ref, dirty)
    what = f"{target.app.name} from {code.short}"
    if c.config.run.dry:
        report.line(f"Would build {what} and push it to {target.environment.registry}.")
        return None
    report.title(f"build {what}")
    built = images.build(target, code, report)
    report.statistic("depl.imageMegabytes", built.bytes / 1e6)
    version = built.image.version
    report.line(f"next: inv install --version {version}")
    report.done(f"Version {version} is built and pushed ({built.bytes / 1e6:.1f} MB, {report.seconds:.1f} s).")
    return version
