"""From the nodes of a NIR graph to the terms of what each neuron receives.

Between neurons there are linear nodes alone. What a neuron receives is a sum of terms, each the spikes of some sources
through one linear map, and of a constant for each channel. A vector counts as the map [C, H, W] that was flattened into
it, or as [N, 1, 1], so that a dense layer is a convolution with a kernel as large as that map.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import networkx as nx
import nir
import numpy as np

from export.linear import Array, Linear, check_numbers, evenly_padded, numbers_of, spread
from export.nir_check import Checked, at_node
from export.nir_shapes import flat_axes, padding_of
from msenas.errors import InputError

NEURONS = (nir.IF, nir.LIF)
Map = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Term:
    """What some sources contribute.

    Attributes:
        sources: names of neurons, or of the input alone.
        late: whether it is what they fired in the step before.
        linear: what it passes.
        gives: [C, H, W] of what it gives.
    """

    sources: tuple[str, ...]
    late: bool
    linear: Linear
    gives: Map


@dataclass(frozen=True, eq=False)
class Sum:
    """Terms [C, H, W], and a constant for each channel [C] (None is 0)."""

    terms: tuple[Term, ...]
    constant: Array | None = None


@dataclass(frozen=True, eq=False)
class Wiring:
    """What the neurons and the output of a graph receive, and the map of each neuron and of the input."""

    received: Mapping[str, Sum]
    maps: Mapping[str, Map]


def follow(graph: Checked, input_map: Map) -> Wiring:
    """Follow all linear nodes.

    Args:
        graph: the graph.
        input_map: [C, H, W] of the input.

    Raises:
        InputError: A node is of a type that cannot be imported, or cannot be put together with its neighbours.
    """
    nodes = graph.graph.nodes
    for name, node in nodes.items():
        if type(node) not in (*LINEAR, *NEURONS, nir.Input, nir.Output):
            known = ", ".join(kind.__name__ for kind in (*LINEAR, *NEURONS))
            kind = type(node).__name__
            raise InputError(f"node {name!r} is {kind}, which cannot be imported; of NIR these can: {known}")
    maps = _maps(graph, input_map)
    given: dict[str, Sum] = {
        name: Sum((Term((name,), False, Linear(), maps[name]),))
        for name, node in nodes.items()
        if isinstance(node, (*NEURONS, nir.Input))
    }
    received, numbers = {}, 0
    for name in _linear_first(graph):
        node = nodes[name]
        with at_node(name, type(node).__name__):
            arriving = _added(graph, given, name)
            if type(node) in LINEAR:
                given[name] = _through(node, arriving)
                numbers += numbers_of(term.linear for term in given[name].terms)
                check_numbers(numbers)
            else:
                received[name] = arriving
    return Wiring(received, maps)


def _maps(graph: Checked, input_map: Map) -> dict[str, Map]:
    """The map behind what each node gives."""
    maps = {graph.input: input_map}
    for name in graph.order.nodes:
        shape, node = graph.shapes[name], graph.graph.nodes[name]
        if name == graph.input:
            continue
        known = [source for source in graph.sources[name] if (source, name) not in graph.order.late]
        keeps = isinstance(node, (*NEURONS, nir.Flatten, nir.Scale, nir.Output)) and known
        maps[name] = maps[known[0]] if keeps and len(shape) == 1 else _map(shape, name)
    return maps


def _map(shape: tuple[int, ...], name: str) -> Map:
    if len(shape) == 3:
        return shape[0], shape[1], shape[2]
    if len(shape) == 1:
        return shape[0], 1, 1
    raise InputError(f"node {name!r} gives {list(shape)}; maps [C, H, W] and vectors can be imported")


def _linear_first(graph: Checked) -> list[str]:
    """All nodes but the input: linear ones each after the linear ones that it reads, then neurons and the output."""
    nodes = graph.graph.nodes
    linear = [name for name, node in nodes.items() if type(node) in LINEAR]
    wires = nx.DiGraph()
    wires.add_nodes_from(linear)
    wires.add_edges_from((a, b) for b in linear for a in graph.sources[b] if a in wires)
    rest = [name for name in graph.order.nodes if name not in wires and name != graph.input]
    return [*nx.topological_sort(wires), *rest]


def _added(graph: Checked, given: Mapping[str, Sum], name: str) -> Sum:
    """The sum of all that a node reads; spikes that have not passed any weight yet are one term."""
    check_numbers(numbers_of(term.linear for source in graph.sources[name] for term in given[source].terms))
    terms: dict[Any, Term] = {}
    constants: list[Array] = []
    for source in graph.sources[name]:
        late, arriving = (source, name) in graph.order.late, given[source]
        if arriving.constant is not None:
            if late:
                raise InputError(f"is given a bias by {source!r}, which is late: in the first step it would be missing")
            constants.append(arriving.constant)
        for term in arriving.terms:
            if late and term.late:
                raise InputError(f"is two steps behind {term.sources[0]!r}; one step is possible")
            term = replace(term, late=term.late or late)
            before = terms.get(key := _meeting(term, graph.input))
            if before is None:
                terms[key] = term
            elif set(before.sources) & set(term.sources):
                terms[term] = term
            else:
                terms[key] = replace(before, sources=before.sources + term.sources)
    maps = {term.gives for term in terms.values()}
    if len(maps) > 1 and (constants or not isinstance(graph.graph.nodes[name], DENSE)):
        raise InputError("is given vectors that are flattened from maps of different shapes")
    return Sum(tuple(terms.values()), np.sum(constants, 0) if constants else None)


def _meeting(term: Term, start: str) -> object:
    """What terms have in common that are one synapse."""
    if term.linear.weight is not None or term.sources == (start,):
        return term
    return term.linear.pool, term.linear.factor, term.late, term.gives


def _through(node: nir.NIRNode, arriving: Sum) -> Sum:
    """What a linear node gives."""
    rule = LINEAR[type(node)]
    terms, constant = [], None
    for term in arriving.terms:
        step = rule(node, term.gives)
        terms.append(replace(term, linear=step.after(term.linear), gives=step.gives))
        constant = step.constant(arriving.constant)
    return Sum(tuple(terms), constant)


@dataclass(frozen=True, eq=False)
class Step:
    """One linear node: sums over windows, a factor, a convolution, and a bias, as far as it has them."""

    gives: Map
    window: tuple[int, int] | None = None
    scale: Array | None = None
    weight: Array | None = None
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    bias: Array | None = None

    def after(self, linear: Linear) -> Linear:
        """This node behind a linear map."""
        if self.window is not None:
            linear = linear.pooled(self.gives[0], self.window, self.stride, self.padding)
        if self.scale is not None:
            linear = linear.scaled(self.scale)
        return linear if self.weight is None else linear.convolved(self.weight, self.stride, self.padding)

    def constant(self, given: Array | None) -> Array | None:
        """What becomes of a constant for each channel [C], this node's own bias added."""
        if given is not None:
            if self.padding != (0, 0):
                raise InputError("pads a map that has a bias; put neurons between")
            given = given if self.window is None else given * (self.window[0] * self.window[1])
            given = given if self.scale is None else given * self.scale
            given = given if self.weight is None else self.weight.sum((2, 3)) @ given
        own = self.bias if self.bias is not None and self.bias.any() else None
        return own if given is None else given if own is None else given + own


