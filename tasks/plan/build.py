"""What a build makes, as data: the texts and command lines, and the digests by which results are kept."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from ..commands import Argv
from ..model.app import App, Packages
from ..model.version import Version
from . import render

DEBIAN = "debian:bookworm-slim"
TOOLS = ("logged-compiler", "site-layer", "slim-base")
WHEELS = "/wheels"
SOURCE = "/source"
OUT = "/out"
REQUIREMENTS = "requirements.txt"
"""What depl's own verbs need: of the project, and beside the Dockerfile of an image that runs them."""
DEPENDENCIES = "dependencies.txt"
"""Beside the wheels: what a package brought with it, each at the version that was found."""
_PIP_WHEEL = ("pip", "wheel", "--no-cache-dir", "--wheel-dir", WHEELS)
_URL = "/:@?&=#%~+,;!*()[]"
"""What stays as it is in the label with the source's address. Dockerfiles know no escape for a line break."""


def digest(*parts: str | bytes) -> str:
    """Name a result by its inputs: 16 hexadecimal digits of their SHA-256."""
    total = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        total.update(len(content).to_bytes(8, "big") + content)
    return total.hexdigest()[:16]


@dataclass(frozen=True)
class Recipe:
    """A Dockerfile with the files beside it; `tag` names the image by all of them."""

    name: str
    dockerfile: str
    files: Mapping[str, bytes]

    def tag(self, *more: str) -> str:
        return f"depl-{self.name}:{digest(self.dockerfile, *(self.files[name] for name in sorted(self.files)), *more)}"


def builder(packages: Packages) -> Recipe:
    """Compilers, headers, and the tools that make layers."""
    dockerfile = render.render(
        "docker/builder.Dockerfile.j2", debian_image=DEBIAN, packages=[*packages.build, *packages.run]
    )
    return Recipe("builder", dockerfile, {name: render.tool(name) for name in TOOLS})


def debian_base(app: App) -> Recipe:
    """The base image with a shell."""
    dockerfile = render.render("docker/base.Dockerfile.j2", debian_image=DEBIAN, packages=list(app.packages.run))
    return Recipe("base", dockerfile, {})


def slim_base(app: App, epoch: int) -> Argv:
    """Write the base image without a shell, as a tar; runs in the builder."""
    stubs = (word for library in app.packages.stub for word in ("--stub", library))
    return ("slim-base", "--epoch", str(epoch), *stubs, *app.packages.run)


def wheels(app: App, requirements: str) -> Argv:
    """Compile what is listed, fetch the rest; runs in the builder, with its results in /wheels."""
    only_source = ("--no-binary", ",".join(app.wheels.compile)) if app.wheels.compile else ()
    return (*_PIP_WHEEL, *only_source, "--requirement", requirements)


def own_wheels() -> Argv:
    """Fetch the wheels of depl's own requirements, which lie in /wheels; runs in the builder."""
    return (*_PIP_WHEEL, "--requirement", f"{WHEELS}/{REQUIREMENTS}")


def dependencies(app: App) -> Argv:
    """Install the wheels into a tree and write it as a normalised tar; runs in the builder."""
    if app.source.package:
        return ("site-layer", WHEELS, "--no-deps", "--requirement", f"{WHEELS}/{DEPENDENCIES}")
    return ("site-layer", WHEELS, "--requirement", f"{SOURCE}/{app.wheels.requirements}")


def normalised(requirement: str) -> str:
    """The name in a requirement, as the index compares names."""
    name = re.split(r"\[|==", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def dependencies_list(app: App, wheels: Iterable[str]) -> str:
    """The requirements file of all wheels, by file name, but an app's own package."""
    return "".join(f"{name}=={version}\n" for name, version in sorted(_versions(wheels)) if name != _own(app))


def unpinned(app: App, wheels: Iterable[str]) -> list[str]:
    """What came with a package at a version that its description doesn't name."""
    pinned = {_own(app), *map(normalised, app.source.requirements)}
    return [name for name, _ in sorted(_versions(wheels)) if app.source.package and name not in pinned]


def _own(app: App) -> str:
    return normalised(app.source.package) if app.source.package else ""


def _versions(wheels: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Name and version of each wheel: in its file name, neither has a dash."""
    for wheel in wheels:
        name, version, _ = wheel.split("-", 2)
        yield normalised(name), version


def dependencies_image(app: App, base: str) -> str:
    """The Dockerfile of all that a change of code leaves as it is."""
    layers = ["jobs.tar", "deps.tar"] if app.jobs else ["deps.tar"]
    return render.render(
        "docker/dependencies.Dockerfile.j2", base_image=base, layers=layers, command=list(app.web.command)
    )


def own_code(app: App) -> Argv:
    """Write the app itself, from /source or its wheel, as a normalised tar; runs in the builder, without a network."""
    if app.source.package:
        return ("site-layer", WHEELS, "--no-deps", app.source.package)
    return ("site-layer", "/none", "--no-deps", "--no-build-isolation", SOURCE)


def flags(app: App, epoch: int) -> dict[str, str]:
    """The environment in which wheels are compiled."""
    return {
        "CFLAGS": app.wheels.cflags,
        "CXXFLAGS": app.wheels.cflags,
        "LDFLAGS": f"{app.wheels.ldflags} -L/usr/local/lib/static",
        "SOURCE_DATE_EPOCH": str(epoch),
        "COMPILE_LOG": f"{WHEELS}/compile.log",
    }


def wheelhouse_key(app: App, builder_id: str, requirements: str, epoch: int) -> str:
    """The digest of all that decides what the wheels are."""
    return digest(builder_id, requirements, *wheels(app, ""), *(f"{k}={v}" for k, v in flags(app, epoch).items()))


def image(app: App, dependencies: str, version: Version, commit: str, created: str, source: str) -> str:
    """The app image's Dockerfile."""
    return render.render(
        "docker/app.Dockerfile.j2",
        app=app.name,
        dependencies_image=dependencies,
        version=version,
        commit=commit,
        created=created,
        source=quote(source, safe=_URL, errors="replace"),
    )
