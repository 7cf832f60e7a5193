"""The code that is built: exactly what a git commit holds, or a package of the index at one version."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadInput, DeplError, Refused, StepFailed
from ..model.app import App, Source
from ..plan.build import normalised
from . import git
from .settings import PROJECT


@dataclass(frozen=True)
class Checkout:
    """A commit of an app's source: its full id, its time (seconds since 1970), and whether the tree was dirty."""

    repository: Path
    path: str
    commit: str
    time: int
    dirty: bool
    origin: str

    @property
    def label(self) -> str:
        return self.commit + ("-dirty" if self.dirty else "")

    @property
    def short(self) -> str:
        """The code as people are told it."""
        return self.commit[:12]

    @property
    def where(self) -> str:
        return f"{self.path} at {self.short}{', with uncommitted changes' if self.dirty else ''}"

    def export(self, folder: Path) -> None:
        """Write the source to a folder: the commit's files, or the work tree's where it is dirty."""
        if self.dirty:
            listed = git.run(
                self.repository, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", self.path
            )
            for name in filter(None, listed.split("\0")):
                found = self.repository / name
                if found.is_file():
                    there = folder / Path(name).relative_to(self.path)
                    there.parent.mkdir(parents=True, exist_ok=True)
                    there.write_bytes(found.read_bytes())
            return
        tree = self.commit if self.path == "." else f"{self.commit}:{self.path}"
        packed = git.ask(self.repository, "archive", "--format=tar", tree)
        if packed.returncode:
            said = packed.stderr.decode(errors="replace").strip()
            if git.ask(self.repository, "cat-file", "-t", tree).stdout.strip() not in (b"tree", b"commit"):
                raise StepFailed(f"{self.commit[:12]} has no folder {self.path!r}: {said}")
            raise DeplError(f"{self.commit[:12]} can't be read: {said}")
        unpacked = subprocess.run(
            ["tar", "-x", "-C", str(folder)], input=packed.stdout, stderr=subprocess.PIPE, check=False
        )
        if unpacked.returncode:
            said, _, _ = unpacked.stderr.decode(errors="replace").partition("\n")
            raise DeplError(f"{self.commit[:12]} can't be unpacked: {said[:300]}\nIs the disk full? df {folder}")


@dataclass(frozen=True)
class Published:
    """A package of the index, as name==version, and what else is installed with it."""

    package: str
    requirements: tuple[str, ...]

    @property
    def label(self) -> str:
        return self.package

    @property
    def short(self) -> str:
        return self.package

    @property
    def where(self) -> str:
        return f"{self.package} of the package index"

    @property
    def origin(self) -> str:
        """The package's address as scanners write it: pkg:pypi/name@version."""
        return f"pkg:pypi/{normalised(self.package)}@{self.package.partition('==')[2]}"

    def export(self, folder: Path) -> None:
        """Write what pip shall resolve: requirements.txt."""
        text = "".join(f"{one}\n" for one in (self.package, *self.requirements))
        (folder / "requirements.txt").write_text(text, encoding="utf-8")


Code = Checkout | Published


def find(app: App, ref: str | None, dirty: bool) -> Code:
    """An app's code at a git ref (default: HEAD), or its package; raises BadInput, Refused (a tree with changes)."""
    if not app.source.package:
        return checkout(app.source, ref if ref is not None else "HEAD", dirty)
    if ref is not None or dirty:
        raise BadInput(
            f"{app.name} is {app.source.package} of the package index: it has no --ref and no --dirty.\n"
            f"Another version: source.package in conf/apps/{app.name}.yml"
        )
    return Published(app.source.package, app.source.requirements)


def checkout(source: Source, ref: str, dirty: bool) -> Checkout:
    """Resolve a git ref of an app's source; raises BadInput and Refused (a tree with changes)."""
    repository = (PROJECT / source.repository).resolve()
    if not (repository / ".git").exists():
        raise BadInput(f"{repository} is no git checkout.\nSee source.repository in the app's description")
    commit = _resolve(repository, ref)
    changed = git.run(repository, "status", "--porcelain", "--", source.path).splitlines()
    at_head = commit == _resolve(repository, "HEAD")
    if dirty and not at_head:
        raise BadInput(f"--dirty builds the work tree, --ref {ref} a commit.\nSay one of them")
    if changed and at_head and not dirty:
        more = len(changed) - 1
        raise Refused(
            f"Changes are not committed: {changed[0][3:]}{f' and {more} more' if more else ''}.\n"
            "Commit them, build another --ref, or say --dirty"
        )
    moment = int(git.run(repository, "show", "--no-patch", "--format=%ct", commit))
    origin = git.run(repository, "config", "--default", "", "--get", "remote.origin.url").strip()
    return Checkout(repository, source.path, commit, moment, bool(dirty and changed), without_secrets(origin))


def origin(named: str, repository: str) -> str:
    """Where an app's branches come from: a `named` address or folder, else what its source was cloned from, or that."""
    if named:
        here = PROJECT / named
        return str(here.resolve()) if here.exists() else named
    folder = (PROJECT / repository).resolve()
    return git.run(folder, "config", "--default", str(folder), "--get", "remote.origin.url").strip()


def _resolve(repository: Path, ref: str) -> str:
    found = git.ask(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if found.returncode:
        raise BadInput(f"{ref[:80]!r} is no commit, branch or tag of {repository}.\nFetched already? git fetch")
    return found.stdout.decode().strip()


def without_secrets(url: str) -> str:
    """A remote's address as it may stand in an image's label: no user, no password, nothing behind the path."""
    scheme, found, rest = url.partition("://")
    if not found:  # a path, or user@host:path
        user, at, place = url.partition("@")
        return place if at and "/" not in user else url
    return f"{scheme}://{re.split('[?#]', rest, maxsplit=1)[0].rpartition('@')[2]}"
