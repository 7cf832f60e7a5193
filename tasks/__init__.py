"""depl's tasks: the table of contents."""

from __future__ import annotations

from invoke import Collection

from . import ab, bootstrap, build, canary, compare, hosts, install, migrate, promote, prune, secret, services, status

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
    prune.prune,
    status.status,
    status.logs,
    status.audit,
    ab.ns,
    hosts.ns,
    secret.ns,
    services.ns,
)
