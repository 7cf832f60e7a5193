"""depl's tasks: the table of contents."""

from __future__ import annotations

from invoke import Collection

from . import (
    ab,
    bootstrap,
    branch,
    build,
    canary,
    changes,
    compare,
    hosts,
    infra,
    install,
    migrate,
    promote,
    prune,
    secret,
    services,
    status,
    template,
)
from .run.frame import framed

ns = Collection(
    bootstrap.bootstrap,
    build.build,
    build.buildinst,
    install.install,
    migrate.migrate,
    promote.promote,
    promote.rollback,
    canary.canary,
    compare.compare,
    changes.changes,
    prune.prune,
    status.status,
    status.logs,
    status.audit,
    ab.ns,
    branch.ns,
    hosts.ns,
    infra.ns,
    secret.ns,
    services.ns,
    template.ns,
)
framed(ns)
