"""Points of a curve: the same samples run again under another condition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msenas.evaluation.accuracy import judge
from msenas.evaluation.deployed import Deployed
from msenas.evaluation.estimate import Advance, counted
from msenas.hardware.census import Census, take_census


@dataclass(frozen=True)
class Point:
    """What a network did under one condition.

    Attributes:
        at: the condition, a number such as the time steps or the strength of a noise.
        accuracy: share of right answers.
        spikes: of all neurons, per inference.
        synops: synaptic operations delivered, per inference.
    """

    at: float
    accuracy: float
    spikes: float
    synops: float

    @classmethod
    def of(cls, at: float, census: Census, labels: NDArray[np.int64]) -> Point:
        """The point of a census that was taken under the condition."""
        per_inference = census.counts.total.per_inference
        accuracy = judge(census.scores, labels).top1
        return cls(at, accuracy, per_inference["spikes"], per_inference["synops"])


def run_at(at: float, deployed: Deployed, split: str, samples: int | None, advance: Advance) -> Point:
    """Run the chosen samples of a split through a network that has been brought under a condition."""
    places = deployed.choose(split, samples)
    census = take_census(deployed.network, counted(deployed.batches(split, places), advance))
    return Point.of(at, census, deployed.split(split).labels[places])
