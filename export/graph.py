"""The lowered graph: a network with its weights as plain nodes and edges, from which every format is written.

Nothing is left to interpret. Normalisation is folded, and signs and gains of neurons are in the weights. Spikes that a
convolution reads together meet in front of it, currents meet in front of the neurons; edges that meet are summed.

Neurons keep v <- (1 - 1/tau) v + I ("lif") or v <- v + I ("if"), fire when v > v_th, and are reset to 0. A synapse that
is `delayed` acts one time step after its sources fire (with nothing in the first step); all else acts at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

INPUT, OUTPUT = "input", "output"
"""Ends of the graph."""
READOUTS = ("current", "spikes")
"""What OUTPUT can give; see `Graph.read`."""

Floats = NDArray[np.float32]
Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Conv:
    """One synapse: a convolution with a square kernel.

    Attributes:
        name: of the node.
        weight: [C_out, C_in, k, k].
        bias: [C_out]; 0 in a delayed synapse.
        stride: in both directions.
        padding: pixels of zeros on each side.
        input_shape: [C_in, H, W].
        inhibitory: no weight is positive.
        delayed: it carries the spikes of the previous time step.
    """

    name: str
    weight: Floats
    bias: Floats
    stride: int
    padding: int
    input_shape: Shape
    inhibitory: bool = False
    delayed: bool = False


@dataclass(frozen=True)
class Neurons:
    """One population.

    Attributes:
        name: of the node.
        population: its name in the plan.
        shape: [C, H, W].
        kind: "lif" or "if".
        tau: membrane time constant in time steps (only "lif").
        v_th: threshold.
    """

    name: str
    population: str
    shape: Shape
    kind: str
    tau: float
    v_th: float


@dataclass(frozen=True)
class SumPool:
    """The sum over windows of `size` x `size` that do not overlap, of a map [C, H, W]."""

    name: str
    input_shape: Shape
    size: tuple[int, int]


@dataclass(frozen=True)
class Flatten:
    """A map [C, H, W] as one vector, in C order."""

    name: str
    input_shape: Shape


@dataclass(frozen=True, eq=False)
class Affine:
    """Weight [N, M] and bias [N] on a vector [M]."""

    name: str
    weight: Floats
    bias: Floats


Node = Conv | Neurons | SumPool | Flatten | Affine


@dataclass(frozen=True, eq=False)
class Graph:
    """A lowered network.

    Attributes:
        input_shape: [C, H, W] of one frame.
        steps: time steps T of an inference.
        nodes: in an order in which every node that acts at once comes after what it reads; delayed synapses last.
            Names sort in this order.
        edges: (source, target), from INPUT to OUTPUT.
        read: what OUTPUT gives: "current" (class scores of each step, whose mean over the steps is the score) or
            "spikes" (of one neuron for each class).
        about: what is told about the network and not needed to run it; plain values for JSON.
    """

    input_shape: Shape
    steps: int
    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]
    read: str
    about: Mapping[str, Any]

    @cached_property
    def by_name(self) -> dict[str, Node]:
        """Node for each name."""
        return {node.name: node for node in self.nodes}

    @cached_property
    def sources(self) -> dict[str, tuple[str, ...]]:
        """What each node, and OUTPUT, reads; the sum of it if there are several."""
        found: dict[str, list[str]] = {name: [] for name in (*self.by_name, OUTPUT)}
        for source, target in self.edges:
            found[target].append(source)
        return {name: tuple(names) for name, names in found.items()}

    @property
    def populations(self) -> tuple[Neurons, ...]:
        """The populations, in order."""
        return tuple(node for node in self.nodes if isinstance(node, Neurons))
