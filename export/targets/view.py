"""A NIR graph with what the rules ask about it: neighbours, shapes, loops, late edges, what the file tells of itself.

An edge of a loop acts one time step late if its target is computed before its source. NIR does not say which order that
is; readers take the order of the names, which is the order in which a file gives its nodes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import networkx as nx
import nir
import numpy as np
import numpy.typing as npt

from export.nir_about import about
from export.nir_order import Edge, order_of
from msenas.errors import InputError

Shape = tuple[int, ...]
Pair = tuple[int, int]
NEURONS = (nir.IF, nir.LIF, nir.CubaLIF)
"""Nodes that fire."""
STATEFUL = (*NEURONS, nir.LI, nir.CubaLI, nir.I, nir.Delay)
SYNAPSES = (nir.Conv1d, nir.Conv2d, nir.Affine, nir.Linear)
"""Nodes with weights."""
PASSING = (nir.SumPool2d, nir.AvgPool2d, nir.Flatten)
"""Nodes that spikes pass on their way to a synapse."""


@dataclass(frozen=True, eq=False)
class View:
    """A graph as the rules see it; nothing of it is changed."""

    graph: nir.NIRGraph

    @cached_property
    def nodes(self) -> dict[str, nir.NIRNode]:
        """Nodes in the order of their names."""
        return dict(sorted(self.graph.nodes.items()))

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Edges in the order of the file."""
        return tuple((str(source), str(target)) for source, target in self.graph.edges)

    @cached_property
    def sources(self) -> dict[str, tuple[str, ...]]:
        """What each node reads."""
        return self._neighbours((target, source) for source, target in self.edges)

    @cached_property
    def readers(self) -> dict[str, tuple[str, ...]]:
        """What reads each node."""
        return self._neighbours(self.edges)

    def _neighbours(self, edges: Iterable[Edge]) -> dict[str, tuple[str, ...]]:
        """The second ends of edges by the first."""
        found: dict[str, list[str]] = {name: [] for name in self.nodes}
        for name, other in edges:
            if name in found:
                found[name].append(other)
        return {name: tuple(others) for name, others in found.items()}

    def of(self, *kinds: type[nir.NIRNode]) -> Iterator[tuple[str, Any]]:
        """The nodes of some types with their names."""
        for name, node in self.nodes.items():
            if isinstance(node, kinds):
                yield name, node

    def shape(self, name: str) -> Shape:
        """Shape of what a node gives; empty where the graph does not tell."""
        return _shape(self.nodes[name].output_type)

    def input_shape(self, name: str) -> Shape:
        """Shape of what a node reads; empty where the graph does not tell."""
        return _shape(self.nodes[name].input_type)

    @cached_property
    def loops(self) -> tuple[tuple[str, ...], ...]:
        """The nodes of each loop, sorted; loops that share nodes are one."""
        graph = nx.DiGraph(self.edges)
        groups = (sorted(g) for g in nx.strongly_connected_components(graph))
        return tuple(sorted(tuple(g) for g in groups if len(g) > 1 or graph.has_edge(g[0], g[0])))

    @cached_property
    def loop_of(self) -> dict[str, int]:
        """Index of the loop of each node that is on one."""
        return {name: i for i, loop in enumerate(self.loops) for name in loop}

    def in_loop(self, edge: Edge) -> bool:
        """Whether an edge is a part of a loop."""
        source, target = edge
        return source in self.loop_of and self.loop_of[source] == self.loop_of.get(target)

    @cached_property
    def late_by_name(self) -> frozenset[Edge]:
        """Edges whose source does not come before their target in the order of names."""
        ends = dict(self.of(nir.Input, nir.Output))
        return frozenset((s, t) for s, t in self.edges if s >= t and s not in ends and t not in ends)

    @cached_property
    def late_by_wiring(self) -> frozenset[Edge] | None:
        """Edges that act one step late where nirtorch wires the graph; None if it would wait for ever."""
        starts = [name for name, _ in self.of(nir.Input)] + [name for name in self.nodes if not self.sources[name]]
        reached, queue = set(starts), deque(starts)
        while queue:
            new = set(self.readers[queue.popleft()]) - reached
            reached |= new
            queue.extend(new)
        if not starts or len(reached) < len(self.nodes):
            return None
        return order_of(self.sources, starts[0]).late

    @cached_property
    def late(self) -> frozenset[Edge]:
        """Edges that act one step late."""
        return self.late_by_name if self.late_by_wiring is None else self.late_by_wiring

    @cached_property
    def ordered(self) -> tuple[str, ...]:
        """Nodes in an order in which all that acts at once comes after what it reads."""
        graph = nx.DiGraph(edge for edge in self.edges if edge not in self.late)
        graph.add_nodes_from(self.nodes)
        return tuple(nx.lexicographical_topological_sort(graph))

    def firing(self, name: str) -> tuple[str, ...]:
        """The neurons and inputs whose values reach a node through nothing but pooling and flattening."""
        found: list[str] = []
        seen, queue = {name}, deque(self.sources[name])
        while queue:
            source = queue.popleft()
            if source in seen:
                continue
            seen.add(source)
            if isinstance(self.nodes[source], PASSING):
                queue.extend(self.sources[source])
            else:
                found.append(source)
        return tuple(found)

    @cached_property
    def about(self) -> Mapping[str, Any]:
        """What the exporter of this tool wrote about the network; empty for files of others, or if it is damaged."""
        try:
            return about(self.graph)
        except InputError:
            return {}


def _shape(types: Mapping[str, Any] | None) -> Shape:
    values = [] if types is None else [v for v in types.values() if v is not None]
    return tuple(int(size) for size in np.atleast_1d(values[0])) if len(values) == 1 else ()


def pair(value: npt.ArrayLike) -> Pair:
    """A stride, padding, dilation or kernel as (rows, columns)."""
    sizes = [int(size) for size in np.atleast_1d(value)]
    return (sizes[0], sizes[0]) if len(sizes) == 1 else (sizes[0], sizes[1])
