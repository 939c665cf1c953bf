"""What a training minimises: the error of the scores, and pulls on firing rates and on energy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from msenas.hardware.fanout import fan_out
from msenas.learning.config import TrainConfig
from msenas.phenotype.plan import Plan

TEMPERATURE = 2.0
"""Softness of the scores that are imitated in distillation."""


def error(scores: Tensor, targets: Tensor, config: TrainConfig) -> Tensor:
    """Cross-entropy of scores.

    Args:
        scores: of each time step [T, B, classes].
        targets: class probabilities [B, classes].
        config: chooses whether scores (ce) or errors (tet) are averaged over time.
    """
    smooth = config.label_smoothing
    if config.loss == "ce":
        return F.cross_entropy(scores.mean(0), targets, label_smoothing=smooth)
    steps, batch, classes = scores.shape
    repeated = targets.expand(steps, batch, classes).reshape(-1, classes)
    return F.cross_entropy(scores.reshape(-1, classes), repeated, label_smoothing=smooth)


def imitation(scores: Tensor, teacher: Tensor) -> Tensor:
    """Kullback-Leibler divergence of softened scores [B, classes] from those of a teacher (Hinton et al. 2015)."""
    ours, theirs = (F.log_softmax(s / TEMPERATURE, 1) for s in (scores, teacher))
    return F.kl_div(ours, theirs, reduction="batchmean", log_target=True) * TEMPERATURE**2


@dataclass
class Spending:
    """An observer of one forward pass that keeps firing rates and synaptic operations, with their gradients.

    Attributes:
        plan: the network.
        rates: mean spikes per neuron and step by population.
        synops: synaptic operations per inference; without those of the input, which no weight changes. A pass of fewer
            time steps than the network's counts for all of them.
        whole: makes means over the samples that are seen here those of a whole batch.
    """

    plan: Plan
    rates: dict[str, Tensor] = field(default_factory=dict)
    synops: Tensor | float = 0.0
    whole: Callable[[Tensor], Tensor] = lambda mean: mean

    def __post_init__(self) -> None:
        self._reach = reach_by_source(self.plan)

    def __call__(self, name: str, spikes: Tensor) -> None:
        """Take the spikes [T, B, C, H, W] of one population."""
        spikes = spikes.float()
        self.rates[name] = spikes.mean()
        if name in self._reach:
            places = spikes.sum((0, 2)).mean(0) * (self.plan.spec.steps / len(spikes))
            self.synops = self.synops + (places * self._reach[name].to(places.device)).sum()

    def pull(self, rate: float) -> Tensor:
        """Mean squared distance of the firing rates from `rate`."""
        return ((self.whole(torch.stack(list(self.rates.values()))) - rate) ** 2).mean()

    def excess(self, joule_per_synop: float, fixed: float, budget: float) -> Tensor:
        """Energy above a budget, as a share of the budget; 0 below it.

        Args:
            joule_per_synop: price of a synaptic operation.
            fixed: energy of what no weight changes.
            budget: joule per inference.
        """
        energy = self.whole(torch.as_tensor(self.synops)) * joule_per_synop + fixed
        return F.relu(energy / budget - 1.0)


def reach_by_source(plan: Plan) -> Mapping[str, Tensor]:
    """Synaptic operations of one spike at (y, x) of a population through all its synapses, float32 [H, W]."""
    reach: dict[str, Tensor] = {}
    for synapse in plan.synapses:
        for source in synapse.sources:
            if source in plan.by_name:
                fan = torch.from_numpy(fan_out(plan, synapse)).float()
                reach[source] = reach[source] + fan if source in reach else fan
    return reach
