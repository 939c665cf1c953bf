"""Limits of a chip on sizes and precision: kernels, maps, numbers of neurons, bits.

Each rule takes the graph, the chip's limit, and all its limits.
"""

from __future__ import annotations

from collections.abc import Iterator

import nir
import numpy as np
import numpy.typing as npt

from export.targets.finding import WHOLE, Finding, above
from export.targets.links import Link, as_map, links
from export.targets.view import NEURONS, View, pair
from msenas.hardware.capacity import Capacity

SMALLER = "fewer --channels or --layers, or a smaller input"


def kernels(view: View, allowed: tuple[int, ...], _: Capacity) -> Iterator[Finding]:
    """Sides of kernels."""
    for link in links(view):
        yield from _sides("kernel", allowed, link, link.kernel)


def strides(view: View, allowed: tuple[int, ...], _: Capacity) -> Iterator[Finding]:
    """Strides of convolutions."""
    for link in links(view):
        yield from _sides("stride", allowed, link, link.stride)


def _sides(title: str, allowed: tuple[int, ...], link: Link, sides: tuple[int, int]) -> Iterator[Finding]:
    if not set(sides) <= set(allowed):
        reason = f"{title} {sides[0]}x{sides[1]}; the chip has {', '.join(map(str, allowed))}"
        yield Finding(link.name, "error", reason, f"another {title}")


def padding_max(view: View, limit: int, _: Capacity) -> Iterator[Finding]:
    """Padding of convolutions."""
    for link in links(view):
        yield from above(link.name, "pixels of padding", max(link.padding), limit, "smaller kernels")


def channels_max(view: View, limit: int, _: Capacity) -> Iterator[Finding]:
    """Channels of maps."""
    for name, (channels, _h, _w) in _maps(view):
        yield from above(name, "channels", channels, limit, "fewer --channels")


def map_side_max(view: View, limit: int, _: Capacity) -> Iterator[Finding]:
    """Sides of maps."""
    for name, (_c, height, width) in _maps(view):
        yield from above(name, "pixels along a side", max(height, width), limit, "a smaller input (--size)")


def _maps(view: View) -> Iterator[tuple[str, tuple[int, int, int]]]:
    for name, _ in view.of(*NEURONS):
        yield name, as_map(view.shape(name))


def input_sides(view: View, limit: tuple[int, int], _: Capacity) -> Iterator[Finding]:
    """Sides of the input."""
    for name, _node in view.of(nir.Input):
        sides = as_map(view.shape(name))[1:]
        if not all(limit[0] <= side <= limit[1] for side in sides):
            reason = f"an input of {sides[0]}x{sides[1]} pixels; the chip takes {limit[0]} to {limit[1]}"
            yield Finding(name, "error", reason, "another --size")


def inputs_max(view: View, limit: int, _: Capacity) -> Iterator[Finding]:
    """Values of the input."""
    for name, _node in view.of(nir.Input):
        yield from above(name, "input values", int(np.prod(view.shape(name))), limit, "a smaller input (--size)")


def outputs_max(view: View, limit: int, _: Capacity) -> Iterator[Finding]:
    """Values of the output."""
    for name, _node in view.of(nir.Output):
        figure = int(np.prod(view.input_shape(name)))
        yield from above(name, "outputs", figure, limit, "a data set with fewer classes")


def readout_pooling(view: View, allowed: tuple[int, ...], _: Capacity) -> Iterator[Finding]:
    """Pooling behind neurons."""
    fix = "one of these poolings, and a larger kernel behind it; or more reductions (--layers)"
    for name, node in view.of(nir.SumPool2d):
        rows, columns = pair(node.kernel_size)
        if rows != columns or rows not in allowed:
            reason = f"sum pooling by {rows}x{columns}; the chip has {', '.join(map(str, allowed))}"
            yield Finding(name, "error", reason, fix)


def neurons_max(view: View, limit: int, _: Capacity) -> Iterator[Finding]:
    """Neurons of the network."""
    neurons = sum(int(np.prod(shape)) for _name, shape in _maps(view))
    yield from above(WHOLE, "neurons", neurons, limit, SMALLER)


def memory_bits_max(view: View, limit: int, capacity: Capacity) -> Iterator[Finding]:
    """Weights and potentials that the chip must hold at the least."""
    neurons = sum(int(np.prod(shape)) for _name, shape in _maps(view))
    width = capacity.weight_bits[1] if capacity.weight_bits else 1
    bits = sum(link.weights for link in links(view)) * width + neurons * (capacity.state_bits or 1)
    yield from above(WHOLE, "bits of weights and potentials", bits, limit, SMALLER)


def weight_bits(view: View, limit: tuple[int, int], _: Capacity) -> Iterator[Finding]:
    """Weights are rounded to what the chip stores."""
    for link in links(view):
        if not _on_grid(view.nodes[link.name].weight, limit[1]):
            yield Finding(link.name, "approximated", f"weights are rounded to {limit[1]} bits", f"--bits {limit[1]}")


def _on_grid(weight: npt.NDArray[np.float32], bits: int) -> bool:
    """Whether few enough values occur, for each output channel, to be integers of so many bits times a scale."""
    rows = np.abs(np.asarray(weight, np.float64).reshape(weight.shape[0], -1))
    scale = rows.max(axis=1, keepdims=True) / ((1 << (bits - 1)) - 1)
    codes = rows / np.where(scale > 0, scale, 1.0)
    return bool(np.abs(codes - np.rint(codes)).max(initial=0.0) < 1e-3)


def state_bits(view: View, limit: int, _: Capacity) -> Iterator[Finding]:
    """Potentials are rounded to what the chip stores."""
    for name, _node in view.of(*NEURONS):
        yield Finding(name, "approximated", f"potentials are rounded to {limit} bits")
