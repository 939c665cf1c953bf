"""Weights on the integer grids of chips.

Every synapse gets, for each output channel, one scale, and its weights integers of 8 or 4 bits that are symmetric
around 0 (so an inhibitory weight stays one, and no weight stays no weight); the bias of the channel is an integer of
32 bits of the same scale. The graph keeps weights in float32, equal to integer times scale, so that everything that
reads a graph runs the quantised network as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from export.graph import Affine, Conv, Floats, Graph, Node
from msenas.errors import InputError

BITS = (4, 8)
"""Widths of a weight that can be asked for."""
LARGEST_BIAS = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Codes:
    """The integers of one synapse.

    Attributes:
        weight: of the shape of the weight.
        bias: [C_out].
        scale: [C_out]; times an integer it is the weight or bias.
    """

    weight: NDArray[np.int8]
    bias: NDArray[np.int32]
    scale: Floats


@dataclass(frozen=True)
class Drift:
    """What rounding does to the weights of one node.

    Attributes:
        node: its name.
        largest: largest difference of a weight.
        relative: root mean square of the differences over that of the weights; 0 if all weights are 0.
    """

    node: str
    largest: float
    relative: float


@dataclass(frozen=True, eq=False)
class Quantised:
    """A quantised network.

    Attributes:
        graph: with weights and biases that lie on the grids; `about["quantised"]` tells the bits and, by node, the
            scales, with which a reader gets the integers back from the weights (of files in a convention that leaves
            weights as they are).
        codes: integers by node.
        drift: by node, in the order of the graph.
    """

    graph: Graph
    codes: Mapping[str, Codes]
    drift: tuple[Drift, ...]


def quantise(graph: Graph, bits: int) -> Quantised:
    """The graph with weights of `bits` bits.

    Raises:
        InputError: Another number of bits than BITS.
    """
    if bits not in BITS:
        raise InputError(f"weights can have {' or '.join(map(str, BITS))} bits, not {bits}")
    codes = {node.name: _codes(node, bits) for node in graph.nodes if isinstance(node, Conv | Affine)}
    nodes = tuple(_on_grid(node, codes) for node in graph.nodes)
    drift = tuple(
        _drift(node, now)
        for node, now in zip(graph.nodes, nodes, strict=True)
        if isinstance(node, Conv | Affine) and isinstance(now, Conv | Affine)
    )
    scales = {name: code.scale.tolist() for name, code in codes.items()}
    about = {**graph.about, "quantised": {"bits": bits, "scales": scales}}
    return Quantised(replace(graph, nodes=nodes, about=about), codes, drift)


def _codes(node: Conv | Affine, bits: int) -> Codes:
    """Integers of one node; a channel without weights has the scale that makes its bias exact."""
    weight = node.weight.astype(np.float64).reshape(len(node.bias), -1)
    bias, largest = node.bias.astype(np.float64), 2 ** (bits - 1) - 1
    top, size = np.abs(weight).max(1), np.abs(bias)
    scale = np.maximum(top / largest, size / LARGEST_BIAS)
    scale = np.where(top > 0, scale, np.where(size > 0, size, 1.0)).astype(np.float32)
    # Rounded scales may lie a little below what they should be, and tiny ones at 0.
    scale = np.maximum(scale, np.finfo(np.float32).tiny)
    exact = scale.astype(np.float64)
    integers = np.clip(np.rint(weight / exact[:, None]), -largest, largest).astype(np.int8)
    shifts = np.clip(np.rint(bias / exact), -LARGEST_BIAS, LARGEST_BIAS).astype(np.int32)
    return Codes(integers.reshape(node.weight.shape), shifts, scale)


def _on_grid(node: Node, codes: Mapping[str, Codes]) -> Node:
    if not isinstance(node, Conv | Affine):
        return node
    code = codes[node.name]
    scale = code.scale.astype(np.float64)
    weight = code.weight * scale.reshape(-1, *(1,) * (node.weight.ndim - 1))
    return replace(node, weight=weight.astype(np.float32), bias=(code.bias * scale).astype(np.float32))


def _drift(before: Conv | Affine, after: Conv | Affine) -> Drift:
    error = after.weight.astype(np.float64) - before.weight
    size = np.sqrt(np.mean(np.square(before.weight, dtype=np.float64)))
    relative = float(np.sqrt(np.mean(error**2)) / size) if size > 0 else 0.0
    return Drift(before.name, float(np.abs(error).max()), relative)
