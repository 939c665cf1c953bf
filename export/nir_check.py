"""A NIR graph, checked whole: ends, edges, shapes, loops, order."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import networkx as nx
import nir
import numpy as np

from export.hdf5 import shown
from export.nir_fields import STATEFUL, Shape, fields_of, node_of
from export.nir_order import Edge, Order, order_of
from export.nir_shapes import declared_shape, output_shape
from msenas.errors import InputError

MOST_NODES = 1 << 11
MOST_EDGES = 1 << 14
MOST_SIGNALS = 1 << 27
"""Numbers of all signals together."""

Nodes = Mapping[str, nir.NIRNode]
Sources = dict[str, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class Checked:
    """A graph that can be run.

    Attributes:
        graph: nodes in alphabetical order and in one form (pairs of int, full shapes, types filled in).
        input: name of the input.
        output: name of the output.
        sources: what each node reads, in the order of the edges; their sum if there are several.
        shapes: shape of what each node gives, without batch and time.
        order: in which the nodes act, and which edges are late.
    """

    graph: nir.NIRGraph
    input: str
    output: str
    sources: Sources
    shapes: dict[str, Shape]
    order: Order


@contextmanager
def at_node(name: str, kind: str = "") -> Iterator[None]:
    """Say in every error at which node it is."""
    try:
        yield
    except InputError as error:
        raise InputError(f"node {shown(name)}{f' ({shown(kind)[1:-1]})' if kind else ''}: {error}") from None


def checked(graph: nir.NIRGraph) -> Checked:
    """Check a graph that was made by hand or by another program; it is not changed.

    Raises:
        InputError: The graph cannot be run, or is beyond the bounds.
    """
    nodes = {}
    for name in sorted(graph.nodes):
        kind = type(graph.nodes[name]).__name__
        with at_node(name, kind):
            nodes[name] = node_of(kind, {} if kind == "NIRGraph" else fields_of(graph.nodes[name]))
            nodes[name].metadata = graph.nodes[name].metadata
    return wired(nodes, [(source, target) for source, target in graph.edges], graph.metadata)


def wired(nodes: Nodes, edges: Sequence[Edge], metadata: Mapping[str, Any]) -> Checked:
    """Check how nodes made by `node_of`, in alphabetical order, are put together.

    Raises:
        InputError: As `checked`.
    """
    if len(nodes) > MOST_NODES or len(edges) > MOST_EDGES:
        bounds = f"at most {MOST_NODES:,} and {MOST_EDGES:,} are read"
        raise InputError(f"has {len(nodes):,} nodes and {len(edges):,} edges; {bounds}")
    start, end = _end(nodes, nir.Input), _end(nodes, nir.Output)
    sources = _sources(nodes, edges)
    _all_on_the_way(edges, nodes, start, end)
    _no_loop_without_state(nodes, edges)
    shapes = _shapes(nodes, sources, start)
    for name, node in nodes.items():
        read = shapes[sources[name][0]] if sources[name] else shapes[name]
        node.input_type, node.output_type = {"input": np.array(read)}, {"output": np.array(shapes[name])}
        if isinstance(node, nir.Conv2d):
            node.input_shape = read[1:]
    graph = nir.NIRGraph(dict(nodes), list(edges), dict(metadata or {}), type_check=False)
    return Checked(graph, start, end, sources, shapes, order_of(sources, start))


def _end(nodes: Nodes, kind: type[nir.NIRNode]) -> str:
    found = [name for name, node in nodes.items() if isinstance(node, kind)]
    if len(found) != 1:
        names = f" ({', '.join(map(shown, found[:4]))})" if found else ""
        raise InputError(f"has {len(found)} nodes of type {kind.__name__}{names}; networks with one are read")
    return found[0]


def _sources(nodes: Nodes, edges: Sequence[Edge]) -> Sources:
    sources: dict[str, list[str]] = {name: [] for name in nodes}
    for source, target in edges:
        for name in (source, target):
            if name not in nodes:
                raise InputError(f"the edge {shown(source)} -> {shown(target)} has an end that is no node")
        sources[target].append(source)
    twice = [edge for edge, count in Counter(edges).items() if count > 1]
    if twice:
        raise InputError(f"the edge {shown(twice[0][0])} -> {shown(twice[0][1])} is there twice")
    return {name: tuple(read) for name, read in sources.items()}


def _all_on_the_way(edges: Sequence[Edge], nodes: Nodes, start: str, end: str) -> None:
    """Every node must hear the input and be heard by the output; nothing enters the one or leaves the other."""
    for source, target in edges:
        if target == start or source == end:
            raise InputError(f"the edge {shown(source)} -> {shown(target)} enters the input or leaves the output")
    graph = nx.DiGraph(edges)
    graph.add_nodes_from(nodes)
    for found, fault in (
        (nx.descendants(graph, start) | {start}, "hears nothing of the input"),
        (nx.ancestors(graph, end) | {end}, "has no way to the output"),
    ):
        lost = sorted(set(nodes) - found)
        if lost:
            raise InputError(f"node {shown(lost[0])} {fault}")


def _no_loop_without_state(nodes: Nodes, edges: Sequence[Edge]) -> None:
    plain = {name for name, node in nodes.items() if not isinstance(node, STATEFUL)}
    graph = nx.DiGraph([edge for edge in edges if plain.issuperset(edge)])
    try:
        loop = nx.find_cycle(graph)
    except nx.NetworkXNoCycle:
        return
    names = " -> ".join(shown(source) for source, _ in loop[:4])
    raise InputError(f"has a loop without a neuron in it: {names}")


def _shapes(nodes: Nodes, sources: Sources, start: str) -> dict[str, Shape]:
    """Shape of what each node gives, found along the edges from the input and then compared at every edge."""
    readers: dict[str, list[str]] = {name: [] for name in nodes}
    for name, read in sources.items():
        for source in read:
            readers[source].append(name)
    given: dict[str, Shape] = {}
    to_do = [(start, declared_shape(nodes[start]) or ())]
    while to_do:
        name, shape = to_do.pop()
        if name in given:
            continue
        with at_node(name, type(nodes[name]).__name__):
            given[name] = output_shape(nodes[name], shape)
        to_do += [(reader, given[name]) for reader in readers[name]]
    for name, read in sources.items():
        for source in read:
            with at_node(name, type(nodes[name]).__name__):
                if output_shape(nodes[name], given[source]) != given[name] or given[source] != given[read[0]]:
                    raise InputError(
                        f"is given {list(given[read[0]])} and {list(given[source])}, which cannot be summed"
                    )
    total = sum(map(math.prod, given.values()))
    if total > MOST_SIGNALS:
        raise InputError(f"its signals have {total:,} numbers; at most {MOST_SIGNALS:,} are read")
    return given
