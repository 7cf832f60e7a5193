"""Build an app's image: builder, wheels, base, layers, check, push. Each result is kept by its inputs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import Refused, StepFailed
from ..model.app import Packages
from ..model.image import Image
from ..model.version import Version
from ..plan import build as plans
from ..plan import render
from ..plan.wishes import Target
from . import job_layer, pip, registry, requirements, shared_images, wheelhouses
from .alone import alone
from .engine import LIMIT, Engine, Say, in_words
from .foreign import held_against_the_code, names_in, plain_file, remove_folder
from .report import Progress, Report
from .source import Code

EPOCH = 1_767_225_600
"""The time of all files in layers (2026-01-01 UTC): the same content is the same layer whenever it is built."""
KEPT = 6


@dataclass(frozen=True)
class Built:
    """A pushed image: its bytes unpacked, and those that the version before didn't have, compressed."""

    image: Image
    bytes: int
    pushed: int


@in_words("build")
def build(target: Target, code: Code, report: Report) -> Built:
    """Build and push the next version of an app from its code; raises StepFailed with the failing program's log."""
    with one_at_a_time(target, report):
        folder = Path(target.environment.cache) / f"work-{target.app.name}"
        under_way = _Build(target, code, report, folder)  # which ends what a killed build left running
        remove_folder(folder)  # of a build that was killed
        folder.mkdir()
        try:
            return under_way.run()
        finally:
            remove_folder(folder)


