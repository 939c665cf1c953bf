"""Limits of a chip on what a graph is made of: neurons, code of the input, wiring, delays.

Each rule takes the graph, the chip's limit, and all its limits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import nir
import numpy as np

from export.targets.finding import Finding, above
from export.targets.links import links
from export.targets.view import NEURONS, View
from msenas.hardware.capacity import EXACT, Capacity

ANOTHER = "another chip"
MODELS = {"IF": "if", "LIF": "lif", "CubaLIF": "lif"}
"""The names of neurons in profiles."""


def _supported(node: str, title: str, name: str, allowed: Mapping[str, str], fix: str) -> Iterator[Finding]:
    if name not in allowed:
        yield Finding(node, "error", f"{title} {name!r}; the chip has {', '.join(allowed) or 'none'}", fix)
    elif allowed[name] != EXACT:
        yield Finding(node, "approximated", f"{title} {name!r}: {allowed[name]}")


def neuron_models(view: View, allowed: Mapping[str, str], _: Capacity) -> Iterator[Finding]:
    """The neurons are among the chip's."""
    own = [name for name in ("lif", "if") if name in allowed]
    fix = f"a network searched with --neuron {own[0]}, in a file written for this target" if own else ANOTHER
    for name, node in view.of(*NEURONS):
        model = MODELS[type(node).__name__]
        yield from _supported(name, "neuron", model, allowed, fix)


def resets(view: View, allowed: Mapping[str, str], _: Capacity) -> Iterator[Finding]:
    """The chip resets potentials as the graph does."""
    for name, node in view.of(*NEURONS):
        reset = "value" if np.any(np.asarray(node.v_reset)) else "zero"
        yield from _supported(name, "reset to", reset, allowed, "v_reset 0" if reset == "value" else ANOTHER)


def encodings(view: View, allowed: Mapping[str, str], _: Capacity) -> Iterator[Finding]:
    """The input comes in a form that the chip takes."""
    images = [name for name in ("poisson", "latency") if name in allowed]
    encoding, fix = view.about.get("encoding"), f"--encoding {images[0]}" if images else "another data set"
    for name, _node in view.of(nir.Input):
        if isinstance(encoding, str):
            yield from _supported(name, "code of the input", encoding, allowed, f"a network searched with {fix}")


def recurrence(view: View, possible: bool, _: Capacity) -> Iterator[Finding]:
    """Loops need a chip that allows them."""
    for loop in () if possible else view.loops:
        yield Finding(loop[0], "error", f"loop {' -> '.join(loop)}; the chip has none", "leave out one of its synapses")


def convolutions(view: View, possible: bool, _: Capacity) -> Iterator[Finding]:
    """Convolutions need a chip whose tools have them."""
    for name, node in () if possible else view.of(nir.Conv1d, nir.Conv2d):
        yield Finding(name, "error", f"{type(node).__name__}: the chip has dense synapses only", ANOTHER)


def merging(view: View, possible: bool, _: Capacity) -> Iterator[Finding]:
    """Spikes of several populations may be summed in front of a synapse."""
    for link in () if possible else links(view):
        if len(link.sources) > 1:
            yield Finding(link.name, "error", f"it sums {', '.join(link.sources)}", "one live E population per layer")


def delay_steps(view: View, limit: tuple[int, int], _: Capacity) -> Iterator[Finding]:
    """Late synapses need a chip with delays; where every synapse takes a step, spikes of branches and loops shift."""
    least, most = limit
    for source, target in sorted(view.late) if most == 0 else ():
        yield Finding(source, "error", f"it acts on {target} one step later; the chip has no delays", "no feedback")
    if least == 0:
        return
    for loop in view.loops:
        reason = f"every synapse takes {least} time step, so spikes of the loop come late"
        yield Finding(loop[0], "approximated", reason)
    for name, _node in view.of(*NEURONS):
        depths = _depths(view, name)
        if len(depths) > 1 and max(depths) - min(depths) + least > most:
            reason = (
                f"every synapse takes {least} time step, so inputs over {min(depths)} and {max(depths)} synapses differ"
            )
            yield Finding(name, "approximated", reason, "branches of equal length")


def _depths(view: View, name: str) -> set[int]:
    """Populations on the way to each of the synapses onto a population, without late edges."""
    level: dict[str, int] = {}
    for node in view.ordered:
        before = [level[s] for s in view.sources[node] if (s, node) not in view.late]
        level[node] = max(before, default=0) + isinstance(view.nodes[node], NEURONS)
    return {level[s] for s in view.sources[name] if (s, name) not in view.late}


def synapses_per_population_max(view: View, limit: int, _: Capacity) -> Iterator[Finding]:
    """Synapses onto a population."""
    for name, _node in view.of(*NEURONS):
        onto = [link.name for link in links(view) if name in link.onto]
        fix = "leave out synapses onto it (micro genes, cross-layer synapses)"
        yield from above(name, f"synapses onto it ({', '.join(onto)})", len(onto), limit, fix)


def destinations_max(view: View, limit: int, _: Capacity) -> Iterator[Finding]:
    """Synapses that a population, or the input, sends its spikes to."""
    readers: dict[str, list[str]] = {}
    for link in links(view):
        for source in link.sources:
            readers.setdefault(source, []).append(link.name)
    for source, names in readers.items():
        what = f"destinations ({', '.join(names)})"
        yield from above(source, what, len(names), limit, "fewer synapses out of it")
