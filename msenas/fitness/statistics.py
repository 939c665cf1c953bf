"""What one forward pass of the probe batch says about each population, in one sweep over its spikes.

The mean over all pairs of samples of their Manhattan distance needs no distance matrix: a neuron that fires for c of n
samples in a time step contributes c (n - c) to the sum over pairs. All sums are integers and exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

EXACT_PAIRS = 1 << 13
"""Samples up to which the product of those that fire and those that do not is exact in float32."""


@dataclass(frozen=True)
class PopulationStatistics:
    """Exact sums over the probe batch; "clean" are the n samples without their copies.

    Attributes:
        neurons: neurons N of the population.
        pairs: number n of samples.
        between_sum: sum over pairs i < j of clean samples of the Manhattan distance of their spike trains.
        within_sum: sum over samples of the distance to their disturbed copy.
        silent: neurons that fire for no clean sample.
        spike_map: clean spikes per position, summed over channels, time steps and samples, int64 [H, W].
    """

    neurons: int
    pairs: int
    between_sum: int
    within_sum: int
    silent: int
    spike_map: np.ndarray

    @property
    def between(self) -> float:
        """B: mean distance of two samples, per neuron (the mean entry of the Manhattan RDM)."""
        return self.between_sum / (self.pairs * (self.pairs - 1) / 2) / self.neurons

    @property
    def within(self) -> float:
        """W: mean distance of a sample and its disturbed copy, per neuron."""
        return self.within_sum / self.pairs / self.neurons

    @property
    def silent_share(self) -> float:
        """z: share of neurons that fire for no clean sample."""
        return self.silent / self.neurons

    @property
    def spikes(self) -> int:
        """Clean spikes in all."""
        return int(self.spike_map.sum())


def measure(spikes: Tensor) -> PopulationStatistics:
    """Sweep over the spikes [T, 2n, C, H, W] of one population: n samples, then their copies."""
    steps, batch, channels, height, width = spikes.shape
    pairs = batch // 2
    flat = spikes.permute(0, 1, 3, 4, 2).reshape(steps, batch, -1)
    count, moved = _counts(flat[:, :pairs], flat[:, pairs:])
    fired = count.sum(0)
    spike_map = fired.view(height, width, channels).sum(2).cpu().numpy().astype(np.int64)
    return PopulationStatistics(
        neurons=fired.numel(),
        pairs=pairs,
        between_sum=_pairs_apart(count, pairs),
        within_sum=moved,
        silent=int((fired == 0).sum()),
        spike_map=spike_map,
    )


def _pairs_apart(count: Tensor, pairs: int) -> int:
    """Pairs of samples of which one fires and the other does not, over steps and neurons [T, N]."""
    if pairs > EXACT_PAIRS:
        count = count.double()
    return int((count * (pairs - count)).sum(dtype=torch.float64))


def _counts(clean: Tensor, noisy: Tensor) -> tuple[Tensor, int]:
    """How many samples fire per step and neuron, float32 [T, N], and spikes that differ from the copy, in all.

    Args:
        clean: spikes of the samples [T, n, N].
        noisy: spikes of their copies, same shape.

    Spikes stored as bytes are added eight neurons at a time: no byte of a sum of at most 255 spikes overflows.
    """
    if clean.dtype != torch.uint8 or clean.shape[1] > 255 or clean.shape[2] % 8:
        clean, noisy = clean.float(), noisy.float()
        return clean.sum(1), int((clean - noisy).abs_().sum(dtype=torch.float64))
    eight, copies = clean.view(torch.int64), noisy.view(torch.int64)
    changed = (eight ^ copies).sum(1).view(torch.uint8)
    return eight.sum(1).view(torch.uint8).float(), int(changed.sum(dtype=torch.int64))
