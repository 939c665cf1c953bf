"""Speck and its relatives: each layer of the graph gets a core of its own, if there is one that holds it.

The arithmetic of the memories, and the assignment, are those of `msenas fit`: see `msenas.hardware.fit.layer_cores`.
"""

from __future__ import annotations

from collections.abc import Iterator

from export.targets.finding import WHOLE, Finding
from export.targets.links import as_map, links
from export.targets.view import NEURONS, View
from msenas.hardware.capacity import Capacity
from msenas.hardware.fit.layer_cores import CoreLayer, assignment, kernel_words, neuron_words, shortage

FEWER = "fewer --channels, 3x3 kernels, or another resolution"


def core_layers(view: View) -> tuple[CoreLayer, ...]:
    """The layers of a graph: neurons with the synapses onto them, and then synapses that lead to no neurons.

    Neurons with several synapses have no place on such a chip; their kernels are added up all the same, so that the
    memories can be judged.
    """
    found = []
    synapses = tuple(links(view))
    for name, _ in view.of(*NEURONS):
        onto = [link for link in synapses if name in link.onto]
        words = sum(kernel_words(link.channels_in, link.taps, link.channels_out) for link in onto)
        channels, height, width = as_map(view.shape(name))
        kernel = max((max(link.kernel) for link in onto), default=1)
        found.append(CoreLayer(name, words, neuron_words(channels, height, width), channels, kernel))
    for link in synapses:
        if not link.onto:
            words, classes = kernel_words(link.channels_in, link.taps, link.channels_out), link.channels_out
            found.append(CoreLayer(link.name, words, classes, classes, max(link.kernel)))
    return tuple(found)


def core_memories(view: View, cores: int, capacity: Capacity) -> Iterator[Finding]:
    """Memories of single cores, their number, and whether all layers find a place at once."""
    if capacity.kernel_words_per_core is None or capacity.neuron_words_per_core is None:
        return
    layers = core_layers(view)
    limits = (
        ("words of kernel memory", "kernel_words", max(capacity.kernel_words_per_core)),
        ("words of neuron memory", "neuron_words", max(capacity.neuron_words_per_core)),
        ("biases", "biases", capacity.biases_per_core),
    )
    alone = True
    for layer in layers:
        for what, field, limit in limits:
            figure = getattr(layer, field)
            if limit is not None and figure > limit:
                alone = False
                yield Finding(layer.name, "error", f"{figure:,} {what}; the largest core has {limit:,}", FEWER)
    if len(layers) > cores:
        reason = f"{len(layers)} layers; the chip has {cores} cores"
        yield Finding(WHOLE, "error", reason, "fewer --layers, or layers with one live E population")
        return
    placed = assignment(layers, capacity)
    if alone and len(placed) < len(layers):
        rivals, places = shortage(layers, capacity, placed)
        names = ", ".join(layer.name for layer in rivals)
        yield Finding(WHOLE, "error", f"{names}: only {len(places)} cores are large enough for them", FEWER)


def placement(view: View, capacity: Capacity) -> dict[str, int]:
    """The core of each layer that gets one; empty where the cores of a chip do not hold one layer each."""
    if capacity.kernel_words_per_core is None:
        return {}
    layers = core_layers(view)
    return {layers[i].name: core for i, core in sorted(assignment(layers, capacity).items())}
