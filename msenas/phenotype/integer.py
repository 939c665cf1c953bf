"""Convolutions of spikes in integer arithmetic, where they are exact.

Spikes are small integers. Where the weights lie on an 8-bit grid (an integer of at most 127 in size times a power of
two, as the random weights of an untrained network do), the products and sums are integers below 2^24, so float32
convolutions of them are exact in any order of summation, and integer ones give the same bits several times faster.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from msenas.phenotype.plan import Synapse

LARGEST_CODE = 127
LARGEST_VALUE = 127
"""Inputs above this could saturate the 16-bit intermediate sums of processors without 8-bit dot products."""
EXACT = 1 << 24
"""float32 holds every integer up to here."""


@dataclass(frozen=True)
class Grid:
    """Integer codes (int8) and the power of two with codes * scale equal to a weight, bit for bit."""

    codes: Tensor
    scale: float


def on_grid(weight: Tensor) -> Grid | None:
    """The grid that a weight lies on, or None if there is none."""
    low, high = torch.aminmax(weight)
    largest = max(-float(low), float(high))
    if not 0 < largest < math.inf:
        return None
    scale = 2.0 ** math.ceil(math.log2(largest / LARGEST_CODE))
    codes = (weight * (1.0 / scale)).to(torch.int8)
    return Grid(codes, scale) if torch.equal(codes * scale, weight) else None


def fits(largest: int, fan_in: int) -> bool:
    """Whether sums of `fan_in` codes times spikes of at most `largest` are exact here, whatever the codes."""
    return available() and largest <= LARGEST_VALUE and largest * LARGEST_CODE * fan_in < EXACT


def convolve(spikes: Tensor, grid: Grid, synapse: Synapse) -> Tensor:
    """The convolution of spikes (uint8 [B, C, H, W]) as float32, for numbers that `fits` allows.

    Equal bit for bit to the float32 convolution of the same numbers.
    """
    return _convolve(spikes, grid.codes, grid.scale, synapse.stride, synapse.padding)


@lru_cache(maxsize=1)
def available() -> bool:
    """Whether this torch build and processor have the integer convolution, and it gives what it should."""
    try:
        spikes = (torch.arange(2 * 3 * 5 * 5) % 7).to(torch.uint8).view(2, 3, 5, 5)
        codes = (torch.arange(4 * 3 * 3 * 3) * 37 % 255 - 127).to(torch.int8).view(4, 3, 3, 3)
        expected = torch.nn.functional.conv2d(spikes.float(), codes.float(), stride=2, padding=1) * 0.25
        return torch.equal(_convolve(spikes, codes, 0.25, 2, 1), expected)
    except (RuntimeError, AttributeError, TypeError, NotImplementedError):
        return False


def _convolve(spikes: Tensor, codes: Tensor, scale: float, stride: int, padding: int) -> Tensor:
    """The quantised convolution of oneDNN with unit input scale and float32 output."""
    geometry: tuple[list[int], ...] = ([stride, stride], [padding, padding], [1, 1])
    scales, zeros = torch.tensor([scale]), torch.zeros(1, dtype=torch.int32)
    spikes = spikes.contiguous(memory_format=torch.channels_last)
    packed = torch.ops.onednn.qconv_prepack(codes, scales, 1.0, 0, *geometry, 1, list(spikes.shape))
    tail: tuple[Any, ...] = (1.0, 0, torch.float32, "none", [], "")
    result: Tensor = _kernel()(spikes, 1.0, 0, packed, scales, zeros, None, *geometry, 1, *tail)
    return result


def _kernel() -> Callable[..., Any]:
    """The operation under its current or its former name."""
    namespace = torch.ops.onednn
    kernel: Callable[..., Any] = getattr(namespace, "qconv_pointwise", None) or namespace.qconv2d_pointwise
    return kernel
