"""The same graph run by nirtorch, which wires it in its own way; only the nodes are ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import nir
import nirtorch
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from export.hdf5 import shown
from export.nir_check import checked
from export.nir_fields import SPIKING
from export.nirtorch_modules import Affine, Conv2d, Delay, Flatten, Neuron, Pool, Scale, Threshold
from export.simulate import DT
from export.trace import Trace
from msenas.errors import InputError

NodeMap = dict[type[nir.NIRNode], Callable[[Any], nn.Module]]


def run_nirtorch(graph: nir.NIRGraph, frames: NDArray[Any], dt: float = DT) -> Trace:
    """Run a graph in float32 on a batch of inputs, as `export.simulate.simulate` does.

    The sum of three or more signals is taken in an order that differs from one process to the next (nirtorch keeps
    edges in a set), so a potential within rounding of its threshold may spike in one process and not in another.

    Args:
        graph: flat, with one input, one output, and one edge into the output.
        frames: [T, B, ...], of the shape of the input in each step.
        dt: seconds of a time step.

    Raises:
        InputError: The graph cannot be run by nirtorch, or the frames have another shape.
    """
    ready = checked(graph)
    shape = ready.shapes[ready.input]
    if frames.ndim < 2 or frames.shape[2:] != shape or not frames.size:
        raise InputError(f"frames are {list(frames.shape)}; {['T', 'B', *shape]} is needed")
    if len(ready.sources[ready.output]) > 1:
        raise InputError(f"nirtorch does not sum the edges that enter the output {shown(ready.output)}")
    _names_stay_apart(ready.graph.nodes)
    for name, read in ready.sources.items():
        if read and ready.order.late.issuperset((source, name) for source in read):
            raise InputError(f"nirtorch does not know the shape of what {shown(name)} reads, as all of it is late")
    trains: dict[str, list[NDArray[np.uint8]]] = {
        name: [] for name, node in ready.graph.nodes.items() if isinstance(node, SPIKING)
    }
    try:
        network = nirtorch.nir_to_torch(ready.graph, _node_map(ready.graph, trains, dt))
    except (ValueError, KeyError, TypeError, RuntimeError, SyntaxError, NotImplementedError) as error:
        raise InputError(f"nirtorch cannot wire the graph: {' '.join(str(error).split())}") from None
    outputs = []
    state: dict[str, Any] | None = None
    with torch.inference_mode():
        for frame in frames:
            output, state = network(torch.from_numpy(np.array(frame, np.float32)), state)
            outputs.append(output.numpy())
    return Trace(np.stack(outputs), {name: np.stack(train) for name, train in trains.items()})


def _names_stay_apart(names: Iterable[str]) -> None:
    """Nirtorch writes dots of names as underscores; nodes whose names become equal would become one."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.replace(".", "_"), name)
        if other != name:
            raise InputError(f"nirtorch cannot tell the nodes {shown(other)} and {shown(name)} apart")


def _node_map(graph: nir.NIRGraph, trains: dict[str, list[NDArray[np.uint8]]], dt: float) -> NodeMap:
    """A maker of modules for each type of node; nodes that spike write into the train of their name."""
    names = {id(node): name for name, node in graph.nodes.items()}

    def recorder(node: nir.NIRNode) -> Callable[[Tensor], None]:
        train = trains.get(names[id(node)], [])
        return lambda spikes: train.append(spikes.numpy().astype(np.uint8))

    def neuron(node: nir.NIRNode) -> nn.Module:
        return Neuron(node, dt, recorder(node))

    return {
        nir.Affine: Affine,
        nir.Linear: Affine,
        nir.Conv2d: Conv2d,
        nir.SumPool2d: Pool,
        nir.AvgPool2d: Pool,
        nir.Flatten: Flatten,
        nir.Scale: Scale,
        nir.Threshold: lambda node: Threshold(node, recorder(node)),
        nir.Delay: lambda node: Delay(node, dt),
    } | dict.fromkeys((nir.I, nir.IF, nir.LI, nir.LIF, nir.CubaLI, nir.CubaLIF), neuron)
