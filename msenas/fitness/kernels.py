"""Log-determinant scores of binary activity: NASWOT's Hamming kernel, and its sparsity-aware form SAHD.

NASWOT (Mellor et al. 2021, arXiv 2006.04647) adds up K_ij = N - h_ij over the layers, h the Hamming distance of two
samples; SNASNet (Kim et al. 2022, arXiv 2201.10355) does so per time step and divides the distance by the one that two
independent patterns of the same sparsity would have: K_ij = N - h_ij / 2 / (p_i (1 - p_j) + p_j (1 - p_i) + 1e-3),
p the firing fraction of a sample in that layer and step. Both are to be maximised.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from msenas.fitness.rdm import clean_trains


class HammingKernel:
    """The kernel summed over populations and time steps."""

    def __init__(self, pairs: int, *, sparsity_aware: bool) -> None:
        self.pairs, self.sparsity_aware = pairs, sparsity_aware
        self.matrix = torch.zeros(pairs, pairs, dtype=torch.float64)
        self.sites = 0

    def __call__(self, name: str, spikes: Tensor) -> None:
        """Add the spikes [T, 2n, C, H, W] of one population."""
        trains = clean_trains(spikes, self.pairs).float()
        neurons = trains.shape[2]
        products = torch.bmm(trains, trains.transpose(1, 2)).double()
        ones = products.diagonal(dim1=1, dim2=2)
        distances = ones[:, :, None] + ones[:, None, :] - 2 * products
        if self.sparsity_aware:
            p = ones / neurons
            expected = p[:, :, None] * (1 - p[:, None, :]) + p[:, None, :] * (1 - p[:, :, None])
            distances = 0.5 * distances / (expected + 1e-3)
        self.matrix += (neurons - distances).sum(0).cpu()
        self.sites += len(trains)

    def log_determinant(self) -> float:
        """Log |det K|; -inf when two samples look the same everywhere."""
        sign, value = torch.linalg.slogdet(self.matrix)
        return float(value) if float(sign) != 0 else -math.inf
