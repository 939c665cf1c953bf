"""Where everything of a network's picture goes: Plan to positions, without drawing anything.

The network flows from top to bottom, one band per live layer. Each layer's output, the merged spikes of its principal
populations, leaves in the middle below and spreads over the next layer from above. Synapses that pass over a layer
run down in lanes left of the bands.

All lengths are inches, x to the right from the middle of the bands, y down from the upper edge.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from msenas.genotype.motifs import MOTIFS
from msenas.phenotype.picture_circuit import (
    BOX_HEIGHT,
    Circuit,
    Columns,
    Layer,
    columns,
    place_circuit,
    split_layers,
)
from msenas.phenotype.picture_parts import LABEL_OFFSET, Box, Edge, Label, Point, layer_of, synapse_edge, synapse_text
from msenas.phenotype.plan import INPUT, Plan, Synapse

READOUT = "read-out"
NARROW, WIDE = 0.98, 1.5
"""Width of the boxes with the fewest and the most neurons."""
TERMINAL_WIDTH = 2.4
"""Width of the input and read-out boxes."""
HEADER, ARRIVAL, BUS, DROP = 0.32, 0.24, 0.1, 0.42
"""Of a band, from the top: its label, each synapse from a lane, the line that spreads the input, the arrows down."""
MERGE, FOOTER = 0.24, 0.2
"""Below the boxes of a band: down to the merged output, and from there to the end of the band."""
BETWEEN_BANDS = 0.42
LANE = 0.24
"""Between two lanes, and from the bands to the first."""
PORT = 0.17
"""Between two arrows onto one box."""
MARGIN, TITLE, LEGEND = 0.3, 0.66, 1.3
SIDE = 0.4
"""From the outermost boxes to the edges of a band: room for the labels of cross-layer synapses."""
LEAST_HALF_BAND = 2.6
"""Room for the labels of a band."""
TITLES = {motif.name: motif.title for motif in MOTIFS}

Span = tuple[int, int]
"""Layer that a synapse leaves (0 is the input) and layer that it enters."""


@dataclass(frozen=True)
class Band:
    """The background of one layer."""

    top: float
    bottom: float
    label: str
    title: str


@dataclass(frozen=True)
class Layout:
    """Positions of everything; x runs from `left` to `right`, y from 0 to `height`, the bands to +-`half_band`."""

    left: float
    right: float
    height: float
    half_band: float
    bands: tuple[Band, ...]
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    sums: tuple[Point, ...]


@dataclass(frozen=True)
class PlacedLayer:
    """One layer in its place.

    Attributes:
        arrivals: span and synapse of everything that passes over a layer on its way here, innermost lane first.
        body: y at which the boxes start.
        output: y at which the summed output leaves, at x = 0.
    """

    layer: Layer
    circuit: Circuit
    band: Band
    arrivals: tuple[tuple[Span, Synapse], ...]
    body: float
    output: float

    def box(self, name: str) -> Box:
        """The box of one of its populations."""
        return next(box for box in self.circuit.boxes if box.name == name)

    @property
    def trunk(self) -> tuple[Point, ...]:
        """Where every line from its output begins: at the sum, or at the one population that is its output."""
        if len(self.layer.output) > 1:
            return ((0.0, self.output),)
        box = self.box(self.layer.output[0])
        return (box.x, box.bottom), (box.x, self.output), (0.0, self.output)


def layout(plan: Plan) -> Layout:
    """Give everything in the picture of a network its place.

    Raises:
        GenomeError: The plan has a form that no genome describes; see `split_layers`.
    """
    layers = split_layers(plan)
    lanes = assign_lanes((start, end) for end, layer in enumerate(layers, 1) for start, _ in layer.entering)
    at = columns(layers, box_widths(plan))
    half_band = max(LEAST_HALF_BAND, at.principal + WIDE / 2 + SIDE)
    first = _input_box(plan)
    placed: list[PlacedLayer] = []
    for number, layer in enumerate(layers, start=1):
        above = placed[-1].band.bottom if placed else first.bottom
        placed.append(_place(plan, layer, number, at, lanes, above + BETWEEN_BANDS))
    last = _readout_box(plan, placed[-1].band.bottom + BETWEEN_BANDS)
    trunks: list[tuple[Point, ...]] = [((0.0, first.bottom),), *(p.trunk for p in placed)]
    edges = [edge for p in placed for edge in (*_merging(p), *p.circuit.edges)]
    for number, p in enumerate(placed, start=1):
        edges += [_falling(plan, p, s, trunks[n]) for n, s in p.layer.entering if n == number - 1]
        edges += _passing(plan, p, lanes, trunks, placed, half_band)
    edges.append(Edge(_corners(*trunks[-1], (0.0, last.top)), (*plan.readout, READOUT), "arrow"))
    lane_room = LANE * (max(lanes.values()) + 1) if lanes else 0.0
    return Layout(
        left=-half_band - lane_room - MARGIN,
        right=half_band + MARGIN,
        height=last.bottom + LEGEND + MARGIN,
        half_band=half_band,
        bands=tuple(p.band for p in placed),
        boxes=(first, *(box for p in placed for box in p.circuit.boxes), last),
        edges=tuple(edges),
        sums=tuple((0.0, p.output) for p in placed if len(p.layer.output) > 1),
    )


def box_widths(plan: Plan) -> dict[str, float]:
    """Width of each population's box: NARROW to WIDE with the logarithm of its neurons."""
    sizes = {p.name: math.log(p.neurons) for p in plan.populations}
    least, most = min(sizes.values()), max(sizes.values())
    return {n: WIDE - (WIDE - NARROW) * (most - size) / max(most - least, 1e-9) for n, size in sizes.items()}


