"""The threshold of a spiking read-out: one integrate-and-fire neuron for each class, in the place of scores."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msenas.phenotype.network import Network

CANDIDATES = 2.0 ** np.arange(-8, 3)
"""Thresholds that are tried, in units of the largest score of a time step."""


def spike_counts(scores: NDArray[np.float32], threshold: float) -> NDArray[np.int64]:
    """Spikes of integrate-and-fire neurons that are fed scores [T, B, classes]: [B, classes]."""
    potential = np.zeros_like(scores[0])
    counts = np.zeros(scores.shape[1:], np.int64)
    for current in scores:
        potential = potential + current
        fired = potential > threshold
        counts += fired
        potential[fired] = 0.0
    return counts


@torch.no_grad()
def best_threshold(network: Network, frames: Tensor, labels: NDArray[np.int64]) -> float:
    """The threshold with which most samples have the most spikes at their class; among equal ones the largest.

    Args:
        network: in inference mode.
        frames: [T, N, C, H, W], or [1, N, C, H, W].
        labels: [N].
    """
    scores = network.scores(frames).cpu().numpy()
    largest = float(np.abs(scores).max()) or 1.0
    right = [int((spike_counts(scores, c * largest).argmax(1) == labels).sum()) for c in CANDIDATES]
    return float(CANDIDATES[max(range(len(right)), key=lambda i: (right[i], i))] * largest)