class _Build:
    """One build under way."""

    def __init__(self, target: Target, code: Code, report: Report, folder: Path) -> None:
        self.target, self.app = target, target.app
        self.code, self.report, self.folder = code, report, folder
        self.cache = Path(target.environment.cache)
        self.engine = Engine(self.app.name)
        self.engine.clear()

    def run(self) -> Built:
        now = datetime.now(UTC)
        before = registry.taken(self.target)
        version = Version.next(now, before)
        self.report.version(str(version))
        with self.report.phase("source") as progress:
            source = self._source(progress)
        with self.report.phase("builder") as progress:
            builder = builder_image(self.engine, self.cache, self.app.packages, progress, self.app.wheels.timeout)
        with self.report.phase("wheels") as progress:
            wheelhouse = self._wheels(builder, source, progress)
        with self.report.phase("base") as progress:
            base = self._base(builder, progress)
        with self.report.phase("layers") as progress:
            dependencies, what = self._dependencies(builder, source, wheelhouse, base, progress)
            argv = plans.own_code(self.app)
            layer = self._tar("own code", builder, argv, "app.tar", progress, source, wheelhouse)
            names = names_in(layer, "own code")
            progress.tell(f"dependencies {what}, own code {layer.stat().st_size / 1e3:.0f} kB")
        image = Image(self.target.environment.registry, self.app.name, version)
        with self.report.phase("image") as progress:
            created = now.strftime("%Y-%m-%dT%H:%M:%SZ")
            text = plans.image(self.app, dependencies, version, self.code.label, created, self.code.origin)
            self._build("image", text, {"app.tar": layer}, str(image), progress)
            size = self.engine.size(str(image))
            progress.tell(f"{size / 1e6:.1f} MB")
        if any(".so" in Path(name).suffixes for name in names):
            with self.report.phase("check") as progress:
                progress.tell(self._check(str(image), progress))
        undisturbed = registry.undisturbed(self.target.environment, self.report)
        with undisturbed, self.report.phase("push") as progress:
            self.engine.push(image.repository, str(version), progress.now)
            layers_now = registry.layers(self.target, version)
            layers_then = registry.layers(self.target, before[-1]) if before else {}
            new = [size for name, size in layers_now.items() if name not in layers_then]
            progress.tell(f"{len(new)} of {len(layers_now)} layers new, {sum(new) / 1000:.1f} kB")
        self._tidy()
        return Built(image, size, sum(new))

    def _source(self, progress: Progress) -> Path:
        source = self.folder / "source"
        source.mkdir()
        with held_against_the_code():
            self.code.export(source)
            if not self.app.source.package:
                self._check_folder(source)
        progress.tell(self.code.where)
        return source

    def _check_folder(self, source: Path) -> None:
        where, branch = self.code.where, self.target.branch
        described = f"conf/apps/{branch.app if branch else self.app.name}.yml"
        if not (source / "setup.py").exists() and not (source / "pyproject.toml").exists():
            raise StepFailed(f"{described}: source.path: there is no setup.py or pyproject.toml in {where}")
        if not requirements.are_in(source, self.app.wheels.requirements):
            wanted = self.app.wheels.requirements
            raise StepFailed(f"{described}: wheels.requirements: there is no {wanted} in {where}")

    def _wheels(self, builder: str, source: Path, progress: Progress) -> Path:
        wanted = requirements.inputs(source, self.app.wheels.requirements)
        key = plans.wheelhouse_key(self.app, self.engine.image_id(builder) or "", wanted, EPOCH)
        house = self.cache / "wheels" / f"{self.app.name}-{key}"
        if wheelhouses.is_whole(house):
            progress.tell(f"kept: nothing compiled ({house.name})")
            return house
        wheelhouses.remove(house)  # what an interrupted build left
        if (other := wheelhouses.copy(house, key)) is not None:
            progress.tell(f"kept: nothing compiled (those of {other.name})")
            return house
        left = self.folder / "wheels"  # not the house: what requirements name runs here, and may leave anything
        left.mkdir()
        with held_against_the_code(online=True):
            pip.asked_again(partial(self._pip, builder, left, source), progress.now)
            log = wheelhouses.take(left, house) / wheelhouses.LOG
        calls = sum(" -c " in line for line in log.read_text("utf-8", "replace").splitlines()) if log.exists() else 0
        found = [one.name for one in house.glob("*.whl")]
        (house / plans.DEPENDENCIES).write_text(plans.dependencies_list(self.app, found), encoding="utf-8")
        (house / wheelhouses.DONE).touch()
        loose = plans.unpinned(self.app, found)
        free = f", {len(loose)} not pinned: see {house / plans.DEPENDENCIES}" if loose else ""
        progress.tell(f"{len(found)} wheels, {calls} files compiled with {self.app.wheels.cflags[:24]}…{free}")
        return house

    def _pip(self, builder: str, left: Path, source: Path, say: Say, more: Mapping[str, str]) -> None:
        self.engine.run(
            "wheels", builder, plans.wheels(self.app, f"{plans.SOURCE}/{self.app.wheels.requirements}"),
            mounts={str(left): plans.WHEELS, str(source): plans.SOURCE},
            environment={**plans.flags(self.app, EPOCH), **more}, network="host", limit=self.app.wheels.timeout,
            say=say,
        )  # fmt: skip

    def _base(self, builder: str, progress: Progress) -> str:
        if self.app.base == "debian":
            recipe = plans.debian_base(self.app)
            tag = recipe.tag(self.engine.image_id(plans.DEBIAN) or "")
            if not shared_images.has(self.engine, self.cache, tag):
                self._build("base image", recipe.dockerfile, recipe.files, tag, progress)
        else:
            argv = plans.slim_base(self.app, EPOCH)
            tag = f"depl-slim:{plans.digest(self.engine.image_id(builder) or '', *argv)}"
            if not shared_images.has(self.engine, self.cache, tag):
                self.engine.import_tar(self._tar("base image", builder, argv, "base.tar", progress), tag)
        progress.tell(f"{self.app.base}, {self.engine.size(tag) / 1e6:.1f} MB")
        return tag

    def _dependencies(
        self, builder: str, source: Path, wheelhouse: Path, base: str, progress: Progress
    ) -> tuple[str, str]:
        """The base image with the dependencies on it, each of whose compiled modules loads; and how it came."""
        text = plans.dependencies_image(self.app, base)
        jobs = {"jobs.tar": job_layer.pack(EPOCH)} if self.app.jobs else {}
        wheels = wheelhouse.name.rpartition("-")[2]  # by what they are: apps with the same, such as branches, share it
        tag = f"depl-dependencies:{plans.digest(text, self.engine.image_id(base) or '', wheels, *jobs.values())}"
        if shared_images.has(self.engine, self.cache, tag):
            return tag, "kept"
        kept = wheelhouse / "layer.tar"
        if not kept.exists():
            argv = plans.dependencies(self.app)
            made = self._tar("dependencies", builder, argv, "deps.tar", progress, source, wheelhouse)
            shutil.copyfile(made, kept.with_suffix(".new"))
            kept.with_suffix(".new").rename(kept)
        unchecked = f"{tag}{shared_images.UNCHECKED}"
        self._build("dependencies", text, {"deps.tar": kept, **jobs}, unchecked, progress)
        said = self._check(unchecked, progress)
        self.engine.rename(unchecked, tag)
        return tag, f"{kept.stat().st_size / 1e6:.1f} MB, {said}"

    def _build(
        self, what: str, dockerfile: str, files: Mapping[str, bytes | Path], tag: str, progress: Progress
    ) -> None:
        self.engine.build(what, dockerfile, files, tag, progress.now, limit=self.app.wheels.timeout)

    def _tar(
        self, what: str, builder: str, argv: tuple[str, ...], name: str, progress: Progress,
        source: Path | None = None, wheelhouse: Path | None = None,
    ) -> Path:  # fmt: skip
        """Run a program of the builder that writes a tar, and keep what it wrote.

        It may be the source's own code: what other builds take from the wheelhouse it can only read.
        """
        out = self.folder / "out"
        out.mkdir(exist_ok=True)
        into_file = ("sh", "-c", 'file=$1; shift; "$@" >"$file"', "sh", f"{plans.OUT}/{name}", *argv)
        environment = {**plans.flags(self.app, EPOCH), "COMPILE_LOG": "/dev/null"}
        mounts = {str(out): plans.OUT, **({str(source): plans.SOURCE} if source else {})}
        reads = {str(wheelhouse): plans.WHEELS} if wheelhouse else {}
        with held_against_the_code() if source else nullcontext():
            self.engine.run(
                what, builder, into_file, mounts=mounts, reads=reads, environment=environment,
                limit=self.app.wheels.timeout, say=progress.now,
            )  # fmt: skip
            return plain_file(out / name, what)

    def _check(self, image: str, progress: Progress) -> str:
        """Load every compiled module of an image: what lacks a library fails here, not on a host."""
        code = render.tool("check-libraries").decode()
        with held_against_the_code():
            said = self.engine.run(
                "check of compiled modules", image, ("python3", "-c", code), mounts={},
                limit=self.app.wheels.timeout, say=progress.now,
            )  # fmt: skip
        return said.splitlines()[0]

    def _tidy(self) -> None:
        """Remove what is old: versions, which the registry has, and what can be made again.

        What all share goes by builds of apps alone: many branches with an image each push out no app's.
        """
        for tag in self.engine.tags(f"{self.target.environment.registry}/{self.app.name}:")[:-KEPT]:
            self.engine.forget(tag)
        if not self.target.branch:
            shared_images.tidy(self.engine, self.cache)
        houses = sorted(wheelhouses.of(self.cache, self.app.name), key=lambda one: one.stat().st_mtime)
        for house in houses[:-KEPT]:
            wheelhouses.remove(house)


