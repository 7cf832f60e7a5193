"""depl's tasks: the table of contents."""

from __future__ import annotations

from invoke import Collection

from . import bootstrap, build, hosts, install, promote, prune, secret, status

ns = Collection(
    bootstrap.bootstrap,
    build.build,
    build.buildinst,
    install.install,
    promote.promote,
    promote.rollback,
    promote.canary,
    prune.prune,
    status.status,
    status.logs,
    status.audit,
    hosts.ns,
    secret.ns,
)
