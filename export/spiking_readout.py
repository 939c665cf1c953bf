"""The spiking read-out: one integrate-and-fire neuron for each class, in the place of scores, and its threshold."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msenas.phenotype.inference import inference
from msenas.phenotype.network import Network

CANDIDATES = 1.01 * 2.0 ** np.arange(-8, 2.5, 0.5)
"""Thresholds that are tried, in units of the largest score of a time step; beside it, where rounding would decide."""
BATCH = 64
"""Samples that run together."""


def readout_spikes(scores: NDArray[np.float32], threshold: float) -> NDArray[np.uint8]:
    """Spikes of integrate-and-fire neurons that are fed scores [T, B, classes], of the same shape."""
    potential = np.zeros_like(scores[0])
    spikes = np.empty(scores.shape, np.uint8)
    for step, current in enumerate(scores):
        potential = potential + current
        fired = potential > np.float32(threshold)
        spikes[step] = fired
        potential[fired] = 0.0
    return spikes


def best_threshold(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The threshold with which most samples have the most spikes at their class; among equal ones the largest.

    Args:
        scores: of each time step [T, N, classes].
        labels: [N].
    """
    largest = float(np.abs(scores).max()) or 1.0
    right = [int((readout_spikes(scores, c * largest).sum(0).argmax(1) == labels).sum()) for c in CANDIDATES]
    return float(CANDIDATES[max(range(len(right)), key=lambda i: (right[i], i))] * largest)


def scores_of(network: Network, frames: Tensor) -> NDArray[np.float32]:
    """Scores in inference of each time step [T, N, classes], for frames [T or 1, N, C, H, W]."""
    with inference(network):
        return np.concatenate([network.scores(part).numpy() for part in torch.split(frames, BATCH, 1)], 1)
