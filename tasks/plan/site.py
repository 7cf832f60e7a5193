"""Have nginx on a host know an app: write its site, check it, load it."""

from __future__ import annotations

from collections.abc import Container

from ..commands import files, nginx, onhost
from ..errors import Refused
from ..model.environment import Host
from ..model.layout import Layout, tls_folder
from .facts import digest
from .steps import Step
from .wishes import Target


def steps(layout: Layout, there: str | None, wanted: str) -> tuple[Step, ...]:
    """Nothing while the file (`there` is its digest) is as wanted; the former one comes back if nginx refuses it."""
    if there == digest(wanted):
        return ()
    keep = Step("keep the former nginx site", files.copy(layout.site, f"{layout.site}.old"))
    back = files.rename(f"{layout.site}.old", layout.site) if there else files.remove(layout.site)
    return (
        *((keep,) if there else ()),
        Step("write the nginx site", files.write(layout.site), wanted.encode(), undo=back),
        Step("check nginx's configuration", nginx.test()),
        Step("load the nginx site", onhost.reload(nginx.reload())),
    )


def must_be_bootstrapped(target: Target, host: Host, certificates: Container[str] | None, playbook: str) -> None:
    """Refuse a host that lacks what the nginx site refers to: nginx would miss it, at the latest in a handshake."""
    if certificates is None:
        raise Refused(f"{host} was bootstrapped by an older depl.\nFirst: inv bootstrap --only {playbook}")
    environment = target.environment
    for domain in target.placement.domains:
        for name in filter(None, (environment.certificate_of(domain), environment.certificate_of_previews(domain))):
            if tls_folder(name) not in certificates:
                raise Refused(
                    f"{host} has no certificate for {name} yet.\nBring it there: inv bootstrap --only {playbook}"
                )
