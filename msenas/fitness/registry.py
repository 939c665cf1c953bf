"""The fitnesses by name: what each watches during the one forward pass, and how its value follows.

Adding a fitness means adding a row to FITNESSES. A fitness may watch the spikes as they come, and sees the evidence
that every evaluation gathers anyway. Whether a network is alive is a constraint and never part of a value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from msenas.errors import InputError, unknown
from msenas.fitness.contrast import contrast
from msenas.fitness.identification import HeadIdentification
from msenas.fitness.kernels import HammingKernel
from msenas.fitness.rdm import CountRdm, StepRdm
from msenas.fitness.saliency import synflow
from msenas.fitness.statistics import PopulationStatistics
from msenas.hardware.counts import Counts
from msenas.learning.loop import Row
from msenas.phenotype.network import Network, Observer
from msenas.phenotype.plan import Plan

PROJECTED = 0.03
"""Power of the number of parameters with which a loss falls further while a short training becomes a long one."""
DIGITS = 13
"""Hexadecimal digits that a float holds exactly."""


@dataclass(frozen=True)
class Evidence:
    """What is known of a network after one forward pass of the probe batch.

    Attributes:
        network: the untrained network.
        statistics: per population.
        counts: operations per inference, from the clean samples.
        watched: the fitness's own watcher, or None.
        trained: trains the network for a short time, and gives None if it has no finite loss; None where there are no
            data to train on.
    """

    network: Network
    statistics: Mapping[str, PopulationStatistics]
    counts: Counts
    watched: Any
    trained: Callable[[], Row | None] | None = None

    @property
    def plan(self) -> Plan:
        """The structure of the network."""
        return self.network.plan


@dataclass(frozen=True)
class Reading:
    """The value of a fitness and numbers that explain it."""

    value: float
    details: Mapping[str, float | list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Fitness:
    """A score of a network.

    Attributes:
        name: what the user types.
        title: one line of explanation.
        maximise: direction in which it is better.
        read: evidence to value.
        watch: makes the observer that the value needs, from the plan and the number of clean samples.
        trivial: whether it says nothing but how large or active a network is, or nothing at all: what a fitness has to
            beat.
        trains: whether the network is trained for it; all others are training-free.
    """

    name: str
    title: str
    maximise: bool
    read: Callable[[Evidence], Reading]
    watch: Callable[[Plan, int], Observer] | None = None
    trivial: bool = False
    trains: bool = False


def get_fitness(name: str) -> Fitness:
    """Look up a fitness.

    Raises:
        InputError: The name is unknown.
    """
    try:
        return FITNESSES[name]
    except KeyError:
        raise InputError(unknown("fitness", name, FITNESSES)) from None


def _contrast(evidence: Evidence) -> Reading:
    result = contrast(evidence.plan, evidence.statistics)
    return Reading(
        result.value,
        {
            "stages": list(result.stages),
            "silent_share": result.silent_share,
            "last_stage_q": result.last_stage_q,
            "mean_q": result.mean_q,
            "head_identification": evidence.watched.share(),
        },
    )


def _short_training(evidence: Evidence) -> Reading:
    if evidence.trained is None:
        raise InputError("a fitness that trains needs data to train on")
    row = evidence.trained()
    if row is None:
        return Reading(math.nan)
    return Reading(row.val_loss, {"val_accuracy": row.val_accuracy, "train_loss": row.loss})


def _projected_loss(evidence: Evidence) -> Reading:
    reading = _short_training(evidence)
    value = reading.value * evidence.plan.parameters**-PROJECTED
    return Reading(value, {"val_loss": reading.value, **reading.details})


def _drawn(evidence: Evidence) -> float:
    return float(int(evidence.plan.digest[:DIGITS], 16) / 16**DIGITS)


def _baseline(name: str, title: str, value: Callable[[Evidence], float]) -> Fitness:
    return Fitness(name, f"baseline: {title}", True, lambda e: Reading(value(e)), trivial=True)


FITNESSES: dict[str, Fitness] = {
    f.name: f
    for f in (
        Fitness(
            "rdm-contrast",
            "disturbed against different samples, stage by stage",
            True,
            _contrast,
            HeadIdentification,
        ),
        Fitness(
            "rdm-paper",
            "mean Manhattan RDM of spike counts, minimised as in the text of MSE-NAS",
            False,
            lambda e: Reading(e.watched.mean()),
            lambda plan, pairs: CountRdm(pairs),
        ),
        Fitness(
            "rdm-reference",
            "summed per-step Hamming RDM, maximised as in the authors' code",
            True,
            lambda e: Reading(e.watched.total()),
            lambda plan, pairs: StepRdm(pairs, plan),
        ),
        Fitness(
            "sahd",
            "log-determinant of the sparsity-aware Hamming kernel (SNASNet)",
            True,
            lambda e: Reading(e.watched.log_determinant()),
            lambda plan, pairs: HammingKernel(pairs, sparsity_aware=True),
        ),
        Fitness(
            "naswot",
            "log-determinant of the Hamming kernel (NASWOT)",
            True,
            lambda e: Reading(e.watched.log_determinant()),
            lambda plan, pairs: HammingKernel(pairs, sparsity_aware=False),
        ),
        Fitness("synflow", "log of the synaptic flow", True, lambda e: Reading(synflow(e.network))),
        Fitness("short-training", "validation loss after some steps of training", False, _short_training, trains=True),
        Fitness(
            "projected-loss",
            f"the same times parameters^-{PROJECTED}, as larger networks gain more by a longer training (default)",
            False,
            _projected_loss,
            trains=True,
        ),
        _baseline("parameters", "trainable numbers", lambda e: e.plan.parameters),
        _baseline("synops", "synaptic operations", lambda e: e.counts.total.per_inference["synops"]),
        _baseline("spikes", "spike count", lambda e: e.counts.total.per_inference["spikes"]),
        _baseline("synapses", "live synapses", lambda e: len(e.plan.synapses)),
        _baseline("depth", "longest chain of populations", lambda e: e.plan.depth),
        _baseline("random", "a number that is drawn from the structure", _drawn),
    )
}
DEFAULT = "projected-loss"
SCREEN = "parameters"
"""What chooses the networks that are worth a training, for a fitness that trains."""
