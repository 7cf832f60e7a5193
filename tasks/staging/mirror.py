"""A bare copy of an app's repository on the deploy host: which branches the remote has, and what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadInput, DeplError, Refused, one_line, printable
from ..model.branch import parse
from ..plan.branch_facts import Commit
from ..plan.wishes import Target
from ..run import git
from ..run.report import Report
from ..run.source import Checkout, origin, without_secrets

FIELDS = ("refname", "objectname", "authorname", "committerdate:unix", "contents:subject")
_HEADS = "refs/heads/"
_LONGEST = 200


@dataclass(frozen=True)
class Head:
    """A branch of the remote, by its name in git, and its newest commit."""

    name: str
    commit: Commit


@dataclass(frozen=True)
class Mirror:
    """The copy of one repository: its folder here, and git's address of what it is a copy of."""

    folder: Path
    url: str

    def fetch(self, who: str, report: Report) -> None:
        """Bring all branches to what the remote has now; those that are gone there go here too. Raises DeplError."""

        def waiting(other: str) -> None:
            report.note(f"Waiting for another fetch of {self.folder.name}: {other}")

        with git.bare(self.folder, who, waiting):
            words = ("fetch", "--quiet", "--prune", "--no-tags", "--force", *self._reads)
            done = git.ask(self.folder, *words, "--", self.url, f"+{_HEADS}*:{_HEADS}*")
        if done.returncode:
            lines = done.stderr.decode(errors="replace").replace(self.url, without_secrets(self.url)).splitlines()
            said = next(
                (line for line in lines if line.startswith("fatal: ")), lines[0] if lines else "no reason given"
            )
            raise DeplError(
                f"{without_secrets(self.url)} can't be fetched: {said[:200]}\n"
                "Is it the right one? depl_branches.apps.*.repository in the inventory"
            )

    @property
    def _reads(self) -> tuple[str, ...]:
        """A repository on this machine is read whoever owns it, such as the git server: the inventory names it."""
        return ("--upload-pack", "git -c safe.directory=* upload-pack") if self.url.startswith("/") else ()

    def heads(self) -> tuple[list[Head], list[str]]:
        """All branches, the newest commit first; and the names of those that can be no app."""
        found, odd = [], []
        for ref, *about in self._refs():
            name = printable(ref.removeprefix(_HEADS))
            try:
                found.append(Head(parse(name), _commit(about)))
            except BadInput:  # such as one that hides characters: written out, it has a backslash
                odd.append(name)
        return sorted(found, key=lambda head: (-head.commit.at, head.name)), odd

    def find(self, name: str) -> Head | None:
        """A branch by its name."""
        return next((head for head in self.heads()[0] if head.name == name), None)

    def _refs(self) -> Iterator[list[str]]:
        form = "".join(f"%({field})%00" for field in FIELDS)
        words = git.run(self.folder, "for-each-ref", f"--format={form}", _HEADS).split("\0")
        for start in range(0, len(words) - len(FIELDS), len(FIELDS)):
            ref, *about = words[start : start + len(FIELDS)]
            yield [ref.lstrip("\n"), *about]

    def follows(self, commit: str, former: str) -> bool:
        """Whether a commit has a former one in its history. One that git has forgotten is in nobody's."""
        done = git.ask(self.folder, "merge-base", "--is-ancestor", former, commit)
        return done.returncode == 0

    def checkout(self, path: str, commit: Commit) -> Checkout:
        """A commit's files, of the folder `path` of the repository."""
        return Checkout(self.folder, path, commit.id, int(commit.at), dirty=False, origin=without_secrets(self.url))


def of(target: Target, repository: str) -> Mirror:
    """The mirror of an app's repository: the one the inventory names, else the `origin` of the app's source, or that.

    Raises Refused for an app that is no code from git.
    """
    source = target.app.source
    if source.package:
        raise Refused(
            f"{target.app.name} is {source.package} of the package index: it has no branches.\n"
            f"Take it out of depl_branches: conf/inventory/{target.environment.name}"
        )
    return Mirror(
        Path(target.environment.cache) / "git" / f"{target.app.name}.git", origin(repository, source.repository)
    )


def _commit(about: list[str]) -> Commit:
    commit, author, at, subject = (one.encode(errors="surrogateescape").decode(errors="replace") for one in about)
    return Commit(commit, one_line(author)[:_LONGEST], float(at or 0), one_line(subject.strip())[:_LONGEST])
