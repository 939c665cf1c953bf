"""The lowered graph as NIR: one flat graph that readers of NIR load and run with the same spikes.

NIR writes neurons as tau dv/dt = (v_leak - v) + r I, without a time step. A reader that takes Euler steps of dt gets
v <- (1 - dt/tau) v + (r dt/tau) I, so tau = tau_s dt and r = tau_s give v <- (1 - 1/tau_s) v + I for a membrane time
constant of tau_s steps. Readers differ in what they ignore; a `Convention` is what suits some of them.

Thresholds: our neurons fire when v > v_th. The file holds the next larger float32, because readers that fire when
v >= threshold then do exactly that. Readers that fire when v > threshold do so too, except when v is that next
number itself: one value in four billion, which no potential on a grid of powers of two takes, whereas v_th itself is on
every such grid.

Readers find out by the order of nodes, which is that of their names, which synapses are late: a node that a node
before it reads acts one step later, with nothing in the first step.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
from numpy.typing import NDArray

from export.graph import INPUT, OUTPUT, Affine, Conv, Flatten, Floats, Graph, Neurons, Node, SumPool
from export.nir_about import KEY
from msenas.errors import InputError, unknown
from msenas.runs.files import to_json, write_atomically

SCHEMA = 1
"""Version of the metadata."""
PACKED_FROM = 1 << 16
"""Bytes of an array from which it is compressed; below, the index of its parts takes more than is won."""


@dataclass(frozen=True)
class Convention:
    """How neurons are written.

    Attributes:
        dt: time step in seconds that the file is meant for.
        tau: membrane time constant as written, from that in steps and dt.
        r: resistance as written, from the time constant in steps.
        weight: factor of the weights and biases that leaky neurons receive, from the time constant in steps.
        endless: integrate-and-fire neurons are leaky ones that lose nothing (see ENDLESS) instead of IF nodes.
        euler: readers take Euler steps; neurons of the others cannot be run by simulators that do.
    """

    dt: float
    tau: Callable[[float, float], float]
    r: Callable[[float], float]
    weight: Callable[[float], float]
    endless: bool = False
    euler: bool = True


def _euler(steps: float, dt: float) -> float:
    return steps * dt


def _exponential(steps: float, dt: float) -> float:
    """Time constant in steps of exp(-1/tau) = 1 - 1/steps; neurons that keep nothing get one that leaves nothing."""
    del dt
    return -1.0 / math.log1p(-1.0 / steps) if steps > 1 else 1e-3


def _itself(steps: float) -> float:
    return steps


def _one(steps: float) -> float:
    del steps
    return 1.0


ENDLESS = 2.0**100
"""Time constant in steps of a neuron that loses nothing: 1 - 1/ENDLESS is 1 in any float, and ENDLESS / ENDLESS exact.

