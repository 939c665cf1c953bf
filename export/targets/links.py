"""The synapses of a graph as chips see them: convolutions, of which a dense one has a kernel as large as its map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import nir

from export.targets.view import NEURONS, SYNAPSES, Pair, Shape, View, pair


@dataclass(frozen=True)
class Link:
    """One synapse.

    Attributes:
        name: of its node.
        channels_in, channels_out: of the two maps.
        kernel, stride, padding: rows and columns.
        onto: the neurons that it leads to.
        sources: neurons and inputs whose spikes it reads.
    """

    name: str
    channels_in: int
    channels_out: int
    kernel: Pair
    stride: Pair
    padding: Pair
    onto: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def taps(self) -> int:
        """Weights from one channel to another."""
        return self.kernel[0] * self.kernel[1]

    @property
    def weights(self) -> int:
        """All weights."""
        return self.channels_in * self.channels_out * self.taps


def links(view: View) -> Iterator[Link]:
    """All synapses in the order of their names."""
    for name, node in view.of(*SYNAPSES):
        onto = tuple(reader for reader in view.readers[name] if isinstance(view.nodes[reader], NEURONS))
        shape = _convolution(view, name, node)
        yield Link(name, *shape, onto=onto, sources=view.firing(name))


def _convolution(view: View, name: str, node: nir.NIRNode) -> tuple[int, int, Pair, Pair, Pair]:
    """Channels in and out, kernel, stride, padding."""
    weight = node.weight.shape
    if isinstance(node, nir.Conv2d):
        kernel = (int(weight[2]), int(weight[3]))
        padding = pair(node.padding) if not isinstance(node.padding, str | bytes) else (kernel[0] // 2, kernel[1] // 2)
        return int(weight[1]) * int(node.groups), int(weight[0]), kernel, pair(node.stride), padding
    if isinstance(node, nir.Conv1d):
        return int(weight[1]), int(weight[0]), (1, int(weight[2])), (1, pair(node.stride)[0]), (0, 0)
    channels, rows, columns = _map_of(view, name, int(weight[-1]))
    return channels, int(weight[-2]), (rows, columns), (1, 1), (0, 0)


def _map_of(view: View, name: str, size: int) -> tuple[int, int, int]:
    """The map that a dense synapse reads flattened; single values are maps of one pixel."""
    for source in view.sources[name]:
        shape = view.input_shape(source) if isinstance(view.nodes[source], nir.Flatten) else ()
        if len(shape) == 3:
            return shape[0], shape[1], shape[2]
    return size, 1, 1


def as_map(shape: Shape) -> tuple[int, int, int]:
    """[C, H, W] of a population; a vector has maps of one pixel."""
    channels, rows, columns = (*shape, 1, 1, 1)[:3]
    return channels, rows, columns
