"""A comparison in the terminal: tables, on request charts, and the verdict last."""

from __future__ import annotations

from collections.abc import Callable

from ...run import screen
from ..comparison import Comparison, Difference, Outcome
from . import tables, words
from .advice import done, next_commands
from .tables import Table


def show(comparison: Comparison, say: Callable[[str], None], *, charts: bool = False) -> None:
    """Print tables, charts if asked for, warnings, and at last the verdict; `say` prints a line."""
    for table in every_table(comparison):
        screen.show(table.title, table.heads, table.rows)
        say("")
    if charts:
        # Only here: who asks for no charts need not wait for what draws them.
        from .plots import plots

        for line in plots(comparison):
            say(line)
    for line in last(comparison):
        say(line)


def every_table(comparison: Comparison) -> list[Table]:
    """The tables: arms, differences worst first, goals, and stages where there are several or a mismatch."""
    result = [tables.arms(comparison)]
    if comparison.differences:
        result.append(_differences(comparison))
    if comparison.goals:
        result.append(_goals(comparison))
    return [*result, tables.stages(comparison)]


def _differences(comparison: Comparison) -> Table:
    heads = ("", ">base", ">canary", ">ratio", "interval", ">evidence", "")
    allowed = ", ".join(dict.fromkeys(f"{one.allowed:g}×" for one in comparison.differences))
    title = f"Differences, worst first; {allowed} is allowed, and evidence of 100 % aborts"
    return Table(title, heads, tuple(_difference(one) for one in comparison.differences))


def _difference(one: Difference) -> tuple[str, ...]:
    return (
        words.clean(one.title),
        words.share(one.base),
        words.share(one.canary),
        words.times(one.ratio),
        words.interval(one.interval),
        _of_boundary(one),
        f"{words.SIGNS.get(one.state, '')} {one.state}",
    )


def _of_boundary(one: Difference) -> str:
    """How far the evidence is on its way to the stop line."""
    part = one.evidence / one.boundary
    return "> 999 %" if part > 9.99 else f"{part * 100:.0f} %"


def _goals(comparison: Comparison) -> Table:
    heads = ("goal", ">live", ">canary", ">points", "interval", "")
    return Table("Goals: share of users who reached them", heads, tuple(_goal(one) for one in comparison.goals))


def _goal(one: Outcome) -> tuple[str, ...]:
    return (
        words.clean(one.goal),
        words.share(one.live),
        words.share(one.canary),
        words.points(one.difference),
        words.points_interval(one.interval),
        f"{words.SIGNS.get(one.state, '')} {one.state}",
    )


def last(comparison: Comparison) -> list[str]:
    """What is read when nothing else is: warnings, the verdict, the reason, what was done, and what to type next."""
    verdict = comparison.verdict
    return [
        *(f"warning: {one}" for one in map(words.clean, comparison.warnings)),
        words.clean(verdict.headline),
        words.clean(verdict.reason),
        done(comparison),
        *(f"next: {command}   ({meaning})" for command, meaning in next_commands(comparison)),
    ]