def builder_image(engine: Engine, cache: Path, packages: Packages, progress: Progress, limit: int = LIMIT) -> str:
    """The image that builds, with these packages; made where it is not there. Raises Refused without Debian's."""
    must_have_debian(engine)
    recipe = plans.builder(packages)
    tag = recipe.tag(engine.image_id(plans.DEBIAN) or "")
    if shared_images.has(engine, cache, tag):
        progress.tell("kept")
    else:
        engine.build("builder image", recipe.dockerfile, recipe.files, tag, progress.now, limit=limit)
        progress.tell("built")
    return tag


def must_have_debian(engine: Engine) -> None:
    """Refuse to build without the image that all others are made from."""
    if not engine.has(plans.DEBIAN):
        raise Refused(f"The image {plans.DEBIAN} is not on this host.\nFetch or make it: inv bootstrap --only deploy")


def wheels_of_depl(engine: Engine, cache: Path, wanted: bytes, progress: Progress) -> dict[str, bytes]:
    """The wheels of depl's own requirements, each by its path beside a Dockerfile; raises StepFailed with pip's log."""
    builder = builder_image(engine, cache, Packages(), progress)
    with TemporaryDirectory(dir=cache, prefix="own-wheels-") as folder:
        house = Path(folder)
        (house / plans.REQUIREMENTS).write_bytes(wanted)
        engine.run(
            "wheels", builder, plans.own_wheels(), mounts={folder: plans.WHEELS}, network="host", say=progress.now
        )
        return {f"wheels/{one.name}": one.read_bytes() for one in sorted(house.glob("*.whl"))}


@contextmanager
def one_at_a_time(target: Target, report: Report) -> Iterator[None]:
    """Let one build of an app at a time claim a version and write the cache."""
    path = Path(target.environment.cache) / f"build-{target.app.name}.lock"
    with alone(path, target.who, lambda who: report.note(f"Waiting for another build of {target.app.name}: {who}")):
        yield


@in_words("removal of images")
def forget(target: Target) -> None:
    """Remove what builds of an app keep on this machine: its images, its wheels, what a killed build left."""
    cache, name = Path(target.environment.cache), target.app.name
    engine = Engine(name)
    engine.clear()
    for tag in engine.tags(f"{target.environment.registry}/{name}:"):
        engine.forget(tag)
    remove_folder(cache / f"work-{name}")
    for house in wheelhouses.of(cache, name):
        wheelhouses.remove(house)
    (cache / f"build-{name}.lock").unlink(missing_ok=True)
