"""Whether the read-out could still recognise a disturbed sample."""

from __future__ import annotations

import torch
from torch import Tensor

from msenas.fitness.rdm import manhattan
from msenas.phenotype.plan import Plan


class HeadIdentification:
    """Share of samples whose disturbed copy is nearer to them than any other sample, in the populations read out."""

    def __init__(self, plan: Plan, pairs: int) -> None:
        self.heard, self.pairs = set(plan.readout), pairs
        self.matrix = torch.zeros(2 * pairs, 2 * pairs, dtype=torch.float64)

    def __call__(self, name: str, spikes: Tensor) -> None:
        """Add the spikes [T, 2n, C, H, W] of one population, if the read-out hears it."""
        if name in self.heard:
            self.matrix += manhattan(spikes.permute(0, 1, 3, 4, 2).flatten(2)).cpu()

    def share(self) -> float:
        """The share, 0..1."""
        n = self.pairs
        others = self.matrix[:n, :n].clone().fill_diagonal_(float("inf"))
        return float((self.matrix[:n, n:].diagonal() < others.min(1).values).double().mean())
