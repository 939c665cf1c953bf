"""Random weights of untrained networks."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import torch

from msenas.phenotype import integer
from msenas.phenotype.plan import Plan, Synapse

FULL_INHIBITION = 1.0
"""Mean current withdrawn when every interneuron in a receptive field fires at once, in standard deviations of drive."""


def weight_seed(plan: Plan, seed: int) -> int:
    """Seed of a network's random weights: a function of the run's seed and the structure."""
    digest = hashlib.sha256(f"{seed}:{plan.digest}".encode()).digest()
    return int.from_bytes(digest[:7], "big")


def random_grid(plan: Plan, synapse: Synapse, rng: np.random.Generator) -> integer.Grid:
    """Random strengths on an 8-bit grid, so that every sum of spikes is exact in float32 (see `integer`).

    Excitation is uniform in +-127 codes at about the scale of He et al. (2015), which normalisation removes anyway;
    inhibition is uniform from 0 with the mean that FULL_INHIBITION asks for.
    """
    channels, target = plan.source_channels(synapse), plan.by_name[synapse.target].channels
    fan_in = channels * synapse.kernel**2
    limit = 2 * FULL_INHIBITION / fan_in if synapse.inhibitory else math.sqrt(6.0 / fan_in)
    scale = 2.0 ** math.ceil(math.log2(limit / integer.LARGEST_CODE))
    low, high = (0, round(limit / scale)) if synapse.inhibitory else (-integer.LARGEST_CODE, integer.LARGEST_CODE)
    codes = rng.integers(low, high, (target, synapse.kernel, synapse.kernel, channels), np.int8, endpoint=True)
    return integer.Grid(torch.from_numpy(codes).permute(0, 3, 1, 2), scale)
