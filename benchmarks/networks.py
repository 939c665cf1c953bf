"""Networks that the benchmarks run, and how their figures are summed up."""

from __future__ import annotations

import statistics

import numpy as np

from msenas.genotype.space import Space
from msenas.phenotype.decode import DisconnectedGenome, decode
from msenas.phenotype.plan import Plan
from msenas.phenotype.spec import NetworkSpec, default_reductions

SHAPE, CLASSES, LAYERS = (3, 32, 32), 10, 6


def random_plans(count: int, steps: int = 4, channels: int = 16) -> list[Plan]:
    """The first connected random networks at CIFAR shape, always the same."""
    spec = NetworkSpec(SHAPE, CLASSES, LAYERS, steps, channels, reductions=default_reductions(LAYERS, SHAPE[1]))
    rng, space, found = np.random.default_rng(0), Space(LAYERS), []
    while len(found) < count:
        try:
            found.append(decode(space.sample(rng), spec))
        except DisconnectedGenome:
            continue
    return found


def spread(values: tuple[float, ...], form: str) -> str:
    """Median and range."""
    return f"median {statistics.median(values):{form}}, range {min(values):{form}} to {max(values):{form}}"
