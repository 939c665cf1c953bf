"""What a network's picture consists of before it is drawn: boxes, lines and their labels.

All lengths are inches, y down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from msenas.phenotype.plan import Plan, Synapse

LABEL_OFFSET = 0.045
"""Between a line and its label."""

Kind = Literal["principal", "interneuron", "terminal"]
Head = Literal["arrow", "bar", "none"]
Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A population, the input or the read-out; x and y are its middle."""

    name: str
    kind: Kind
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]

    @property
    def top(self) -> float:
        """Upper edge."""
        return self.y - self.height / 2

    @property
    def bottom(self) -> float:
        """Lower edge."""
        return self.y + self.height / 2

    def side(self, toward: float) -> float:
        """X of the edge that faces another x."""
        return self.x + math.copysign(self.width / 2, toward - self.x)


@dataclass(frozen=True)
class Label:
    """A short text that ends above (x, y), centred, or starts there: above it to the right, or right beside it."""

    text: str
    x: float
    y: float
    place: Literal["above", "above right", "right"]


@dataclass(frozen=True)
class Edge:
    """A line from the first point to the last; all its corners are right angles.

    Attributes:
        points: its corners.
        ends: the boxes that it may touch.
        head: how it ends: an arrow excites, a bar inhibits.
        synapse: what it stands for; None for lines that merge spikes or carry them to the read-out.
        cross: whether the synapse passes over at least one layer.
        weights: weights of the synapse, 0 without one.
        label: kernel, stride and delay.
    """

    points: tuple[Point, ...]
    ends: tuple[str, ...]
    head: Head = "none"
    synapse: Synapse | None = None
    cross: bool = False
    weights: int = 0
    label: Label | None = None


def layer_of(name: str) -> str:
    """`L2` of `L2.E1`; the input counts as a layer."""
    return name.partition(".")[0]


def synapse_text(synapse: Synapse) -> str:
    """Pooling, kernel, stride and delay in a few characters, such as `3x3 /2 [t-1]` or `sum 2, 5x5`."""
    pool = f"sum {synapse.pool}, " if synapse.pool > 1 else ""
    stride = f" /{synapse.stride}" if synapse.stride > 1 else ""
    return f"{pool}{synapse.kernel}x{synapse.kernel}{stride}{' [t-1]' if synapse.delayed else ''}"


def synapse_edge(plan: Plan, synapse: Synapse, points: tuple[Point, ...], label: Label, cross: bool = False) -> Edge:
    """The line of one synapse."""
    head: Head = "bar" if synapse.inhibitory else "arrow"
    return Edge(points, (*synapse.sources, synapse.target), head, synapse, cross, plan.weights_of(synapse), label)
