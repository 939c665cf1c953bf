"""What a search can optimise, as numbers to be minimised."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msenas.fitness.registry import Fitness

Scores = Mapping[str, Any]
"""The dictionary form of `msenas.fitness.evaluate.Scores`."""

OBJECTIVES: dict[str, Callable[[Scores], float]] = {
    "fitness": lambda s: s["fitness"],
    "energy": lambda s: s["energy_joule"][1],
    "synops": lambda s: s["synops"],
    "spikes": lambda s: s["spikes"],
    "parameters": lambda s: s["parameters"],
    "neurons": lambda s: s["neurons"],
}
"""Objective by name, in its natural direction: the fitness in its own, all others to be minimised."""

UNITS: dict[str, str] = {"energy": "J"}


def screened_out(scores: Scores) -> bool:
    """Whether a live network was not thought worth an evaluation in full."""
    return bool(scores["live"]) and scores["fitness"] is None


def values(scores: Scores, names: Sequence[str]) -> dict[str, float]:
    """The objectives of a live network in their natural direction."""
    return {name: float(OBJECTIVES[name](scores)) for name in names}


def minimised(scores: Scores | None, names: Sequence[str], fitness: Fitness) -> tuple[float, ...] | None:
    """The objectives as numbers to be minimised; None for a network that is dead or screened out, or failed."""
    if scores is None or scores["fitness"] is None:
        return None
    natural = values(scores, names)
    return tuple(-v if name == "fitness" and fitness.maximise else v for name, v in natural.items())
