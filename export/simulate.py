"""A simulator of NIR in numpy: the independent check of what an export wrote.

Every neuron follows the forward Euler step of its NIR equation; a spike is V > threshold, after which V is the reset
potential. A current of a CubaLIF or CubaLI acts in the step in which it arrives. The order of the nodes, and which
edges of a loop are late, is that of `export.nir_order`.

IF and I have no time constant. As in all readers, r = 1 says that the unit of their time is one step (V <- V + I); any
other r is taken by the equation (V <- V + dt r I, so that r = 1 / dt is the same).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nir
import numpy as np
from numpy.typing import DTypeLike, NDArray

from export.nir_check import Checked, checked
from export.nir_fields import SPIKING, Shape
from export.simulate_nodes import Fired, Signal, State, Step, inside, outside, step_of
from export.trace import Trace
from msenas.errors import InputError

DT = 1e-4
"""Seconds of a time step, unless a file says otherwise."""

Watch = Callable[[str, int, NDArray[Any]], None]


def simulate(
    graph: nir.NIRGraph,
    frames: NDArray[Any],
    dt: float = DT,
    dtype: DTypeLike = np.float32,
    watch: Watch | None = None,
) -> Trace:
    """Run a graph on a batch of inputs.

    Args:
        graph: flat, with one input and one output.
        frames: [T, B, ...], of the shape of the input in each step.
        dt: seconds of a time step.
        dtype: float32 or float64, of all signals and states.
        watch: called with the name of a spiking node, the time step, and how far its potentials are above the threshold
            before they are reset [B, ...].

    Returns:
        Outputs in `dtype`, and the spikes of IF, LIF, CubaLIF and Threshold nodes.

    Raises:
        InputError: The graph cannot be run, the frames have another shape, or a number grows beyond all bounds.
    """
    checked_graph = checked(graph)
    shape = checked_graph.shapes[checked_graph.input]
    if frames.ndim < 2 or frames.shape[2:] != shape or not frames.size:
        raise InputError(f"frames are {list(frames.shape)}; {['T', 'B', *shape]} is needed")
    run = _Run(checked_graph, frames.shape[:2], dt, np.dtype(dtype), watch)
    with np.errstate(over="ignore", invalid="ignore"):
        for t, frame in enumerate(frames):
            run.step(t, frame)
    if not run.bounded():
        raise InputError("the network's numbers grow beyond all bounds")
    return Trace(run.outputs, run.spikes)


class _Run:
    """A graph in the middle of a run: states of its nodes, signals of the step before, what was recorded."""

    def __init__(
        self, graph: Checked, size: tuple[int, int], dt: float, dtype: np.dtype[Any], watch: Watch | None
    ) -> None:
        steps, batch = size
        nodes = graph.graph.nodes
        self._graph, self._dtype, self._watch = graph, dtype, watch
        self._order = [name for name in graph.order.nodes if name not in (graph.input, graph.output)]
        self._steps: dict[str, Step] = {
            name: step_of(nodes[name], graph.shapes[name], dt, dtype, steps) for name in self._order
        }
        self._states: dict[str, State] = dict.fromkeys(self._order)
        self._late = {source for source, _ in graph.order.late}
        self._before = {source: _nothing(graph.shapes[source], batch, dtype) for source in self._late}
        self._last_readers = _last_readers(graph)
        self.outputs = np.empty((steps, batch, *graph.shapes[graph.output]), dtype)
        self.spikes = {
            name: np.empty((steps, batch, *graph.shapes[name]), np.uint8)
            for name in nodes
            if isinstance(nodes[name], SPIKING)
        }

    def step(self, t: int, frame: NDArray[Any]) -> None:
        """Let every node act once."""
        now: dict[str, Signal] = {self._graph.input: inside(frame.astype(self._dtype))}
        kept: dict[str, Signal] = {}
        for name in self._order:
            signal, self._states[name], fired = self._steps[name](self._heard(name, now), self._states[name])
            now[name] = signal
            if name in self._late:
                kept[name] = signal
            if fired is not None:
                self._record(name, t, signal, fired)
            for source in self._last_readers.get(name, ()):
                del now[source]
        self.outputs[t] = outside(self._heard(self._graph.output, now))
        self._before = kept

    def bounded(self) -> bool:
        """Whether no number of the outputs and of the states has grown to infinity."""
        kept = [part for state in self._states.values() for part in (state or ()) if isinstance(part, np.ndarray)]
        return all(np.isfinite(numbers).all() for numbers in (self.outputs, *kept))

    def _heard(self, name: str, now: dict[str, Signal]) -> Signal:
        """The sum of what a node reads."""
        first, *more = (
            self._before[source] if (source, name) in self._graph.order.late else now[source]
            for source in self._graph.sources[name]
        )
        for signal in more:
            first = first + signal
        return first

    def _record(self, name: str, t: int, signal: Signal, fired: Fired) -> None:
        self.spikes[name][t] = outside(signal)
        if self._watch is not None:
            self._watch(name, t, outside(fired[0] - fired[1]))


def _nothing(shape: Shape, batch: int, dtype: np.dtype[Any]) -> Signal:
    return inside(np.zeros((batch, *shape), dtype))


def _last_readers(graph: Checked) -> dict[str, list[str]]:
    """For each node, the signals of which it is the last reader in a step: they are forgotten after it has acted."""
    last: dict[str, str] = {}
    for name in graph.order.nodes:
        last |= {source: name for source in graph.sources[name] if (source, name) not in graph.order.late}
    last |= dict.fromkeys(graph.sources[graph.output], graph.output)
    found: dict[str, list[str]] = {}
    for source, name in last.items():
        found.setdefault(name, []).append(source)
    return found
