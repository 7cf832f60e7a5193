"""One drawn chart: axes, lines, marks, as inline SVG that takes its colours from the page.

ziaplot draws it. Of the small libraries that write SVG it is the one that fits: MIT, 0.9 of May 2026, no dependencies,
no script, text stays text, everything escaped (it builds a tree, not a string), and any CSS colour, so that the page's
dark mode reaches the charts. pygal (LGPL, 3.1.3 of June 2026) puts a script into every chart, has no steps, intervals
or hatching; leather (0.4.1) has no log axes; svg.py and drawsvg draw shapes, not charts. Canvas libraries have no text
for screen readers and no dark mode, and weigh more than the whole page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from xml.etree import ElementTree

import ziaplot

from .axes import Axis

WIDTH = 460
EDGE = 28
"""Room at the sides for half of the last label: the widest is "100 ms", in a font as wide as DejaVu Sans."""
STYLE = """
Canvas { color: none }
Graph { color: none; edge_color: var(--axis); edge_width: 1 }
Graph.GridX { color: var(--grid); stroke: solid; stroke_width: 1 }
Graph.GridY { color: var(--grid); stroke: solid; stroke_width: 1 }
Graph.TickX { color: var(--muted); font_size: 14; height: 3; margin: 7; stroke_width: 1; pad: 0 }
Graph.TickY { color: var(--muted); font_size: 14; height: 0; margin: 6; pad: 0 }
Text { color: var(--ink); font_size: 14 }
"""
BARE = "Graph { edge_color: none } Graph.GridY { color: none } Graph.TickY { font_size: 2 }"
Place = tuple[float, float]

ziaplot.config.precision = 1


class Chart:
    """Values are given as they are; the axes know their scale. Colours are CSS: var(--live), url(#hatch)."""

    def __init__(self, name: str, x: Axis, y: Axis, height: int = 240, *, bare: bool = False) -> None:
        """`name` is unique on the page. A `bare` chart is a row of a table: no labels at its side."""
        self.name, self.x, self.y = name, x, y
        self._graph = ziaplot.Graph()
        self._graph.css(STYLE)
        self._graph.size(WIDTH, height)
        self._bare = bare
        self._graph.xticks([x.scale(at) for at, _ in x.ticks], [label for _, label in x.ticks])
        self._graph.yticks([y.scale(at) for at, _ in y.ticks], [label for _, label in y.ticks])
        self._graph.xrange(x.scale(x.low), x.scale(x.high))
        self._graph.yrange(y.scale(y.low), y.scale(y.high))
        if bare:
            self._graph.noyticks()
            self._graph.css(STYLE + BARE)
            if not any(label for _, label in x.ticks):
                self._graph.noxticks()

    def _places(self, points: Iterable[Place]) -> tuple[list[float], list[float]]:
        found = [(self.x.place(x), self.y.place(y)) for x, y in points]
        return [x for x, _ in found], [y for _, y in found]

    def line(self, points: Sequence[Place], colour: str, dash: str = "", width: float = 2) -> None:
        """A line through the points; `dash` as in stroke-dasharray."""
        if len(points) > 1:
            xs, ys = self._places(points)
            self._graph.add(ziaplot.PolyLine(xs, ys).color(colour).stroke(dash or "-").strokewidth(width))

    def steps(self, points: Sequence[Place], colour: str, dash: str = "", width: float = 2) -> None:
        """A line that keeps each value until the next."""
        held = [(later[0], sooner[1]) for sooner, later in pairwise(points)]
        woven = [place for pair in zip(points, held, strict=False) for place in pair]
        self.line([*woven, *points[-1:]], colour, dash, width)

    def mark(self, at: Place, shape: str, colour: str, size: float = 4.5) -> None:
        """A mark: o, s (square), ^ (triangle), with a rim in the colour of the page."""
        xs, ys = self._places([at])
        # A line that leads nowhere, since a single point has no path to carry a mark.
        drawn = ziaplot.PolyLine(xs * 2, ys * 2).color("none").marker(shape, radius=size)
        drawn.style(f"fill_color: {colour}; edge_color: var(--paper); edge_width: 1")
        self._graph.add(drawn)

    def box(self, low: Place, high: Place, fill: str, edge: str = "none", dash: str = "") -> None:
        (left, right), (bottom, top) = self._places([low, high])
        drawn = ziaplot.Rectangle(left, bottom, right - left, top - bottom)
        drawn.style(f"fill_color: {fill}; color: {edge}; stroke_width: 1.5; stroke: {dash or '-'}")
        self._graph.add(drawn)

    def text(self, at: Place, text: str, align: str = "left", valign: str = "bottom") -> None:
        xs, ys = self._places([at])
        self._graph.add(ziaplot.Text(xs[0], ys[0], text, halign=align, valign=valign))

    def svg(self, label: str) -> str:
        """The chart as an element for a page; `label` says to those who don't see it what it shows."""
        root = self._graph.svgxml()
        height = float(root.attrib.pop("height"))
        root.attrib.pop("width")
        if not self._bare:
            height += self._name_below(root, height)
        # ziaplot reckons with Arial; other fonts are wider.
        left = EDGE if self._bare else EDGE / 2
        root.set("viewBox", f"{-left:g} 0 {left + WIDTH + EDGE:g} {height:g}")
        root.set("role", "img")
        root.set("aria-label", label)
        for element in root.iter():
            self._own_names(element)
        return ElementTree.tostring(root, encoding="unicode")

    def _name_below(self, root: ElementTree.Element, height: float) -> float:
        """The name of the axis under its labels, where ziaplot's own would touch them; how much room it takes."""
        place = {"x": str(WIDTH), "y": f"{height + 15:g}", "text-anchor": "end", "fill": "var(--muted)"}
        ElementTree.SubElement(root, "text", place).text = f"{self.x.name} →"
        return 20

    def _own_names(self, element: ElementTree.Element) -> None:
        """All charts are in one page, and each calls its first mark dot1."""
        for key, value in element.attrib.items():
            if key == "id":
                element.set(key, f"{self.name}-{value}")
            elif value.startswith(("url(#dot", "url(#zclip")):
                element.set(key, value.replace("url(#", f"url(#{self.name}-"))
