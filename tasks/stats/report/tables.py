"""The tables of a comparison, in words: the terminal prints them, the page shows them."""

from __future__ import annotations

from dataclasses import dataclass

from ..comparison import ArmTotals, Comparison
from ..draws import base_arm
from . import series, words


@dataclass(frozen=True)
class Table:
    """`heads` and `rows` as for run/screen.py: a head that begins with > is of numbers."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def arms(comparison: Comparison) -> Table:
    """The arms in numbers: a row each measure, a column each arm, so that it fits 80 columns."""
    found = comparison.arms
    rows = (
        ("version", *(one.version for one in found)),
        ("users", *(words.number(one.users) for one in found)),
        ("share", *(words.share(one.share) for one in found)),
        ("requests", *(words.number(one.requests) for one in found)),
        ("failing users", *(_part(one.failing, one.users) for one in found)),
        ("error rate", *(_part(one.errors, one.requests) for one in found)),
        *((name, *(_quantile(one, name) for one in found)) for name in ("p50", "p95", "p99")),
        ("sent", *(words.size(one.bytes) for one in found)),
    )
    return Table("", ("", *(f">{one.role}" for one in found)), rows)


def _part(count: int, total: int) -> str:
    return f"{words.number(count)} ({words.share(count / total)})" if total else words.number(count)


def _quantile(arm: ArmTotals, name: str) -> str:
    return words.quantile(getattr(arm, name), getattr(arm, f"{name}_interval"))


def stages(comparison: Comparison) -> Table:
    """Every stage of the rollout so far, of the canary and of what it is compared with."""
    base = base_arm(comparison.rollout)
    rows = tuple(
        (
            str(number),
            words.moment(one.at)[5:-4],
            words.span(one.until - one.at),
            words.share(one.asked[1]),
            words.share(series.part(one.seen, 1)),
            words.number(one.users[1]),
            words.share(one.failing[1] / one.users[1] if one.users[1] else None),
            words.share(one.failing[base] / one.users[base] if one.users[base] else None),
        )
        for number, one in enumerate(series.stages(comparison), start=1)
    )
    return Table("Stages", ("stage", "from (UTC)", ">for", ">asked", ">got", ">users", ">failing", ">base"), rows)
