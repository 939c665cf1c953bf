"""Linear maps between neurons as one sum pooling and one convolution, which is what a synapse is.

A NIR graph may have several linear nodes between two neurons. They are multiplied out, exactly up to the rounding of
float64: groups and dilation become zeros of a larger kernel, pooling behind a convolution a larger kernel and stride, a
dense layer a kernel as large as the map.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from msenas.errors import InputError
from msenas.phenotype.check import MOST_WEIGHTS, map_side

Array = NDArray[np.float64]
Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear map of maps [C, H, W].

    Attributes:
        pool: height and width of windows that do not overlap, over which it sums first.
        factor: of these sums; 1 where there is a weight.
        weight: [C_out, C_in, height, width] of the convolution that follows; None is none.
        stride, padding: of the convolution, along height and width.
    """

    pool: Pair = (1, 1)
    factor: float = 1.0
    weight: Array | None = None
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)

    def pooled(self, channels: int, window: Pair, stride: Pair, padding: Pair) -> Linear:
        """Followed by sums over windows of `channels` maps."""
        if self.weight is None and window == stride and padding == (0, 0):
            return replace(self, pool=(self.pool[0] * window[0], self.pool[1] * window[1]))
        return self.convolved(np.eye(channels)[:, :, None, None] * np.ones(window), stride, padding)

    def convolved(self, weight: Array, stride: Pair = (1, 1), padding: Pair = (0, 0)) -> Linear:
        """Followed by a convolution.

        Raises:
            InputError: The product of both is no convolution, because the second sees where the first one's map ends.
        """
        first = self.weight
        if first is None:
            return replace(self, factor=1.0, weight=weight * self.factor, stride=stride, padding=padding)
        if first.shape[2:] == (1, 1) and self.stride == (1, 1) and self.padding == (0, 0):
            return replace(self, weight=_product(weight, first, (1, 1)), stride=stride, padding=padding)
        if padding != (0, 0):
            raise InputError("pads what a convolution, or a pooling that is none of spikes, gives; put neurons between")
        strides = self.stride[0] * stride[0], self.stride[1] * stride[1]
        return replace(self, weight=_product(weight, first, self.stride), stride=strides)

    def scaled(self, scale: Array) -> Linear:
        """Followed by a factor for each channel [C]."""
        if self.weight is None and (scale == scale[0]).all():
            return replace(self, factor=self.factor * float(scale[0]))
        return self.convolved(np.diag(scale)[:, :, None, None])


def _product(second: Array, first: Array, stride: Pair) -> Array:
    """The kernel of two convolutions one behind the other, the first with this stride."""
    rows, columns = ((b - 1) * s + a for a, b, s in zip(first.shape[2:], second.shape[2:], stride, strict=True))
    shape = second.shape[0], first.shape[1], rows, columns
    if np.prod(shape, dtype=object) > MOST_WEIGHTS:
        raise InputError(f"and the layer before make one layer of more than {MOST_WEIGHTS:,} weights")
    product = np.zeros(shape)
    height, width = first.shape[2:]
    for y, x in np.ndindex(*second.shape[2:]):
        part = np.einsum("nm,mchw->nchw", second[:, :, y, x], first)
        product[:, :, y * stride[0] : y * stride[0] + height, x * stride[1] : x * stride[1] + width] += part
    return product


def spread(weight: Array, dilation: Pair, groups: int) -> Array:
    """The kernel of a dilated or grouped convolution, with the zeros that it leaves out."""
    outputs, inputs, rows, columns = weight.shape
    whole = np.zeros((outputs, inputs * groups, (rows - 1) * dilation[0] + 1, (columns - 1) * dilation[1] + 1))
    each = outputs // groups
    for group in range(groups):
        own = slice(group * each, (group + 1) * each)
        taken = slice(group * inputs, (group + 1) * inputs)
        whole[own, taken, :: dilation[0], :: dilation[1]] = weight[own]
    return whole


def evenly_padded(weight: Array, padding: tuple[Pair, Pair]) -> tuple[Array, Pair]:
    """A kernel whose padding is the same before and after (the larger of both), and that padding."""
    most = max(padding[0]), max(padding[1])
    before = [(side - first, side - last) for side, (first, last) in zip(most, padding, strict=True)]
    return np.pad(weight, [(0, 0), (0, 0), *before]), most


@dataclass(frozen=True, eq=False)
class Square:
    """A convolution with a square kernel [C_out, C_in, k, k], and one stride and padding for both directions."""

    weight: Array
    stride: int
    padding: int


def squared(linear: Linear, side: Pair, gives: Pair) -> Square:
    """A convolution as one with a square kernel, with zeros where there was none.

    Args:
        linear: has a weight.
        side: height and width of the map that the convolution reads.
        gives: height and width of what it gives.

    Raises:
        InputError: There is none that gives the same map.
    """
    assert linear.weight is not None
    rows, columns = linear.weight.shape[2:]
    up, left = linear.padding
    strides = {stride for stride, places in zip(linear.stride, gives, strict=True) if places > 1}
    least_padding = max(up, left)
    most_padding = least_padding + max(rows, columns, *side) if len(strides) < 2 else -1
    for padding in range(least_padding, most_padding + 1):
        least = max(rows + padding - up, columns + padding - left)
        for kernel in range(least, min(side) + 2 * padding + 1):
            stride = _stride(strides, [s + 2 * padding - kernel for s in side])
            if tuple(map_side(s, kernel, stride, padding) for s in side) == gives:
                whole = np.zeros((*linear.weight.shape[:2], kernel, kernel))
                y, x = padding - up, padding - left
                whole[:, :, y : y + rows, x : x + columns] = linear.weight
                return Square(whole, stride, padding)
    shape = f"kernel {rows}x{columns}, stride {list(linear.stride)} and padding {list(linear.padding)}"
    raise InputError(f"is a convolution with {shape}, which no square one equals")


def _stride(strides: set[int], slack: list[int]) -> int:
    """The stride along which there are several places; without any, the smallest that leaves one."""
    return max(strides) if strides else max(slack) + 1
