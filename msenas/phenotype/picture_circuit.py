"""Where the populations and synapses of one layer go in a network's picture.

The principal populations stand left and right, the interneurons between them, in rows: first those that the layer's
input reaches (it comes from above), then a row for each synapse from principal to principal, then the other
interneurons. So every motif of the table is drawn without a crossing. A synapse that has no straight way, which only
a new motif can have, runs in a row of its own below the boxes.

All lengths are inches, x to the right from the middle of the layer, y down.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msenas.errors import GenomeError
from msenas.phenotype.picture_parts import (
    LABEL_OFFSET,
    Box,
    Edge,
    Kind,
    Label,
    Point,
    layer_of,
    synapse_edge,
    synapse_text,
)
from msenas.phenotype.plan import INPUT, Plan, Population, Synapse

BOX_HEIGHT = 0.64
ROW, THIN_ROW = 0.86, 0.36
"""Height of a row with interneurons, and of one with a single line."""
GAP = 0.78
"""Between two boxes side by side: room for an arrow and its label."""
SPREAD = 0.25
"""Between parallel lines."""


@dataclass(frozen=True)
class Layer:
    """One live layer.

    Attributes:
        members: its populations.
        inner: synapses between them.
        entering: synapses from elsewhere, with the number of the layer that they leave (0 is the input).
        upper: interneurons that `entering` reaches, from left to right.
        lower: the other interneurons, from top to bottom.
        direct: synapses from one principal population to another.
        output: the populations whose summed spikes leave the layer.
    """

    members: tuple[Population, ...]
    inner: tuple[Synapse, ...]
    entering: tuple[tuple[int, Synapse], ...]
    upper: tuple[str, ...]
    lower: tuple[str, ...]
    direct: tuple[Synapse, ...]
    output: tuple[str, ...]

    @property
    def principals(self) -> tuple[str, ...]:
        """Names of the principal populations."""
        return tuple(p.name for p in self.members if not p.inhibitory)


@dataclass(frozen=True)
class Columns:
    """x of populations, the same in all layers so that the eye can follow them down.

    Attributes:
        principal: two principal populations stand at -principal and +principal.
        interneuron: two interneurons in one row stand at -interneuron and +interneuron.
        widths: width of each population's box.
    """

    principal: float
    interneuron: float
    widths: Mapping[str, float]


@dataclass(frozen=True)
class Circuit:
    """The populations of one layer and the synapses between them, in their places."""

    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    bottom: float


def split_layers(plan: Plan) -> tuple[Layer, ...]:
    """The live layers of a plan, in order.

    Raises:
        GenomeError: Two synapses carry different sums of one layer's populations, one leads back to an earlier layer,
            a layer has interneurons alone or no reader, or the read-out reads another layer than the last; no genome
            describes such a network.
    """
    names = list(dict.fromkeys(layer_of(p.name) for p in plan.populations))
    if layer_of(plan.readout[0]) != names[-1]:
        raise GenomeError(f"cannot draw a read-out of {' + '.join(plan.readout)}; the last layer is {names[-1]}")
    outputs = {names[-1]: plan.readout}
    order = [INPUT, *names]
    for synapse in plan.synapses:
        if order.index(layer_of(synapse.sources[0])) > order.index(layer_of(synapse.target)):
            raise GenomeError(f"cannot draw {' + '.join(synapse.sources)} -> {synapse.target}, which leads back")
        start, inside = layer_of(synapse.sources[0]), layer_of(synapse.sources[0]) == layer_of(synapse.target)
        expected = synapse.sources[:1] if inside else outputs.setdefault(start, synapse.sources)
        if synapse.sources != expected:
            raise GenomeError(f"cannot draw {' + '.join(synapse.sources)}; {start} gives {' + '.join(expected)}")
    for name in names:
        if name not in outputs or all(p.inhibitory for p in plan.populations if layer_of(p.name) == name):
            raise GenomeError(f"cannot draw {name}; no other layer hears a principal population of it")
    return tuple(_layer(plan, name, order, outputs.get(name, ())) for name in names)


def _layer(plan: Plan, name: str, order: Sequence[str], output: tuple[str, ...]) -> Layer:
    members = tuple(p for p in plan.populations if layer_of(p.name) == name)
    onto = [(layer_of(s.sources[0]), s) for p in members for s in plan.incoming[p.name]]
    inner = tuple(s for start, s in onto if start == name)
    entering = tuple((order.index(start), s) for start, s in onto if start != name)
    fed = {s.target for _, s in entering}
    interneurons = [p.name for p in members if p.inhibitory]
    principals = [p.name for p in members if not p.inhibitory]

    def lean(interneuron: str) -> int:
        ends = {end for s in inner for end in _ends(s) if interneuron in _ends(s)}
        return (principals[-1] in ends) - 2 * (principals[0] in ends)

    return Layer(
        members,
        inner,
        entering,
        tuple(sorted((i for i in interneurons if i in fed), key=lean)),
        tuple(i for i in interneurons if i not in fed),
        tuple(s for s in inner if set(_ends(s)) <= set(principals) and len(set(_ends(s))) > 1),
        output,
    )


def _ends(synapse: Synapse) -> tuple[str, str]:
    return synapse.sources[0], synapse.target


def columns(layers: Sequence[Layer], widths: Mapping[str, float]) -> Columns:
    """Columns that leave GAP between all boxes that stand side by side."""
    inner = max((widths[p.name] for layer in layers for p in layer.members if p.inhibitory), default=0.0)
    outer = max(widths[name] for layer in layers for name in layer.principals)
    abreast = max(max(len(layer.upper), bool(layer.lower)) for layer in layers)
    between = abreast * inner + (abreast + 1) * GAP
    return Columns((between + outer) / 2, (inner + GAP) / 2, widths)


def place_circuit(plan: Plan, layer: Layer, at: Columns, top: float) -> Circuit:
    """Give the populations of a layer their boxes, and the synapses between them their lines."""
    rows = [ROW] * bool(layer.upper) + [THIN_ROW] * len(layer.direct) + [ROW] * len(layer.lower)
    body = max(sum(rows), BOX_HEIGHT)
    starts = [top + (body - sum(rows)) / 2 + sum(rows[:i]) for i in range(len(rows))]
    middles = [start + height / 2 for start, height in zip(starts, rows, strict=True)]
    first_direct = int(bool(layer.upper))
    first_lower = first_direct + len(layer.direct)
    places: dict[str, Point] = {}
    for index, name in enumerate(layer.upper):
        places[name] = ((2 * index - 1) * at.interneuron if len(layer.upper) > 1 else 0.0, middles[0])
    for name, y in zip(layer.lower, middles[first_lower:], strict=True):
        places[name] = (0.0, y)
    alone = len(layer.members) == 1
    for name, sign in zip(layer.principals, (-1, 1), strict=False):
        places[name] = (0.0 if alone else sign * at.principal, top + body / 2)
    boxes = {p.name: _box(p, places[p.name], at, body) for p in layer.members}
    rows_of_direct = dict(zip(layer.direct, middles[first_direct:first_lower], strict=True))
    edges, bottom = _inner_edges(plan, layer, boxes, rows_of_direct, top + body)
    return Circuit(tuple(boxes.values()), edges, bottom)


def _box(population: Population, place: Point, at: Columns, body: float) -> Box:
    shape = "x".join(map(str, population.shape))
    lines = (population.role, shape, f"{population.neurons:,} neurons")
    kind: Kind = "interneuron" if population.inhibitory else "principal"
    height = BOX_HEIGHT if population.inhibitory else body
    return Box(population.name, kind, *place, at.widths[population.name], height, lines)


def _inner_edges(
    plan: Plan, layer: Layer, boxes: Mapping[str, Box], rows_of_direct: Mapping[Synapse, float], bottom: float
) -> tuple[tuple[Edge, ...], float]:
    """Lines of the synapses within a layer, and how far down they reach."""
    edges: list[Edge] = []
    for synapse in layer.inner:
        source, target = (boxes[name] for name in _ends(synapse))
        pair = [s for s in layer.inner if set(_ends(s)) == set(_ends(synapse))]
        shift = SPREAD * (pair.index(synapse) - (len(pair) - 1) / 2)
        if synapse in rows_of_direct:
            points = _across(source, target, rows_of_direct[synapse])
        elif source is target or _is_blocked(source, target, boxes):
            bottom += THIN_ROW
            points = _below(source, target, bottom - THIN_ROW / 3)
        elif source.kind == target.kind == "interneuron" and source.x == target.x:
            ends = (source.bottom, target.top) if source.y < target.y else (source.top, target.bottom)
            points = tuple((source.x + shift, y) for y in ends)
        else:
            interneuron = source if source.kind == "interneuron" else target
            points = _across(source, target, interneuron.y + shift)
        edges.append(synapse_edge(plan, synapse, points, _beside(synapse, points)))
    return tuple(edges), bottom


def _across(source: Box, target: Box, y: float) -> tuple[Point, ...]:
    return (source.side(target.x), y), (target.side(source.x), y)


def _below(source: Box, target: Box, y: float) -> tuple[Point, ...]:
    away = math.copysign(SPREAD, target.x - source.x)
    start, end = source.x + away, target.x - away
    return (start, source.bottom), (start, y), (end, y), (end, target.bottom)


def _is_blocked(source: Box, target: Box, boxes: Mapping[str, Box]) -> bool:
    low, high = sorted((source.x, target.x))
    between = [b for b in boxes.values() if low < b.x < high]
    row = source if source.kind == "interneuron" else target
    return any(b.y == row.y for b in between)


def _beside(synapse: Synapse, points: Sequence[Point]) -> Label:
    (x0, y0), (x1, y1) = points[len(points) // 2 - 1 : len(points) // 2 + 1]
    if y0 == y1:
        return Label(synapse_text(synapse), (x0 + x1) / 2, y0 - LABEL_OFFSET, "above")
    return Label(synapse_text(synapse), x0 + LABEL_OFFSET, (y0 + y1) / 2, "right")
