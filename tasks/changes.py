"""inv changes: the commits between two versions, who made them, and the issues that they name."""

from __future__ import annotations

import json as encode

from invoke import Context, task

from .errors import BadInput, Refused
from .model.change import Change, Changes
from .model.version import Version
from .plan.overview import span
from .plan.promote import current
from .plan.wishes import Target
from .run import history, registry, screen
from .run.choose import choose
from .run.look import end_with_the_reader, look

HEADS = ("COMMIT", "AUTHOR", ">AGE", "ISSUES", "SUBJECT")


@task(
    help={
        "from": "the former version; default: the live one",
        "to": "the later version; default: the newest built",
        "app": "which app; needed only where there are several",
        "json": "print JSON, for machines",
    }
)
def changes(
    c: Context, from_: str | None = None, to: str | None = None, app: str | None = None, json: bool = False
) -> None:
    """Show the commits between what is live and what is to be."""
    old, new = (Version.parse(text) if text is not None else None for text in (from_, to))
    end_with_the_reader()
    target = choose(app)
    first = old or _live(target)
    last = new or _newest(target)
    found = history.between(target, first, last)
    if json:
        print(encode.dumps(as_json(first, last, found), indent=2))
        return
    rows = [_row(one, target.now) for one in found.came] + [_row(one, target.now, "- ") for one in found.went]
    title = f"{target.name} from {first} to {last}"
    if rows:
        screen.show(title, HEADS, rows)
    print(f"{title}: {found.summary or 'the same code'}.")


def _live(target: Target) -> Version:
    facts, missing = look(target)
    if not facts:
        raise Refused(f"No host of {target.name} answers: {'; '.join(missing.values())}.\nSay --from VERSION")
    return current(facts)


def _newest(target: Target) -> Version:
    there = registry.versions(target)
    if not there:
        raise BadInput(f"No version of {target.name} was built yet.\nFirst: inv build")
    return there[-1]


def as_json(old: Version, new: Version, found: Changes) -> dict[str, object]:
    """What machines read: commits that came and went, newest first, and the issues that they name."""
    return {
        "from": str(old), "to": str(new), "summary": found.summary, "unknown": found.why or None,
        "issues": list(found.keys), "authors": list(found.authors),
        "came": [_commit(one) for one in found.came], "went": [_commit(one) for one in found.went],
    }  # fmt: skip


def _commit(one: Change) -> dict[str, object]:
    return {"commit": one.commit, "author": one.author, "at": one.at, "message": one.message, "issues": list(one.keys)}


def _row(one: Change, now: float, mark: str = "") -> list[str]:
    return [f"{mark}{one.commit[:12]}", one.author, span(now - one.at), ", ".join(one.keys), one.subject]
