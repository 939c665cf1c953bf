"""A plain loop over a lowered graph, one node after the other, and graphs on which it is exact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from export.graph import INPUT, OUTPUT, Affine, Conv, Flatten, Graph, Neurons, SumPool
from export.lower import lower
from export.trace import Trace
from msenas.phenotype.network import Network
from msenas.phenotype.plan import Plan
from tests.export.networks import convolve, tensors_of


def play(graph: Graph, frames: np.ndarray) -> Trace:
    """Outputs and spikes [T, B, ...] for frames [T, B, C, H, W], in float64."""
    v = {node.name: 0.0 for node in graph.populations}
    late = {node.name: 0.0 for node in graph.nodes if is_late(node)}
    outputs, trains = [], {name: [] for name in v}
    for frame in frames.astype(np.float64):
        now = {INPUT: frame, **late}
        for node in [n for n in graph.nodes if not is_late(n)]:
            x = sum(now[source] for source in graph.sources[node.name])
            if isinstance(node, Neurons):
                v[node.name] = v[node.name] * (1 - 1 / node.tau if node.kind == "lif" else 1) + x
                now[node.name] = (v[node.name] > node.v_th).astype(np.float64)
                v[node.name] = np.where(now[node.name] > 0, 0, v[node.name])
                trains[node.name].append(now[node.name].astype(np.uint8))
            else:
                now[node.name] = through(node, x)
        outputs.append(sum(now[source] for source in graph.sources[OUTPUT]))
        for name in late:
            late[name] = through(graph.by_name[name], sum(now[source] for source in graph.sources[name]))
    return Trace(np.stack(outputs), {name: np.stack(train) for name, train in trains.items()})


def is_late(node: object) -> bool:
    return isinstance(node, Conv) and node.delayed


def through(node: object, x: np.ndarray) -> np.ndarray:
    """A node without a state, on [B, ...]."""
    match node:
        case Conv():
            return convolve(x, node)
        case SumPool(size=(a, b)):
            return np.lib.stride_tricks.sliding_window_view(x, (a, b), axis=(2, 3))[:, :, ::a, ::b].sum((4, 5))
        case Flatten():
            return x.reshape(len(x), -1)
        case Affine():
            return x @ node.weight.T.astype(np.float64) + node.bias
    raise TypeError(type(node).__name__)


GRID = 2.0**-5
"""Weights and frames are multiples of it, so that float32 sums are exact in any order."""


def on_grid(values: np.ndarray) -> np.ndarray:
    return (np.round(values / GRID) * GRID).astype(np.float32)


def exact_graph(plan: Plan, seed: int = 0, read: str = "current") -> Graph:
    """The lowered graph of a random network, with synapses on a grid; biases keep all populations firing."""
    network, rng = Network(plan, seed, lif="norse").eval(), np.random.default_rng(seed)
    graph = lower(plan, tensors_of(network), read, {"seed": seed})

    def exact(node: object) -> object:
        if not isinstance(node, Conv):
            return node
        bias = rng.uniform(0, 0.5, node.bias.shape) * (node.weight.any() and not node.delayed and not node.inhibitory)
        return replace(node, weight=on_grid(node.weight), bias=on_grid(bias))

    return replace(graph, nodes=tuple(map(exact, graph.nodes)))


def frames_for(graph: Graph, steps: int, batch: int, seed: int = 0) -> np.ndarray:
    """Frames [T, B, C, H, W] on the grid."""
    return on_grid(np.random.default_rng(seed).normal(size=(steps, batch, *graph.input_shape)))
