"""What each node of NIR gives for what it reads.

The check that comes with nir takes the channels of a convolution from one group and its width from the height of its
kernel; this one knows groups and rectangular kernels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import nir

from export.nir_fields import MOST_ELEMENTS, Shape
from msenas.errors import InputError


def output_shape(node: nir.NIRNode, shape: Shape) -> Shape:
    """Shape of what a node gives for a signal of this shape (both without batch and time).

    Raises:
        InputError: The node cannot take it, or gives more numbers than are read.
    """
    given = _SHAPES[type(node)](node, shape)
    if math.prod(given) > MOST_ELEMENTS:
        raise InputError(f"gives {list(given)}; at most {MOST_ELEMENTS:,} numbers are read")
    return given


def declared_shape(node: nir.NIRNode) -> Shape | None:
    """Shape that a node must read by what it says of itself; None if it does not say."""
    if isinstance(node, nir.Conv2d):
        if node.input_shape is None:
            return None
        return node.weight.shape[1] * node.groups, *node.input_shape
    declared = node.input_type["input"]
    return None if declared is None else tuple(int(side) for side in declared)


def padding_of(node: nir.Conv2d) -> tuple[tuple[int, int], tuple[int, int]]:
    """Zeros before and after, of height and of width; `same` puts the odd one behind."""
    if node.padding == "valid":
        return (0, 0), (0, 0)
    if node.padding == "same":
        extents = [d * (k - 1) for d, k in zip(node.dilation, node.weight.shape[2:], strict=True)]
        first, second = ((extent // 2, extent - extent // 2) for extent in extents)
        return first, second
    height, width = node.padding
    return (height, height), (width, width)


def window_places(size: int, window: int, stride: int, padding: tuple[int, int], dilation: int = 1) -> int:
    """Places of a window along one side."""
    return (size + sum(padding) - dilation * (window - 1) - 1) // stride + 1


def flat_axes(node: nir.Flatten, axes: int) -> tuple[int, int]:
    """First and last axis that are flattened, counted from 0."""
    first, last = (axis + axes if axis < 0 else axis for axis in (node.start_dim, node.end_dim))
    return first, last


def _same(node: nir.NIRNode, shape: Shape) -> Shape:
    return _taken(shape, declared_shape(node))


def _taken(shape: Shape, wanted: Shape | None) -> Shape:
    if wanted is not None and shape != wanted:
        raise InputError(f"takes {list(wanted)}, but is given {list(shape)}")
    return shape


def _linear(node: nir.Affine | nir.Linear, shape: Shape) -> Shape:
    _taken(shape, node.weight.shape[:-2] + node.weight.shape[-1:])
    return tuple(node.weight.shape[:-1])


def _conv2d(node: nir.Conv2d, shape: Shape) -> Shape:
    channels = node.weight.shape[1] * node.groups
    if len(shape) != 3 or shape[0] != channels:
        raise InputError(f"takes [{channels}, height, width], but is given {list(shape)}")
    _taken(shape, declared_shape(node))
    windows = zip(shape[1:], node.weight.shape[2:], node.stride, padding_of(node), node.dilation, strict=True)
    return _map(node.weight.shape[0], tuple(window_places(*window) for window in windows), shape)


def _pool(node: nir.SumPool2d | nir.AvgPool2d, shape: Shape) -> Shape:
    if len(shape) != 3:
        raise InputError(f"takes [channels, height, width], but is given {list(shape)}")
    sides = (tuple(map(int, field)) for field in (node.kernel_size, node.stride, node.padding))
    windows = zip(shape[1:], *sides, strict=True)
    places = tuple(window_places(size, window, stride, (pad, pad)) for size, window, stride, pad in windows)
    return _map(shape[0], places, shape)


def _map(channels: int, places: Shape, shape: Shape) -> Shape:
    if min(places) < 1:
        raise InputError(f"has a window larger than the {list(shape)} that it is given")
    return channels, *places


def _flatten(node: nir.Flatten, shape: Shape) -> Shape:
    _taken(shape, declared_shape(node))
    first, last = flat_axes(node, len(shape))
    if not 0 <= first <= last < len(shape):
        raise InputError(f"flattens axes {node.start_dim} to {node.end_dim}, but is given {list(shape)}")
    return *shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]


Rule = Callable[[Any, Shape], Shape]
_SHAPES: dict[type[nir.NIRNode], Rule] = {
    nir.Affine: _linear,
    nir.Linear: _linear,
    nir.Conv2d: _conv2d,
    nir.SumPool2d: _pool,
    nir.AvgPool2d: _pool,
    nir.Flatten: _flatten,
} | dict.fromkeys(
    (
        nir.Input,
        nir.Output,
        nir.Scale,
        nir.Delay,
        nir.Threshold,
        nir.I,
        nir.IF,
        nir.LI,
        nir.LIF,
        nir.CubaLI,
        nir.CubaLIF,
    ),
    _same,
)
