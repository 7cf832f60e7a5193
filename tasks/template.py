"""inv staging.template: what databases of branches begin with."""

from __future__ import annotations

from invoke import Collection, Context, task

from .run.report import make
from .run.work import reporting
from .staging.template import refresh


@task(
    help={
        "from": "a dump by pg_dump, or SQL, with or without gzip; - for standard input",
        "app": "which app; needed only where there are several with branches",
    }
)
def template(c: Context, from_: str, app: str | None = None) -> None:
    """Have new branches begin with the data of a dump, scrubbed."""
    report = make()
    with reporting("staging.template", report):
        refresh(app, from_, report, dry=bool(c.config.run.dry))


ns = Collection("staging", template)
