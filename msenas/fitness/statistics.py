"""What one forward pass of the probe batch says about each population, in one sweep over its spikes.

The mean over all pairs of samples of their Manhattan distance needs no distance matrix: a neuron that fires for c of n
samples in a time step contributes c (n - c) to the sum over pairs. All sums are integers and exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from msenas.phenotype.trains import summed

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
    clean, noisy = flat[:, :pairs], flat[:, pairs:]
    count = summed(clean, 1).float()
    fired = count.sum(0)
    spike_map = fired.view(height, width, channels).sum(2).cpu().numpy().astype(np.int64)
    return PopulationStatistics(
        neurons=fired.numel(),
        pairs=pairs,
        between_sum=_pairs_apart(count, pairs),
        within_sum=int(summed(clean != noisy, 1).sum(dtype=torch.int64)),
        silent=int((fired == 0).sum()),
        spike_map=spike_map,
    )


def _pairs_apart(count: Tensor, pairs: int) -> int:
    """Pairs of samples of which one fires and the other does not, over steps and neurons [T, N]."""
    if pairs > EXACT_PAIRS:
        count = count.double()
    return int((count * (pairs - count)).sum(dtype=torch.float64))