def _conv(node: nir.Conv2d, reads: Map) -> Step:
    weight = spread(node.weight.astype(np.float64), node.dilation, node.groups)
    weight, padding = evenly_padded(weight, padding_of(node))
    sides = (
        (side + 2 * pad - kernel) // stride + 1
        for side, pad, kernel, stride in zip(reads[1:], padding, weight.shape[2:], node.stride, strict=True)
    )
    height, width = sides
    bias = node.bias.astype(np.float64)
    return Step((len(weight), height, width), None, None, weight, node.stride, padding, bias)


def _dense(node: nir.Affine | nir.Linear, reads: Map) -> Step:
    if node.weight.ndim != 2:
        raise InputError(f"has weights {list(node.weight.shape)}; [N, M] can be imported")
    weight = node.weight.astype(np.float64).reshape(-1, *reads)
    bias = node.bias.astype(np.float64) if isinstance(node, nir.Affine) else None
    return Step((len(weight), 1, 1), weight=weight, bias=bias)


def _scale(node: nir.Scale, reads: Map) -> Step:
    return Step(reads, scale=per_channel(node.scale, reads, "scale"))


def _pool(node: nir.SumPool2d | nir.AvgPool2d, reads: Map) -> Step:
    window, stride, padding = ((int(pair[0]), int(pair[1])) for pair in (node.kernel_size, node.stride, node.padding))
    height, width = (
        (side + 2 * pad - length) // step + 1
        for side, pad, length, step in zip(reads[1:], padding, window, stride, strict=True)
    )
    gives = reads[0], height, width
    if isinstance(node, nir.SumPool2d):
        return Step(gives, window, stride=stride, padding=padding)
    if padding != (0, 0):
        raise InputError("averages over padding, for which simulators have different rules")
    return Step(gives, window, np.full(reads[0], 1.0 / (window[0] * window[1])), stride=stride)


def _flatten(node: nir.Flatten, reads: Map) -> Step:
    axes = len(node.input_type["input"])
    if flat_axes(node, axes) != (0, axes - 1):
        raise InputError(
            f"flattens axes {node.start_dim} to {node.end_dim} of {axes}; only all of them can be imported"
        )
    return Step(reads)


def per_channel(values: Any, shape: Map, name: str) -> Array:  # noqa: ANN401
    """One number for each channel [C] of a field with one for each neuron.

    Raises:
        InputError: They differ within a channel.
    """
    found: Array = np.asarray(values, np.float64).reshape(shape[0], -1)
    if (found != found[:, :1]).any():
        raise InputError(f"{name!r} differs from place to place; one value for each channel can be imported")
    return found[:, 0]


Rule = Callable[[Any, Map], Step]
DENSE = (nir.Affine, nir.Linear)
LINEAR: dict[type[nir.NIRNode], Rule] = {
    nir.Conv2d: _conv,
    nir.Affine: _dense,
    nir.Linear: _dense,
    nir.Scale: _scale,
    nir.SumPool2d: _pool,
    nir.AvgPool2d: _pool,
    nir.Flatten: _flatten,
}
"""What each linear node does, by its type."""
