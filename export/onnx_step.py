"""One time step of a lowered graph as an ONNX graph: the frame and the state go in, scores and the new state come out.

The state is the potential of each population after its reset, and for each delayed synapse the current that it will
give in the next step. Both are 0 in the beginning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from onnx import GraphProto

from export.blocks import Block, delayed, shapes, whole
from export.graph import INPUT, OUTPUT, Graph, Neurons, Node
from export.onnx_nodes import apply, fire
from export.onnx_writer import Writer, floats

FRAME, SCORES, BATCH = "frame", "scores", "batch"
"""Names of the input and the output, and of the number of samples."""
AFTER = "next_"
"""A state that comes out has the name of that which goes in, after this."""
SPIKES = "spikes_"
"""In models of any form the spikes of a population have its name after this; whoever wants them makes them outputs."""


def with_state(node: Node) -> bool:
    """Whether a node keeps something from one step to the next."""
    return isinstance(node, Neurons) or delayed(node)


def told_as(kind: str, population: str) -> str:
    """Name of something of a population outside the model."""
    return kind + population.replace(".", "_")


def state_name(node: Node) -> str:
    """Name of the state that goes into a model of one step."""
    return told_as("state_", node.population) if isinstance(node, Neurons) else f"delayed_{node.name}"


@dataclass(frozen=True)
class Stepped:
    """Values of one time step, by the names of the nodes.

    Attributes:
        now: what each node gives.
        after: the state that each node keeps for the next step.
    """

    now: dict[str, str]
    after: dict[str, str]


def step(block: Block, writer: Writer, graph: Graph, outside: Mapping[str, str], state: Mapping[str, str]) -> Stepped:
    """Write one time step of a block.

    Args:
        block: its nodes.
        writer: receives the operators.
        graph: tells what each node reads.
        outside: for nodes that read something from outside the block, the sum of that.
        state: for nodes with a state, its value before this step.
    """
    now: dict[str, str] = {}
    after: dict[str, str] = {}

    def read(node: Node) -> str:
        inside = [now[source] for source in graph.sources[node.name] if source in now]
        return writer.total([*inside, *([outside[node.name]] if node.name in outside else [])], node.name)

    for node in block.nodes:
        if delayed(node):
            now[node.name] = state[node.name]
        elif isinstance(node, Neurons):
            now[node.name], after[node.name] = fire(node, writer, read(node), state[node.name])
        else:
            now[node.name] = apply(node, writer, read(node))
    for node in block.nodes:
        if delayed(node):
            after[node.name] = apply(node, writer, read(node))
    return Stepped(now, after)


def step_graph(graph: Graph) -> GraphProto:
    """The model of one step: `frame` [B, C, H, W] and the states in, `scores` [B, classes] and the new states out.

    The score of a sequence is the mean of the scores of its steps.

    Raises:
        InputError: The graph cannot be computed in one pass.
    """
    block, shape, writer = whole(graph), shapes(graph), Writer()
    keepers = [node for node in graph.nodes if with_state(node)]
    outside = {target: FRAME for source, target in graph.edges if source == INPUT and target != OUTPUT}
    done = step(block, writer, graph, outside, {node.name: state_name(node) for node in keepers})
    scores = writer.total([done.now[source] for source in graph.sources[OUTPUT]], SCORES)
    states = [(done.after[node.name], AFTER + state_name(node)) for node in keepers]
    spikes = [(done.now[node.name], told_as(SPIKES, node.population)) for node in graph.populations]
    writer.publish([*states, *spikes, (scores, SCORES)])
    return writer.graph(
        "step",
        [floats(FRAME, BATCH, *graph.input_shape), *(floats(state_name(n), BATCH, *shape[n.name]) for n in keepers)],
        [
            floats(SCORES, BATCH, *shape[graph.sources[OUTPUT][0]]),
            *(floats(AFTER + state_name(n), BATCH, *shape[n.name]) for n in keepers),
        ],
    )
