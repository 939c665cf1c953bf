"""Whether the read-out could still recognise a disturbed sample."""

from __future__ import annotations

import torch
from torch import Tensor

from msenas.fitness.rdm import clean_trains, manhattan
from msenas.phenotype.plan import Plan
from msenas.phenotype.trains import summed


class HeadIdentification:
    """Share of samples whose disturbed copy is nearer to them than any other sample, in the populations read out."""

    def __init__(self, plan: Plan, pairs: int) -> None:
        self.heard, self.pairs = set(plan.readout), pairs
        self.between = torch.zeros(pairs, pairs, dtype=torch.float64)
        self.within = torch.zeros(pairs, dtype=torch.float64)

    def __call__(self, name: str, spikes: Tensor) -> None:
        """Add the spikes [T, 2n, C, H, W] of one population, if the read-out hears it."""
        if name in self.heard:
            clean, noisy = (clean_trains(half, self.pairs) for half in torch.split(spikes, self.pairs, 1))
            self.between += manhattan(clean).cpu()
            self.within += summed(clean != noisy, 0).sum(1, dtype=torch.float64).cpu()

    def share(self) -> float:
        """The share, 0..1."""
        others = self.between.clone().fill_diagonal_(float("inf"))
        return float((self.within < others.min(1).values).double().mean())
