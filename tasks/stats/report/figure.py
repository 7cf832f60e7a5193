"""A figure of the page: title, chart, legend, caption, and the table of numbers under it."""

from __future__ import annotations

from dataclasses import dataclass

from ..comparison import ArmTotals
from ..counts import FAILING, SLOW50, SLOW95, SLOW99
from .tables import Table


@dataclass(frozen=True)
class Look:
    """How a line looks: colour (a CSS variable's name), dashes, and the shape of its marks. Never colour alone."""

    colour: str
    dash: str = ""
    shape: str = "o"

    @property
    def css(self) -> str:
        return f"var(--{self.colour})"


ROLES = {"live": Look("live"), "canary": Look("canary", "7 3", "^"), "control": Look("control", "2 3", "s")}
KINDS = {
    FAILING: Look("failing"),
    SLOW50: Look("slow50", "2 3"),
    SLOW95: Look("slow95", "7 3"),
    SLOW99: Look("slow99", "10 3 2 3"),
}
STOP = Look("stop", "6 4")
ALLOWED = Look("muted", "4 4")
UNKNOWN = Look("muted", "1 2")


@dataclass(frozen=True)
class Row:
    """A row that is text at the left and a chart at the right, such as one difference with its interval."""

    title: str
    text: str
    state: str
    svg: str


@dataclass(frozen=True)
class Figure:
    """`svg` is a whole chart, or `rows` are charts of a row each; `heads` and `cells` are the numbers.

    `sides` say what left and right mean; `below` is a table that is
    always shown, `empty` what is said where there is nothing to draw.
    """

    name: str
    title: str
    caption: str
    heads: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    svg: str = ""
    rows: tuple[Row, ...] = ()
    legend: tuple[tuple[Look, str], ...] = ()
    sides: tuple[str, ...] = ()
    below: Table | None = None
    empty: str = ""


def arm_name(arm: ArmTotals) -> str:
    return f"{arm.role} {arm.version}"


def arm_legend(arms: tuple[ArmTotals, ...]) -> tuple[tuple[Look, str], ...]:
    return tuple((ROLES.get(one.role, UNKNOWN), arm_name(one)) for one in arms)
