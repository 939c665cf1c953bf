"""Evaluation of a generation. Where the fitness trains, all are screened before, and only the best are trained.

A screen is a training-free fitness, together with the other objectives of the search; the networks are chosen like
survivors of the evolution. What is screened out has no fitness and takes no further part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from msenas.fitness.registry import get_fitness
from msenas.search.config import SearchConfig
from msenas.search.evolution import Child, Individual, survivors
from msenas.search.objectives import minimised
from msenas.search.workers import Job, Outcome


class Evaluate(Protocol):
    """Evaluates jobs and gives their outcomes in the same order."""

    def __call__(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Outcomes in the order of the jobs."""


def outcomes_of(
    children: Sequence[Child], known: int, generation: int, config: SearchConfig, evaluate: Evaluate
) -> Iterator[Outcome]:
    """Outcomes of the children of a generation, in their order, without the first `known` ones.

    The screen is computed for all of them, so that the choice does not depend on what is known.
    """
    if not config.screens:
        yield from evaluate([Job(child.genome) for child in children[known:]])
        return
    screen = list(evaluate([Job(child.genome, fitness=config.screen) for child in children]))
    rng = np.random.default_rng([config.seed, generation, 0x5C2E])
    chosen = _chosen(children, screen, config, rng)
    full = evaluate([Job(children[place].genome) for place in chosen if place >= known])
    for place in range(known, len(children)):
        yield next(full) if place in chosen else _out(screen[place], config.screen)


def _chosen(
    children: Sequence[Child], screen: Sequence[Outcome], config: SearchConfig, rng: np.random.Generator
) -> list[int]:
    """Places of the children that go on, from the first to the last."""
    fitness = get_fitness(config.screen)
    screened = [
        Individual(place, child.genome, minimised(outcome.scores, config.objectives, fitness))
        for place, (child, outcome) in enumerate(zip(children, screen, strict=True))
    ]
    return sorted(one.id for one in survivors(screened, config.places, rng))


def _out(outcome: Outcome, screen: str) -> Outcome:
    """The outcome of a child that does not go on; one that is dead, or failed, is just that."""
    if outcome.scores is None or not outcome.scores["live"]:
        return outcome
    value = outcome.scores["fitness"]
    about = {"reason": f"screened out by {screen}", "fitness": None, "details": {screen: value}}
    return replace(outcome, scores=outcome.scores | about)
