"""Optimizers, the course of the learning rate, and the running mean of the weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from msenas.learning.config import TrainConfig
from msenas.phenotype.network import Network

LAST = 0.01
"""Learning rate at the end, as a share of the largest."""

OPTIMIZERS: dict[str, Callable[[list[dict[str, Any]], float], torch.optim.Optimizer]] = {
    "adamw": lambda groups, lr: torch.optim.AdamW(groups, lr),
    "sgd": lambda groups, lr: torch.optim.SGD(groups, lr, momentum=0.9, nesterov=True),
}


def make_optimizer(network: Network, config: TrainConfig) -> torch.optim.Optimizer:
    """The optimizer; only weights of convolutions and of the read-out decay."""
    decaying = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": decaying, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return OPTIMIZERS[config.optimizer](groups, config.learning_rate)


def learning_rate(config: TrainConfig, step: int, total: int) -> float:
    """Linear warm-up, then half a cosine down to LAST of the largest rate (Loshchilov and Hutter 2017)."""
    warm = config.warmup * total
    if step < warm:
        return config.learning_rate * (step + 1) / (warm + 1)
    progress = (step - warm) / max(total - warm, 1.0)
    return config.learning_rate * (LAST + (1 - LAST) * 0.5 * (1 + math.cos(math.pi * progress)))


class Average:
    """The running mean of a network's parameters, as a network of its own; its statistics are to be estimated anew."""

    def __init__(self, network: Network, decay: float) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, done: int) -> None:
        """Move towards the network, which has taken one more step after `done` others.

        The decay rises to its value with the steps, so that a short training does not end near its random weights.
        """
        decay = min(self.decay, (1 + done) / (10 + done))
        for mine, theirs in zip(self.network.parameters(), network.parameters(), strict=True):
            mine.lerp_(theirs, 1.0 - decay)
