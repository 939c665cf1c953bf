"""Linear maps between neurons as one sum pooling and one convolution, which is what a synapse is.

A NIR graph may have several linear nodes between two neurons. They are multiplied out, exactly up to the rounding of
float64: groups and dilation become zeros of a larger kernel, pooling behind a convolution a larger kernel and stride, a
dense layer a kernel as large as the map.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from msenas.errors import InputError

Array = NDArray[np.float64]
Pair = tuple[int, int]
LARGEST_KERNEL = 1 << 26
"""Numbers of one kernel, zeros that were filled in included."""
MOST_PRODUCTS = 1 << 34
"""Multiplications for the kernel of two convolutions."""

MOST_NUMBERS = 1 << 28
"""Of all maps of a graph together: their weights, and NUMBERS_OF_A_MAP for each map."""
NUMBERS_OF_A_MAP = 1 << 14
"""Branches that meet and part again double the maps each time, however small their weights are."""


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
        return self.convolved(_zeros(channels, channels, *window) + identity(channels), stride, padding)

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
        return self.convolved(identity(len(scale)) * scale[:, None, None, None])


def numbers_of(maps: Iterable[Linear]) -> int:
    """What linear maps count for in `check_numbers`."""
    return sum(NUMBERS_OF_A_MAP + (0 if linear.weight is None else linear.weight.size) for linear in maps)


def check_numbers(numbers: int) -> None:
    """Refuse a graph that is small in its file, and too large when its linear nodes are multiplied out.

    Raises:
        InputError: There are too many numbers.
    """
    if numbers > MOST_NUMBERS:
        raise InputError("and the linear nodes before it multiply out to too many weights; put neurons between")


def identity(channels: int) -> Array:
    """The kernel [C, C, 1, 1] that changes nothing.

    Raises:
        InputError: It is larger than a kernel can be.
    """
    kernel = _zeros(channels, channels, 1, 1)
    kernel[range(channels), range(channels)] = 1.0
    return kernel


def _zeros(*shape: int) -> Array:
    """A kernel of zeros; files can ask for far larger ones than they hold.

    Raises:
        InputError: It is larger than a kernel can be.
    """
    if math.prod(shape) > LARGEST_KERNEL:
        raise InputError(f"needs a kernel {list(shape)}; at most {LARGEST_KERNEL:,} weights are possible")
    return np.zeros(shape)


def _product(second: Array, first: Array, stride: Pair) -> Array:
    """The kernel of two convolutions one behind the other, the first with this stride."""
    rows, columns = ((b - 1) * s + a for a, b, s in zip(first.shape[2:], second.shape[2:], stride, strict=True))
    if first.size * second.size // len(first) > MOST_PRODUCTS:
        raise InputError("and the layer before make one layer that takes too long to work out")
    product = _zeros(second.shape[0], first.shape[1], rows, columns)
    if math.prod(first.shape[2:]) < math.prod(second.shape[2:]):
        for y, x in np.ndindex(*first.shape[2:]):
            part = np.tensordot(second, first[:, :, y, x], (1, 0)).transpose(0, 3, 1, 2)
            product[:, :, y :: stride[0], x :: stride[1]][:, :, : part.shape[2], : part.shape[3]] += part
        return product
    height, width = first.shape[2:]
    for y, x in np.ndindex(*second.shape[2:]):
        part = np.tensordot(second[:, :, y, x], first, 1)
        product[:, :, y * stride[0] : y * stride[0] + height, x * stride[1] : x * stride[1] + width] += part
    return product


def spread(weight: Array, dilation: Pair, groups: int) -> Array:
    """The kernel of a dilated or grouped convolution, with the zeros that it leaves out."""
    outputs, inputs, rows, columns = weight.shape
    whole = _zeros(outputs, inputs * groups, (rows - 1) * dilation[0] + 1, (columns - 1) * dilation[1] + 1)
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
    stride = max(strides, default=0)
    # A map of side s has as many places as asked for if kernel - 2 * padding is in s - stride * places + 1, ...,
    # s - stride * (places - 1); where there is one place, the stride may be as large as it takes.
    most = min(s - stride * (places - 1) for s, places in zip(side, gives, strict=True))
    least = max(s - stride * places + 1 for s, places in zip(side, gives, strict=True)) if strides else -math.inf
    if len(strides) > 1 or least > most:
        shape = f"kernel {rows}x{columns}, stride {list(linear.stride)} and padding {list(linear.padding)}"
        raise InputError(f"is a convolution with {shape}, which no square one equals")
    padding = max(up, left, rows - up - most, columns - left - most)
    needed = max(rows - up, columns - left) - padding
    kernel = int(max(least, needed, 1 - 2 * padding)) + 2 * padding
    whole = _zeros(*linear.weight.shape[:2], kernel, kernel)
    y, x = padding - up, padding - left
    whole[:, :, y : y + rows, x : x + columns] = linear.weight
    return Square(whole, stride or max(side) + 2 * padding - kernel + 1, padding)
