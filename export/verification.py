"""What comes out of a verification, as plain values for JSON (`dataclasses.asdict`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PopulationMatch:
    """The spikes of one population on both sides.

    Attributes:
        population: its name in the plan.
        node: its name in the file.
        compared: numbers, 0 or 1, that were compared.
        different: how many of them differ.
        equal: share of those that are equal.
    """

    population: str
    node: str
    compared: int
    different: int
    equal: float


@dataclass(frozen=True)
class Comparison:
    """One simulator beside the trained network.

    Attributes:
        simulator: its name.
        populations: spikes, population by population.
        different: spikes that differ, of all populations.
        equal: share of those that are equal.
        same_answers: share of the samples with the same answer, which is the class with the largest score.
        readout_difference: largest difference of a score in any time step; None if it does not give scores.
        accuracy: share of right answers of the simulator; None without labels.
        passed: whether it stands for the trained network.
    """

    simulator: str
    populations: tuple[PopulationMatch, ...]
    different: int
    equal: float
    same_answers: float
    readout_difference: float | None
    accuracy: float | None
    passed: bool


@dataclass(frozen=True)
class FirstDifference:
    """Where the spikes of a population differed first, in the first batch with a difference.

    Attributes:
        population: its name.
        step: time step, from 0.
        distance: of the potential, in the simulator, to the threshold; the smallest of those that differ in that step.
    """

    population: str
    step: int
    distance: float


@dataclass(frozen=True)
class Verification:
    """All simulators beside the trained network.

    Attributes:
        samples: that were run.
        steps: time steps of each.
        accuracy: share of right answers of the trained network; None without labels.
        comparisons: one for each simulator.
        first: where differences began (numpy only), in the order in which populations act; empty without any.
        passed: whether every comparison did.
    """

    samples: int
    steps: int
    accuracy: float | None
    comparisons: tuple[Comparison, ...]
    first: tuple[FirstDifference, ...]
    passed: bool
