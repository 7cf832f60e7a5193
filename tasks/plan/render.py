"""The files that are written to an image or a host, from templates/. The only module that knows Jinja2."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from itertools import groupby
from pathlib import Path

import jinja2

from ..model.app import App
from ..model.branch import BETWEEN
from ..model.environment import Environment, Placement
from ..model.layout import HTTP_INCLUDE, PREVIEW_INCLUDE, ROOT, WAKER, Layout, certificate

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
COOKIE_DAYS = 180


@cache
def _jinja() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=jinja2.select_autoescape(["html.j2"], default=False),
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, **values: object) -> str:
    """Fill a template; a value that is missing is an error, never an empty string."""
    return _jinja().get_template(template).render(**values)


@cache
def onhost() -> bytes:
    """The program that hosts run: see templates/host/onhost.py."""
    return (TEMPLATES / "host" / "onhost.py").read_bytes()


def site(app: App, placement: Placement, environment: Environment) -> str:
    """Render nginx's configuration of one app: upstreams, buckets, live and preview servers."""
    return render(
        "nginx/site.conf.j2",
        **_names(app, placement, environment),
        cookie_days=COOKIE_DAYS,
        domains=placement.domains,
        hsts=environment.hsts,
        slots=environment.slots,
        health_path=app.health.path.partition("?")[0],
        http_include=HTTP_INCLUDE,
        preview_include=PREVIEW_INCLUDE,
    )


def branches(app: App, of: str, domains: Iterable[str], environment: Environment) -> str:
    """Render nginx's configuration of all branches of the app `of`: each is found by its label before a domain."""
    return render(
        "nginx/branches.conf.j2",
        app=of,
        name=_name(f"{of}{BETWEEN}branches"),
        between=BETWEEN,
        root=ROOT,
        waker=WAKER,
        sites=_by_certificate(domains, environment.certificate_of_previews),
        http=app.http,
        health_path=app.health.path.partition("?")[0],
        preview_include=PREVIEW_INCLUDE,
    )


def balancer(app: App, placement: Placement, environment: Environment) -> str:
    """Render nginx's configuration of one app on a balancer: buckets, and the way to app hosts."""
    return render("nginx/balancer.conf.j2", **_names(app, placement, environment))


def _names(app: App, placement: Placement, environment: Environment) -> dict[str, object]:
    """What nginx on app hosts and on balancers calls an app, and whom both answer."""
    name = _name(app.name)
    return {
        "app": app.name,
        "name": name,
        "cookie": name,
        "home": Layout(app.name).home,
        "sites": _by_certificate(placement.domains, environment.certificate_of),
        "previews": _by_certificate(placement.domains, environment.certificate_of_previews),
        "http": app.http,
    }


def _name(app: str) -> str:
    """What nginx's names for an app begin with.

    Behind "depl_", or an app named `request` would define $request_id, which is nginx's own.
    """
    return "depl_" + app.replace("-", "_")


def _by_certificate(domains: Iterable[str], named: Callable[[str], str]) -> list[tuple[str, list[str]]]:
    """Host names by the folder of the certificate that covers them: "" for those without one."""
    found = sorted(domains, key=named)
    return [(certificate(name) if name else "", list(names)) for name, names in groupby(found, named)]


def program(container: str, user: str, light: bool = False) -> str:
    """Render supervisord's program that watches one container; a `light` one takes a tenth of the memory."""
    return render("supervisor/component.conf.j2", container=container, user=user, light=light)


def raw(path: str) -> bytes:
    """A file of templates/ that is used as it is."""
    return (TEMPLATES / path).read_bytes()


def tool(name: str) -> bytes:
    """A program of the builder image: see templates/docker/bin/."""
    return (TEMPLATES / "docker" / "bin" / name).read_bytes()
