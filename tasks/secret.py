"""inv secrets.edit, secrets.rotate: values that lie encrypted beside the inventory.

Not secrets.py: Invoke puts this folder in front of where Python looks, and the standard library has a `secrets`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

import invoke
from invoke import Context, task

from .errors import BadConfig, Refused
from .model.secrets import KINDS
from .run import apps, check_notify, editor, secrets, settings
from .run.report import Report, make
from .run.work import reporting


@task
def edit(c: Context) -> None:
    """Open the secrets in $EDITOR; encrypt what changed."""
    report = make()
    with reporting("secrets.edit", report):
        if settings.under_teamcity():
            raise Refused("Secrets are edited by a person, and none sits at a build.\nAt a terminal: inv secrets.edit")
        environment = settings.chosen()
        file = secrets.read(environment)
        before = file.reveal()
        if c.config.run.dry:
            report.line(f"Would open the {len(before)} values of {file.where} in an editor.")
            return
        secrets.must_be_writable(environment)
        recipients = file.recipients or secrets.first_recipient()
        check = partial(_checked, f"secrets of {environment}", before)
        after = editor.edit(secrets.as_text(environment, before), check, again="inv secrets.edit")
        outcome = _compared(before, after)
        if not outcome:
            report.line("Nothing to do: no value was changed.")
            return
        changed = {place: after[place] for place in outcome if place in after}
        secrets.update(environment, recipients, changed, gone=outcome.keys() - changed.keys())
        for place, what in outcome.items():
            report.line(f"  {place}: {what}")
        if not file.recipients:
            report.line(f"Made {file.where} for {', '.join(recipients)}. Others who shall read it: its head says how.")
        _say_what_next(report, file.where, outcome)


@task(help={"name": "also replace this value by a random one, such as services.database.password"})
def rotate(c: Context, name: str | None = None) -> None:
    """Encrypt all values anew, to the recipients of now."""
    report = make()
    with reporting("secrets.rotate", report):
        environment = settings.chosen()
        file = secrets.read(environment)
        if not file.recipients:
            raise Refused(f"There is no {file.where} with recipients yet.\nMake it: inv secrets.edit")
        if name is not None:
            secrets.must_have(file, name)
        readers = f"{len(file.sealed)} values of {environment} anew to {', '.join(file.recipients)}"
        if c.config.run.dry:
            report.line(f"Would encrypt {readers}{f', {name} as a new random value' if name else ''}.")
            return
        secrets.must_be_writable(environment)
        values = file.reveal()
        if name is not None:
            values[name] = secrets.new_value(name, values[name])
        secrets.update(environment, file.recipients, values)
        report.done(f"Encrypted {readers}.")
        if name is not None:
            report.line(f"  {name}: a new random value")
            _say_what_next(report, file.where, [name])
        else:
            report.line(
                "Who could read them before may know them still, from git's history. Where somebody left, give each a "
                "new value:\ninv secrets.rotate --name NAME, or inv secrets.edit where others issue it."
            )


def _checked(where: str, before: Mapping[str, str], text: str) -> dict[str, str]:
    """The values in an edited text; raises BadConfig, without a value."""
    found = secrets.texts(secrets.plain(text, where) or {}, where)
    secrets.check_values(found, where)
    # Here alone: one that is kept already must not keep anybody from deploying.
    if path := found.get(check_notify.CHAT):
        check_notify.check_chat(path, f"{where}: {check_notify.CHAT}")
    known = apps.names()
    for place in found.keys() - before.keys():
        kind, name, _ = place.split(".")
        if kind in ("apps", "branches") and name not in known:
            raise BadConfig(f"{where}: {kind}.{name}", f"is no app; conf/apps describes: {', '.join(known) or 'none'}")
    return found


def _compared(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """What became of each value that is not as it was, by place."""
    places = sorted(place for place in before.keys() | after.keys() if before.get(place) != after.get(place))
    return {one: "removed" if one not in after else "changed" if one in before else "new" for one in places}


def _say_what_next(report: Report, where: str, places: Iterable[str]) -> None:
    report.line(f"next: {', then '.join([f'git commit {where}', *_next(places)])}")


def _next(places: Iterable[str]) -> list[str]:
    """What is to be typed until new values are in use, in this order."""
    named: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for place in places:
        kind, name, _ = place.split(".")
        named[kind].add(name)
    apps = [f"inv promote --env-only --app {name}" for name in sorted(named["apps"])]
    branches = [f"inv branch.up for each branch of {name}" for name in sorted(named["branches"])]
    if named["services"]:
        return [
            "inv services.up (inv infra.up for the company's own)",
            "inv promote --env-only for each app that uses it",
            *branches,
        ]
    return [*apps, *branches]


ns = invoke.Collection("secrets", edit, rotate)
