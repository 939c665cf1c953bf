"""How much of an order of trained networks is luck: two trainings of one network, from other weights, compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from msenas.ranking.agreement import Figure, kendall, resampled
from msenas.ranking.config import LEAST


@dataclass(frozen=True)
class Noise:
    """What two trainings of the same networks say.

    Attributes:
        repeated: networks that were trained twice.
        spread: mean difference between the two.
        ceiling: tau between them; None below LEAST networks.
        perfect: tau that the true order of the networks may be expected to have with the measured one (see `perfect`).
    """

    repeated: int
    spread: float
    ceiling: Figure | None
    perfect: Figure | None


def noise_of(ends: Sequence[Sequence[float]], seed: int) -> Noise | None:
    """The noise in what the trainings of each network ended with; None if none was trained twice.

    Args:
        ends: for each network, a number for each of its trainings.
        seed: of the resamples.
    """
    again = np.array([own[:2] for own in ends if len(own) > 1]).reshape(-1, 2)
    if not len(again):
        return None
    spread = float(np.abs(again[:, 0] - again[:, 1]).mean())
    if len(again) < LEAST:
        return Noise(len(again), spread, None, None)
    ceiling = Figure.of(kendall(again[:, 0], again[:, 1], resampled(len(again), seed)))
    trainings = 1 / float(np.mean([1 / len(own) for own in ends]))
    return Noise(len(again), spread, ceiling, Figure(*(perfect(v, trainings) for v in astuple(ceiling))))


def perfect(ceiling: float, trainings: float) -> float:
    """Expected tau of the true order with that of means over trainings, if values and noise are normally distributed.

    Then the correlation r of two trainings is sin(pi tau / 2) (Greiner's relation; Kendall 1949,
    doi:10.1093/biomet/36.1-2.177), the mean of k of them has the reliability k r / (1 + (k - 1) r) (Spearman and Brown,
    1910), and its correlation with the true values is the root of that.

    Args:
        ceiling: tau between two trainings; below 0 it counts as 0.
        trainings: k.
    """
    r = math.sin(math.pi / 2 * (0.0 if ceiling < 0 else ceiling))
    reliability = trainings * r / (1 + (trainings - 1) * r)
    return 2 / math.pi * math.asin(math.sqrt(reliability))
