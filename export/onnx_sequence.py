"""A whole inference of a lowered graph as an ONNX graph: all frames in, scores out, any number of steps and samples.

What keeps no state runs for all time steps at once, with time folded into the samples; the neurons of a population run
over time in a `Scan`, and so do the populations of a loop together, with their synapses. What depends on the input
alone is computed once for each frame, so that an input that stays the same is one frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onnx import GraphProto, TensorProto, helper

from export.blocks import Block, blocks, delayed, shapes
from export.graph import INPUT, OUTPUT, Graph, Neurons, Node, Shape
from export.onnx_nodes import apply
from export.onnx_step import BATCH, SCORES, SPIKES, step, told_as, with_state
from export.onnx_writer import Writer, floats
from msenas.errors import InputError

FRAMES, TIME = "frames", "time"
"""Names of the input, and of the number of frames."""
OUTPUTS = "outputs"
"""Name of what comes out in each time step."""
COUNTS = "counts_"
"""The spikes of a population, summed over time, have its name after this."""


@dataclass(frozen=True)
class Folded:
    """A value with time folded into the samples.

    Attributes:
        name: of the value [T * B, ...].
        steady: it depends on the input alone, and there is one for each frame: [F * B, ...].
    """

    name: str
    steady: bool


def sequence_graph(graph: Graph, counts: bool = False) -> GraphProto:
    """The model of a sequence: `frames` [T, B, C, H, W] in, `scores` [B, classes], the mean over the steps, out.

    A single frame is shown in all the steps that the graph asks for. For another number of steps it must be repeated.

    Args:
        graph: what to compute.
        counts: also give the spikes of each population, summed over time, [B, C, H, W].

    Raises:
        InputError: The graph cannot be computed in one pass, or a loop of it is driven by nothing.
    """
    return _Sequence(graph).write(counts)


class _Sequence:
    """Writes the model."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.shapes = shapes(graph)
        self.writer = Writer()
        self.values: dict[str, Folded] = {}
        op, integers = self.writer.op, self.writer.integers
        size = op("Shape", FRAMES, name="frames")
        self.batch = op("Slice", size, integers(1), integers(2), name="batch")
        given = op("Slice", size, integers(0), integers(1), name="given")
        single = op("Equal", given, integers(1), name="single")
        self.steps = op("Where", single, integers(graph.steps), given, name="steps")
        self.add(INPUT, self.fold(FRAMES, INPUT), steady=True)

    def write(self, counts: bool) -> GraphProto:
        """All of it."""
        for block in blocks(self.graph):
            node = block.nodes[0]
            if block.loop or isinstance(node, Neurons):
                self.scan(block)
                continue
            x = self.read(node.name, self.graph.sources[node.name])
            self.add(node.name, apply(node, self.writer, x.name), x.steady)
            if delayed(node):
                self.delay(node)
        output = self.read(OUTPUT, self.graph.sources[OUTPUT])
        shape = self.shapes[self.graph.sources[OUTPUT][0]]
        each = self.writer.op("Reshape", output.name, self.by_step(shape), name=OUTPUTS)
        scores = self.writer.op("ReduceMean", each, name=SCORES, axes=[0], keepdims=0)
        named, outputs = [(each, OUTPUTS), (scores, SCORES)], [floats(SCORES, BATCH, *shape)]
        for node in self.graph.populations if counts else ():
            total = self.writer.op("ReduceSum", told_as(SPIKES, node.population), name=node.name, axes=[0], keepdims=0)
            named.append((total, told_as(COUNTS, node.population)))
            outputs.append(floats(named[-1][1], BATCH, *node.shape))
        self.writer.publish(named)
        inputs = [floats(FRAMES, TIME, BATCH, *self.graph.input_shape)]
        return self.writer.graph("sequence", inputs, outputs)

    def add(self, node: str, name: str, steady: bool) -> None:
        """Note the value of a node."""
        self.values[node] = Folded(name, steady)

    def scan(self, block: Block) -> None:
        """Write neurons, or a loop, as a `Scan` over time."""
        first, shape = block.nodes[0].name, self.shapes
        reads = {n.name: [s for s in self.graph.sources[n.name] if s not in block.names] for n in block.nodes}
        outside = {name: self.each_step(name, sources) for name, sources in reads.items() if sources}
        if not outside:
            raise InputError(f"{first} and what it forms a loop with read nothing from outside")
        keepers = [node for node in block.nodes if with_state(node)]
        heard = [node for node in block.nodes if isinstance(node, Neurons) or self.heard(node, block)]

        body = Writer(first)
        held = {node.name: f"{first}/{node.name}/before" for node in keepers}
        arriving = {name: f"{first}/{name}/from_outside" for name in outside}
        done = step(block, body, self.graph, arriving, held)
        given = {node.name: f"{first}/{node.name}/now" for node in heard}
        body.publish((done.now[name], new) for name, new in given.items())
        inner = body.graph(
            first,
            [floats(held[n.name], BATCH, *shape[n.name]) for n in keepers]
            + [floats(arriving[name], BATCH, *shape[reads[name][0]]) for name in outside],
            [floats(done.after[n.name], BATCH, *shape[n.name]) for n in keepers]
            + [floats(given[n.name], BATCH, *shape[n.name]) for n in heard],
        )
        trains = [self.train_name(node) for node in heard]
        self.writer.node(
            "Scan",
            [*(self.zeros(shape[node.name]) for node in keepers), *outside.values()],
            [*(self.writer.named(f"{node.name}/last") for node in keepers), *trains],
            body=inner,
            num_scan_inputs=len(outside),
        )
        for node, train in zip(heard, trains, strict=True):
            self.add(node.name, self.fold(train, node.name), steady=False)

    def train_name(self, node: Node) -> str:
        """Name of what a node of a `Scan` gives in all time steps."""
        if isinstance(node, Neurons):
            return told_as(SPIKES, node.population)
        return self.writer.named(f"{node.name}/train")

    def heard(self, node: Node, block: Block) -> bool:
        """Whether something outside a block reads a node of it."""
        return any(source == node.name and target not in block.names for source, target in self.graph.edges)

    def read(self, reader: str, sources: Sequence[str]) -> Folded:
        """The sum of values. Those that are steady are added to the others last, in every step."""
        groups = [[n for n in sources if self.values[n].steady is steady] for steady in (False, True)]
        moving, steady = (self.writer.total([self.values[n].name for n in g], reader) if g else None for g in groups)
        if moving is None or steady is None:
            return Folded(moving or steady or "", steady=moving is None)
        shape = self.by_step(self.shapes[sources[0]])
        parts = [self.writer.op("Reshape", part, shape, name=reader) for part in (moving, steady)]
        return Folded(self.fold(self.writer.total(parts, reader), sources[0]), steady=False)

    def each_step(self, reader: str, sources: Sequence[str]) -> str:
        """As `read`, [T, B, ...] for all time steps."""
        found, shape = self.read(reader, sources), self.shapes[sources[0]]
        steps = self.writer.op("Reshape", found.name, self.by_step(shape), name=reader)
        if not found.steady:
            return steps
        repeats = [self.steps, self.writer.integers(*(1 for _ in range(1 + len(shape))))]
        return self.writer.op("Expand", steps, self.writer.op("Concat", *repeats, name="repeats", axis=0), name=reader)

    def delay(self, node: Node) -> None:
        """Let what a node gives come one step later; nothing comes in the first step."""
        shape, op = self.shapes[node.name], self.writer.op
        steps = self.each_step(node.name, [node.name])
        before = op("Slice", steps, self.writer.integers(0), self.writer.integers(-1), name=node.name)
        nothing = op("Unsqueeze", self.zeros(shape), name=node.name, axes=[0])
        later = op("Concat", nothing, before, name=node.name, axis=0)
        self.add(node.name, self.fold(later, node.name), steady=False)

    def zeros(self, shape: Shape) -> str:
        """The state before the first step [B, ...]."""
        size = self.writer.op("Concat", self.batch, self.writer.integers(*shape), name="state", axis=0)
        zero = helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0])
        return self.writer.op("ConstantOfShape", size, name="state", value=zero)

    def fold(self, value: str, node: str) -> str:
        """[T, B, ...] as [T * B, ...]."""
        return self.writer.op("Reshape", value, self.writer.integers(-1, *self.shapes[node]), name=node)

    def by_step(self, shape: Shape) -> str:
        """The shape [-1, B, ...], which makes [T, B, ...] of [T * B, ...]."""
        parts = [self.writer.integers(-1), self.batch, self.writer.integers(*shape)]
        return self.writer.op("Concat", *parts, name="by_step", axis=0)