def assign_lanes(spans: Iterable[Span]) -> dict[Span, int]:
    """Lane (0 is the innermost) of each span that passes over a layer: short ones first, no two side by side in one."""
    lanes: dict[Span, int] = {}
    for start, end in sorted({s for s in spans if s[1] - s[0] > 1}, key=lambda s: (s[1] - s[0], s)):
        taken = {lane for (a, b), lane in lanes.items() if max(a, start) < min(b, end)}
        lanes[start, end] = next(lane for lane in range(len(lanes) + 1) if lane not in taken)
    return lanes


def _place(plan: Plan, layer: Layer, number: int, at: Columns, lanes: dict[Span, int], top: float) -> PlacedLayer:
    passing = [((n, number), s) for n, s in layer.entering if n < number - 1]
    arrivals = tuple(sorted(passing, key=lambda arrival: lanes[arrival[0]]))
    body = top + HEADER + ARRIVAL * len(arrivals) + BUS + DROP
    circuit = place_circuit(plan, layer, at, body)
    output = circuit.bottom + MERGE
    sample = layer.members[0]
    label = f"layer {number} · {sample.motif} · {sample.height}x{sample.width}"
    band = Band(top, output + FOOTER, label, TITLES.get(sample.motif, ""))
    return PlacedLayer(layer, circuit, band, arrivals, body, output)


def _merging(p: PlacedLayer) -> list[Edge]:
    """Lines from the populations that are summed to their sum."""
    boxes = [p.box(name) for name in p.layer.output] if len(p.layer.output) > 1 else []
    return [Edge(((b.x, b.bottom), (b.x, p.output), (0.0, p.output)), (b.name,)) for b in boxes]


def _falling(plan: Plan, p: PlacedLayer, synapse: Synapse, trunk: tuple[Point, ...]) -> Edge:
    """The line from the output of the layer above onto a population."""
    box, bus = p.box(synapse.target), p.body - DROP
    points = _corners(*trunk, (0.0, bus), (box.x, bus), (box.x, box.top))
    label = Label(synapse_text(synapse), box.x + LABEL_OFFSET, p.body - DROP / 2, "right")
    return synapse_edge(plan, synapse, points, label)


def _passing(
    plan: Plan,
    p: PlacedLayer,
    lanes: dict[Span, int],
    trunks: list[tuple[Point, ...]],
    placed: list[PlacedLayer],
    half_band: float,
) -> list[Edge]:
    """Lines through the lanes; inner lanes arrive higher up and further right, so that no two cross on arrival."""
    edges: list[Edge] = []
    ports: dict[str, int] = {}
    for row, ((start, end), synapse) in enumerate(p.arrivals):
        box, below = p.box(synapse.target), placed[start]
        ports[box.name] = ports.get(box.name, 0) + 1
        port = box.x - min(PORT, box.width / 2 / (len(p.arrivals) + 1)) * ports[box.name]
        lane = -half_band - LANE * (lanes[start, end] + 1)
        leave = below.band.top - BETWEEN_BANDS / 2
        arrive = p.band.top + HEADER + ARRIVAL * (row + 1) - LABEL_OFFSET
        shared = any(n == start for n, _ in below.layer.entering)
        begin = () if shared else trunks[start]
        points = _corners(*begin, (0.0, leave), (lane, leave), (lane, arrive), (port, arrive), (port, box.top))
        text = f"{synapse_text(synapse)} from {layer_of(synapse.sources[0])}"
        label = Label(text, LANE / 3 - half_band, arrive - LABEL_OFFSET, "above right")
        edges.append(synapse_edge(plan, synapse, points, label, cross=True))
    return edges


def _corners(*points: Point) -> tuple[Point, ...]:
    """The points without repetitions and without those in the middle of a straight line."""
    distinct = [p for i, p in enumerate(points) if i == 0 or p != points[i - 1]]
    inner = zip(distinct, distinct[1:], distinct[2:], strict=False)
    turns = [b for a, b, c in inner if not (a[0] == b[0] == c[0] or a[1] == b[1] == c[1])]
    return distinct[0], *turns, distinct[-1]


def _input_box(plan: Plan) -> Box:
    spec = plan.spec
    shape = "x".join(map(str, spec.input_shape))
    lines = ("input", f"{shape}, {spec.encoding}, T = {spec.steps}")
    return Box(INPUT, "terminal", 0.0, MARGIN + TITLE + BOX_HEIGHT / 2, TERMINAL_WIDTH, BOX_HEIGHT, lines)


def _readout_box(plan: Plan, top: float) -> Box:
    lines = (READOUT, f"mean over map and time, {plan.spec.classes} classes")
    return Box(READOUT, "terminal", 0.0, top + BOX_HEIGHT / 2, TERMINAL_WIDTH, BOX_HEIGHT, lines)