Readers do not agree about IF nodes: snnTorch makes them leaky, SpikingJelly wants r = 1/dt, snn-mlir r = 1. All of
them read a leaky neuron that does not leak.
"""

CONVENTIONS: dict[str, Convention] = {
    "portable": Convention(1e-4, _euler, _itself, _one, endless=True),
    # Chips and their tools look for IF nodes.
    "chip": Convention(1e-4, _euler, _itself, _one),
    # Norse ignores r; 1e-3 s is the step that it takes unless told otherwise.
    "norse": Convention(1e-3, _euler, _one, _itself),
    # Sinabs decays by exp(-1/tau) in every step and ignores r.
    "sinabs": Convention(1.0, _exponential, _one, _one, euler=False),
}
"""Ways to write neurons by name."""
OTHER_STEPS = tuple(name for name, convention in CONVENTIONS.items() if not convention.euler)
"""Conventions whose files are run in another form of the same graph."""


def to_nir_graph(graph: Graph, convention: str = "portable") -> nir.NIRGraph:
    """The graph as nodes of NIR, with the metadata described at `metadata`.

    Args:
        graph: the lowered graph.
        convention: key of CONVENTIONS.

    Raises:
        InputError: The convention is unknown.
    """
    if convention not in CONVENTIONS:
        raise InputError(unknown("convention", convention, CONVENTIONS))
    rules = CONVENTIONS[convention]
    classes = next(node.weight.shape[0] for node in graph.nodes if isinstance(node, Affine))
    nodes: dict[str, Any] = {INPUT: nir.Input(input_type={"input": np.array(graph.input_shape)})}
    gains = _gains(graph, rules)
    for node in graph.nodes:
        nodes[node.name] = WRITERS[type(node)](node, rules, gains.get(node.name, 1.0))
    nodes[OUTPUT] = nir.Output(output_type={"output": np.array([classes])})
    told = {KEY: to_json(metadata(graph, convention))}
    return nir.NIRGraph(nodes, list(graph.edges), metadata=told)


def metadata(graph: Graph, convention: str) -> dict[str, Any]:
    """What the file tells about the network; nothing in it is needed to run it.

    `tau` (steps) and `theta` (the threshold before it was raised to the next float32) are by node, `populations` are
    the names of populations by node, `delayed` are the edges that carry what was sent in the step before.
    """
    neurons = graph.populations
    late = {node.name for node in graph.nodes if isinstance(node, Conv) and node.delayed}
    about = dict(graph.about)
    return {
        "schema": SCHEMA,
        "convention": convention,
        "dt": CONVENTIONS[convention].dt,
        "steps": graph.steps,
        "encoding": about.pop("encoding", None),
        "read": graph.read,
        "threshold_rule": "v > theta",
        "reset": "to 0 in the step of the spike",
        "tau": {node.name: node.tau for node in neurons if node.kind == "lif"},
        "theta": {node.name: node.v_th for node in neurons},
        "populations": {node.name: node.population for node in neurons},
        "delayed": [list(edge) for edge in graph.edges if edge[0] in late],
        "about": about,
    }


def write_nir(path: Path, graph: Graph, convention: str = "portable") -> None:
    """Write the graph to a NIR file in one step; equal graphs give equal bytes.

    Args:
        path: of the file.
        graph: the lowered graph.
        convention: key of CONVENTIONS.

    Raises:
        InputError: The convention is unknown.
        RunError: The file cannot be written; nothing is left behind.
    """
    write_atomically(path, nir_bytes(to_nir_graph(graph, convention)))


def nir_bytes(graph: nir.NIRGraph) -> bytes:
    """The content of a NIR file, in the layout of `nir.write`, which `nir.read` of version 1.0.4 and later reads.

    Potentials after a reset (`v_reset`) are left out where they are 0: earlier versions refuse them, later ones take
    0 for them. Arrays of one value are stored as that value.
    """
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("version", data=nir.version, dtype=h5py.string_dtype())
        _put_group(file.create_group("node"), graph.to_dict())
    return buffer.getvalue()


def _put_group(group: h5py.Group, content: Mapping[str, Any]) -> None:
    for key, value in content.items():
        if key == "v_reset" and not np.any(value):
            continue
        if isinstance(value, Mapping):
            if key != "metadata" or value:
                _put_group(group.create_group(key), value)
        elif isinstance(value, str):
            group.create_dataset(key, data=value, dtype=h5py.string_dtype())
        elif isinstance(value, np.ndarray):
            _put_array(group, key, value)
        else:
            group.create_dataset(key, data=value)


def _put_array(group: h5py.Group, key: str, value: NDArray[Any]) -> None:
    """An array of one value takes no more room than that value; readers see the same array."""
    if value.size > 1 and (value == value.flat[0]).all():
        group.create_dataset(key, shape=value.shape, dtype=value.dtype, fillvalue=value.flat[0])
    elif value.nbytes < PACKED_FROM:
        group.create_dataset(key, data=value)
    else:
        group.create_dataset(key, data=value, chunks=value.shape, compression="gzip", shuffle=True)


def _gains(graph: Graph, rules: Convention) -> dict[str, float]:
    """Factor of the weights of each node that sends its current to leaky neurons."""
    leaky = {node.name: node for node in graph.populations if node.kind == "lif"}
    return {source: rules.weight(leaky[target].tau) for source, target in graph.edges if target in leaky}


def _times(values: Floats, gain: float) -> Floats:
    return values * np.float32(gain)


def _conv(node: Conv, rules: Convention, gain: float) -> nir.Conv2d:
    del rules
    pairs = {"stride": (node.stride,) * 2, "padding": (node.padding,) * 2, "dilation": (1, 1)}
    weights = {"weight": _times(node.weight, gain), "bias": _times(node.bias, gain)}
    return nir.Conv2d(input_shape=node.input_shape[1:], groups=1, **pairs, **weights)


def _affine(node: Affine, rules: Convention, gain: float) -> nir.Affine:
    del rules
    return nir.Affine(weight=_times(node.weight, gain), bias=_times(node.bias, gain))


def _neurons(node: Neurons, rules: Convention, gain: float) -> nir.LIF | nir.IF:
    del gain
    full = partial(np.full, node.shape, dtype=np.float32)
    threshold = full(np.nextafter(np.float32(node.v_th), np.float32(np.inf)))
    if node.kind == "if" and not rules.endless:
        return nir.IF(r=full(1), v_threshold=threshold, v_reset=full(0))
    steps = ENDLESS if node.kind == "if" else node.tau
    tau, r = rules.tau(steps, rules.dt), rules.r(steps)
    return nir.LIF(tau=full(tau), r=full(r), v_leak=full(0), v_threshold=threshold, v_reset=full(0))


def _sum_pool(node: SumPool, rules: Convention, gain: float) -> nir.SumPool2d:
    del rules, gain
    return nir.SumPool2d(kernel_size=np.array(node.size), stride=np.array(node.size), padding=np.array([0, 0]))


def _flatten(node: Flatten, rules: Convention, gain: float) -> nir.Flatten:
    del rules, gain
    return nir.Flatten(input_type={"input": np.array(node.input_shape)}, start_dim=0, end_dim=-1)


WRITERS: dict[type[Node], Callable[[Any, Convention, float], Any]] = {
    Conv: _conv,
    Affine: _affine,
    Neurons: _neurons,
    SumPool: _sum_pool,
    Flatten: _flatten,
}
"""How each kind of node is written."""
