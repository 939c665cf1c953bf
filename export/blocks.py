"""Parts of a lowered graph that are computed together: single nodes, and loops through delayed synapses."""

from __future__ import annotations

from dataclasses import dataclass, replace

import networkx as nx

from export.graph import INPUT, OUTPUT, Affine, Conv, Graph, Neurons, Node, Shape, SumPool
from msenas.errors import InputError


@dataclass(frozen=True, eq=False)
class Block:
    """Nodes in the order in which a time step computes them; delayed synapses are first, as they hold what they give.

    Attributes:
        nodes: one, or those of a loop.
        loop: whether they read each other through time.
    """

    nodes: tuple[Node, ...]
    loop: bool

    @property
    def names(self) -> frozenset[str]:
        """Names of the nodes."""
        return frozenset(node.name for node in self.nodes)


def whole(graph: Graph) -> Block:
    """All nodes as one block.

    Raises:
        InputError: A node reads what is not computed yet, or a delayed synapse has a bias.
    """
    ready = {INPUT} | {node.name for node in graph.nodes if delayed(node)}
    for node in graph.nodes:
        if isinstance(node, Conv) and node.delayed:
            if node.bias.any():
                raise InputError(f"{node.name}: a delayed synapse has no bias, as nothing arrives in the first step")
            continue
        if late := [source for source in graph.sources[node.name] if source not in ready]:
            raise InputError(f"{node.name} reads {late[0]} before it is computed, and not through a delayed synapse")
        ready.add(node.name)
    return Block(tuple(sorted(graph.nodes, key=lambda node: not delayed(node))), loop=True)


def blocks(graph: Graph) -> tuple[Block, ...]:
    """The parts of a graph, in an order in which each comes after what it reads.

    Raises:
        InputError: As `whole`.
    """
    nodes = whole(graph).nodes
    rank = {node.name: place for place, node in enumerate(graph.nodes)}
    wires = nx.DiGraph([(a, b) for a, b in graph.edges if a != INPUT and b != OUTPUT])
    wires.add_nodes_from(rank)
    parts = nx.condensation(wires)
    members = parts.nodes(data="members")
    order = nx.lexicographical_topological_sort(parts, key=lambda part: min(rank[name] for name in members[part]))
    return tuple(
        Block(
            tuple(node for node in nodes if node.name in members[part]),
            len(members[part]) > 1 or any(wires.has_edge(name, name) for name in members[part]),
        )
        for part in order
    )


def delayed(node: Node) -> bool:
    """Whether a node is a synapse that carries the spikes of the previous time step."""
    return isinstance(node, Conv) and node.delayed


def without_silent(graph: Graph) -> Graph:
    """The graph without synapses that carry nothing (all weights and biases are 0) beside others that carry something.

    Some readers need them to see a loop; here they would only cost time.
    """
    silent = {
        node.name for node in graph.nodes if isinstance(node, Conv) and not node.weight.any() and not node.bias.any()
    }
    for target, sources in graph.sources.items():
        if silent.issuperset(sources):
            silent -= {*sources[:1], target}
    nodes = tuple(node for node in graph.nodes if node.name not in silent)
    edges = tuple((a, b) for a, b in graph.edges if a not in silent and b not in silent)
    return replace(graph, nodes=nodes, edges=edges)


def shapes(graph: Graph) -> dict[str, Shape]:
    """Shape of what each node gives for one sample, and of the input.

    Raises:
        InputError: A node reads nothing, or nodes that are summed have different shapes.
    """
    found: dict[str, Shape] = {INPUT: graph.input_shape}
    found |= {node.name: _shape(node) for node in graph.nodes}
    for target, sources in graph.sources.items():
        if not sources:
            raise InputError(f"{target} reads nothing")
        if len({found[source] for source in sources}) > 1:
            different = ", ".join(f"{source} {list(found[source])}" for source in sources)
            raise InputError(f"{target} reads the sum of maps of different shapes: {different}")
        wanted = _input_shape(graph.by_name[target]) if target != OUTPUT else found[sources[0]]
        if found[sources[0]] != wanted:
            raise InputError(f"{target} reads {list(wanted)}, {sources[0]} gives {list(found[sources[0]])}")
    return found


def _input_shape(node: Node) -> Shape:
    if isinstance(node, Neurons):
        return tuple(node.shape)
    return (node.weight.shape[1],) if isinstance(node, Affine) else tuple(node.input_shape)


def _shape(node: Node) -> Shape:
    if isinstance(node, Neurons):
        return tuple(node.shape)
    if isinstance(node, Affine):
        return (node.weight.shape[0],)
    if isinstance(node, Conv):
        kernel, (_, *sides) = node.weight.shape[-1], node.input_shape
        return (node.weight.shape[0], *((side + 2 * node.padding - kernel) // node.stride + 1 for side in sides))
    if isinstance(node, SumPool):
        channels, *sides = node.input_shape
        return (channels, *(side // window for side, window in zip(sides, node.size, strict=True)))
    channels, height, width = node.input_shape
    return (channels * height * width,)
