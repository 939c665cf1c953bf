"""RDM contrast: how far a small disturbance spreads, relative to how far different samples are apart.

Per population, q = W / B with B the mean entry of the Manhattan RDM of different samples and W the mean distance of a
sample to a slightly disturbed copy. Dividing removes firing rate, width and time steps. With the populations grouped
into stages of equal resolution:

    S = mean over stages of max over populations with B > 1e-4 of log q
    F = S - 0.25 max over populations of z,     z = share of neurons silent on all samples

F is to be maximised. It is largely a measure of functional depth, and it saturates (q near 1) in deep networks; the
details say how close to saturation the last stage is, and no ranking is promised there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from msenas.fitness.statistics import PopulationStatistics
from msenas.phenotype.plan import Plan

SILENT = 1e-4
"""A population whose B is not above this carries nothing about the samples."""
SILENT_STAGE = -3.0
"""What a stage counts in which every population is silent, and the least that any stage counts."""
SILENT_WEIGHT = 0.25
SATURATED = 0.95
"""Median q of the last stage above which a report must warn."""


@dataclass(frozen=True)
class Contrast:
    """The score and what it is made of.

    Attributes:
        value: F.
        stages: S per stage before averaging, from the input's resolution on.
        silent_share: largest share of silent neurons.
        last_stage_q: largest q of the last stage; near 1 means saturated (NaN if that stage is silent).
        mean_q: mean of q over the populations that carry anything.
    """

    value: float
    stages: tuple[float, ...]
    silent_share: float
    last_stage_q: float
    mean_q: float


def contrast(plan: Plan, statistics: Mapping[str, PopulationStatistics]) -> Contrast:
    """Compute F from the statistics of every population of the plan."""
    ratios = {name: s.within / s.between for name, s in statistics.items() if s.between > SILENT}
    stages = sorted({p.stage for p in plan.populations})
    grouped = {
        stage: [ratios[p.name] for p in plan.populations if p.stage == stage and p.name in ratios] for stage in stages
    }
    logs = tuple(max(map(_log, grouped[stage]), default=SILENT_STAGE) for stage in stages)
    silent = max(s.silent_share for s in statistics.values())
    return Contrast(
        value=math.fsum(logs) / len(logs) - SILENT_WEIGHT * silent,
        stages=logs,
        silent_share=silent,
        last_stage_q=max(grouped[stages[-1]], default=math.nan),
        mean_q=math.fsum(ratios.values()) / len(ratios) if ratios else math.nan,
    )


def _log(ratio: float) -> float:
    return max(math.log(ratio), SILENT_STAGE) if ratio > 0 else SILENT_STAGE


def head_distance(plan: Plan, statistics: Mapping[str, PopulationStatistics]) -> float:
    """B over the populations that the read-out listens to: how far apart the samples are for the classifier."""
    heard = [statistics[name] for name in plan.readout]
    return math.fsum(s.between * s.neurons for s in heard) / sum(s.neurons for s in heard)
