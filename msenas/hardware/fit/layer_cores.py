"""Chips whose cores hold one layer each (Speck, DYNAP-CNN): one convolution and the neurons that it reaches.

Memories are addressed by concatenated binary counters, so that every factor of a size is rounded up to a power of two.
With c input channels, a kernel of k x k, and an output of f x h x w (before pooling) a layer takes
    kernel words = c * 2^(ceil log2(k k) + ceil log2 f)
    neuron words = f * 2^(ceil log2 h + ceil log2 w)
Source: sinabs 3.1.3, documentation of the DYNAP-CNN devices.

The kernel belongs to the core that receives. Several cores can send to one (their spikes are summed in front of its
kernel), but neurons cannot have two kernels. The read-out is one layer more: its sources send their spikes through a
sum pooling to a core whose kernel covers the whole pooled map.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import networkx as nx

from msenas.hardware.capacity import Capacity
from msenas.phenotype.plan import Plan

READOUT = "read-out"


@dataclass(frozen=True)
class CoreLayer:
    """What one layer takes of its core.

    Attributes:
        name: population, or READOUT.
        kernel_words, neuron_words: words of the two memories.
        biases: one per output channel.
        pooling: sum pooling in front of the layer.
        kernel: side of the kernel.
    """

    name: str
    kernel_words: int
    neuron_words: int
    biases: int
    kernel: int
    pooling: int = 1


def kernel_words(channels_in: int, taps: int, channels_out: int) -> int:
    """Words of kernel memory that a convolution takes; `taps` are the weights from one channel to another."""
    return int(channels_in << (_log2(taps) + _log2(channels_out)))


def neuron_words(channels: int, height: int, width: int) -> int:
    """Words of neuron memory that a feature map takes."""
    return int(channels << (_log2(height) + _log2(width)))


def _log2(number: int) -> int:
    """ceil(log2(number))."""
    return (number - 1).bit_length()


def core_layers(plan: Plan, capacity: Capacity) -> tuple[CoreLayer, ...]:
    """The layers of a plan, the read-out last.

    A population with several synapses has no place on such a chip; its kernels are added up all the same, so that
    the memories can be judged.
    """
    layers = []
    for p in plan.populations:
        synapses = plan.incoming[p.name]
        words = sum(kernel_words(plan.source_channels(s), s.kernel**2, p.channels) for s in synapses)
        kernel = max((s.kernel for s in synapses), default=1)
        layers.append(CoreLayer(p.name, words, neuron_words(*p.shape), p.channels, kernel))
    if plan.readout and capacity.readout_pooling:
        layers.append(_readout(plan, capacity.readout_pooling))
    return tuple(layers)


def _readout(plan: Plan, poolings: Sequence[int]) -> CoreLayer:
    """The read-out with the pooling that leaves the smallest kernel."""
    source, classes = plan.by_name[plan.readout[0]], plan.spec.classes
    side, pooling = min((-(-max(source.height, source.width) // pooling), pooling) for pooling in poolings)
    return CoreLayer(READOUT, kernel_words(source.channels, side**2, classes), classes, classes, side, pooling)


def assignment(layers: Sequence[CoreLayer], capacity: Capacity) -> dict[int, int]:
    """The core of each layer by its index; as many layers as possible get one (a maximum matching)."""
    # Nodes are numbers, layers first: in sets these have the same order in every process, which names have not.
    first = len(layers)
    graph = nx.Graph()
    graph.add_nodes_from(range(first))
    for i, layer in enumerate(layers):
        graph.add_edges_from((i, first + j) for j in _holders(layer, capacity))
    matching = nx.bipartite.hopcroft_karp_matching(graph, range(first))
    return {i: matching[i] - first for i in range(first) if i in matching}


def _holders(layer: CoreLayer, capacity: Capacity) -> list[int]:
    """Cores whose memories both hold a layer."""
    sizes = zip(capacity.kernel_words_per_core or (), capacity.neuron_words_per_core or (), strict=True)
    return [j for j, (k, n) in enumerate(sizes) if layer.kernel_words <= k and layer.neuron_words <= n]


def shortage(
    layers: Sequence[CoreLayer], capacity: Capacity, found: Mapping[int, int]
) -> tuple[list[CoreLayer], set[int]]:
    """Layers that together have fewer possible cores than they are (Hall's theorem), and these cores."""
    owner = {core: layer for layer, core in found.items()}
    rivals, places = {next(i for i in range(len(layers)) if i not in found)}, set[int]()
    while new := {core for i in rivals for core in _holders(layers[i], capacity)} - places:
        places |= new
        rivals |= {owner[core] for core in new}
    return [layers[i] for i in sorted(rivals)], places
