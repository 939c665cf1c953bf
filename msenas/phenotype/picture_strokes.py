"""The strokes of a network's picture: colours, boxes, lines and text on a matplotlib axes, in inches with y down."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path as Curve

from msenas.phenotype.picture_parts import Head, Kind, Point

INK, GREY, PAPER, SHADE = "#22262e", "#6b7078", "#ffffff", "#f3f2ee"
EXCITE, INHIBIT, CROSS = "#d9582b", "#1f5fa8", "#8a4fa3"
FILLS: dict[Kind, tuple[str, str]] = {
    "principal": ("#fde6da", EXCITE),
    "interneuron": ("#dbe8f6", INHIBIT),
    "terminal": (PAPER, INK),
}
"""Fill and rim of each kind of box."""
CORNERS: dict[Kind, float] = {"principal": 0.09, "interneuron": 0.2, "terminal": 0.09}
"""Radius of the corners of each kind of box."""
TURN = 0.09
"""Radius of a turn of a line."""
HEAD, HALF_HEAD = 0.11, 0.05
"""Length and half width of the head of an excitatory line."""
BAR, BAR_DISTANCE = 0.085, 0.035
"""Half length of the bar of an inhibitory line, and its distance from the box."""
SUM_RADIUS = 0.1
RIM = 1.2
"""Line width of boxes in points."""


class Font(NamedTuple):
    """Size in points and look of a text."""

    size: float
    color: str
    weight: Literal["normal", "bold"] = "normal"
    style: Literal["normal", "italic"] = "normal"


class Stroke(NamedTuple):
    """Look of a line; width in points."""

    color: str
    width: float
    head: Head = "none"
    dashed: bool = False
    zorder: float = 2


def write(
    axes: Axes,
    at: Point,
    text: str,
    font: Font,
    across: Literal["left", "center", "right"] = "left",
    down: Literal["center_baseline", "baseline"] = "center_baseline",
) -> None:
    """Write a line of text, whose letters stand for themselves: no mathematics is read out of dollar signs."""
    size, color, weight, style = font
    axes.text(
        *at, text, size=size, color=color, weight=weight, style=style, ha=across, va=down, zorder=5
    ).set_parse_math(False)


def draw_rounded(
    axes: Axes, corner: Point, width: float, height: float, radius: float, fill: str, rim: str, zorder: float = 3
) -> None:
    """A rectangle with rounded corners, from its upper left corner."""
    shape = f"round,pad=0,rounding_size={radius}"
    patch = FancyBboxPatch(corner, width, height, shape, facecolor=fill, edgecolor=rim, lw=RIM, zorder=zorder)
    axes.add_patch(patch)


def draw_sum(axes: Axes, at: Point) -> None:
    """The sign of added spikes."""
    x, y = at
    axes.add_patch(Circle(at, SUM_RADIUS, facecolor=PAPER, edgecolor=EXCITE, lw=RIM, zorder=4))
    for dx, dy in ((SUM_RADIUS / 2, 0.0), (0.0, SUM_RADIUS / 2)):
        axes.plot([x - dx, x + dx], [y - dy, y + dy], color=EXCITE, lw=RIM, zorder=5)


def draw_line(axes: Axes, points: Sequence[Point], stroke: Stroke) -> None:
    """A line with rounded turns that ends at its last point with an arrow, a bar or nothing."""
    color, width, head, dashed, zorder = stroke
    before, tip = points[-2:]
    length = math.dist(before, tip)
    dx, dy = (tip[0] - before[0]) / length, (tip[1] - before[1]) / length
    short = {"arrow": HEAD, "bar": BAR_DISTANCE, "none": 0.0}[head]
    half = {"arrow": HALF_HEAD, "bar": BAR, "none": 0.0}[head]
    end = (tip[0] - short * dx, tip[1] - short * dy)
    dashes = (0, (2.6, 1.6)) if dashed else "solid"
    curve = rounded_line([*points[:-1], end])
    axes.add_patch(
        PathPatch(curve, fill=False, edgecolor=color, lw=width, ls=dashes, capstyle="butt", zorder=zorder, snap=False)
    )
    sides = [(end[0] - half * dy, end[1] + half * dx), (end[0] + half * dy, end[1] - half * dx)]
    if head == "arrow":
        axes.add_patch(Polygon([tip, *sides], closed=True, facecolor=color, edgecolor="none", zorder=zorder))
    if head == "bar":
        axes.add_patch(PathPatch(Curve(sides), edgecolor=color, lw=2 * RIM, capstyle="butt", zorder=zorder, snap=False))


def rounded_line(points: Sequence[Point]) -> Curve:
    """A path through the points; its turns have the radius TURN, or less where a piece is too short for it."""
    path, codes = [points[0]], [Curve.MOVETO]
    for before, turn, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(TURN, math.dist(before, turn) / 2, math.dist(turn, after) / 2)
        path += [_toward(turn, before, radius), turn, _toward(turn, after, radius)]
        codes += [Curve.LINETO, Curve.CURVE3, Curve.CURVE3]
    return Curve([*path, points[-1]], [*codes, Curve.LINETO])


def _toward(start: Point, end: Point, distance: float) -> Point:
    share = distance / math.dist(start, end)
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
