"""Representational dissimilarity matrices of spike trains, by matrix products, and the two published scores.

For binary vectors |a - b| = |a| + |b| - 2 a.b, so one product S S^T gives every Manhattan distance. Spike counts in
0..T are the sum of T binary vectors [count >= 1], ..., [count >= T], for which the same holds. All entries are exact
integers as long as one product stays below 2^24, which the products are split to guarantee.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from msenas.phenotype.plan import Plan

_EXACT = 1 << 24
"""float32 holds every integer up to here."""


def manhattan(trains: Tensor) -> Tensor:
    """Manhattan distances of binary trains [K, n, N], summed over K: exact integers as float64 [n, n].

    Raises:
        ValueError: A product could leave the range of exact integers (N above 2^24).
    """
    if trains.shape[2] > _EXACT:
        raise ValueError(f"{trains.shape[2]} neurons are too many for an exact float32 product")
    trains = trains.float()
    products = torch.bmm(trains, trains.transpose(1, 2)).double().sum(0)
    ones = products.diagonal()
    return ones[:, None] + ones[None, :] - 2 * products


def count_levels(trains: Tensor) -> Tensor:
    """Spike counts of trains [T, n, N] as binary vectors: entry k is [count > k], shape [T, n, N]."""
    counts = trains.sum(0)
    levels = torch.arange(trains.shape[0], dtype=counts.dtype, device=counts.device)
    return counts[None] > levels[:, None, None]


class CountRdm:
    """RDM of the spike-count vectors of all neurons together (Manhattan), as MSE-NAS describes it."""

    def __init__(self, pairs: int) -> None:
        self.pairs = pairs
        self.matrix = torch.zeros(pairs, pairs, dtype=torch.float64)

    def __call__(self, name: str, spikes: Tensor) -> None:
        """Add the spikes [T, 2n, C, H, W] of one population."""
        self.matrix += manhattan(count_levels(clean_trains(spikes, self.pairs))).cpu()

    def mean(self) -> float:
        """Mean over pairs of different samples."""
        return mean_off_diagonal(self.matrix)


class StepRdm:
    """Hamming distance per time step, averaged over neuron sites and steps, as in the authors' code.

    There a neuron sits at the start of every edge, so a train counts once per synapse that reads it. The sum runs over
    all n * n entries. Their constant 1e-6, which leaks into every difference, is left out.
    """

    def __init__(self, pairs: int, plan: Plan) -> None:
        self.pairs, self.steps = pairs, plan.spec.steps
        readers: Iterable[str] = [n for s in plan.synapses for n in s.sources]
        self.fan_out = {p.name: 0 for p in plan.populations}
        for name in [*readers, *plan.readout]:
            self.fan_out[name] = self.fan_out.get(name, 0) + 1
        self.matrix = torch.zeros(pairs, pairs, dtype=torch.float64)
        self.sites = 0

    def __call__(self, name: str, spikes: Tensor) -> None:
        """Add the spikes [T, 2n, C, H, W] of one population."""
        weight = self.fan_out[name]
        self.matrix += weight * manhattan(clean_trains(spikes, self.pairs)).cpu()
        self.sites += weight

    def total(self) -> float:
        """Sum of the entries of the matrix averaged over sites and time steps."""
        return float(self.matrix.sum()) / (self.sites * self.steps)


def clean_trains(spikes: Tensor, pairs: int) -> Tensor:
    """Trains [T, n, N] of the samples without their copies."""
    return spikes[:, :pairs].permute(0, 1, 3, 4, 2).flatten(2)


def mean_off_diagonal(matrix: Tensor) -> float:
    """Mean over pairs of different samples of a symmetric matrix with a zero diagonal."""
    n = matrix.shape[0]
    return float(matrix.sum()) / (n * (n - 1))
