"""Evolution as ask and tell over a frozen state; it never calls a fitness.

Selection and survival are pymoo's NSGA-II (binary tournament on dominance, then crowding; non-dominated sorting and
crowding over parents and children). With one objective the same code is an elitist genetic algorithm. All randomness
comes from the generator in the state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from pymoo.algorithms.moo.nsga2 import binary_tournament
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.operators.selection.tournament import TournamentSelection
from pymoo.operators.survival.rank_and_crowding import RankAndCrowding

from msenas.genotype.genome import Genome
from msenas.genotype.space import Space
from msenas.hardware.fit import Fit
from msenas.phenotype.decode import DisconnectedGenome, decode
from msenas.phenotype.plan import Plan
from msenas.phenotype.spec import NetworkSpec
from msenas.runs.folder import Unfit
from msenas.search.variation import CROSSOVER_POINTS, MUTATIONS, point_crossover

DRAWS = 20_000
"""Random genomes that are tried for one new connected network before the space counts as exhausted."""
MATINGS = 100
"""Rounds of mating for one generation before random genomes fill it up."""


@dataclass(frozen=True)
class Rules:
    """How the search varies and selects; fixed for a run.

    Attributes:
        space: the genomes that are drawn.
        spec: the spec of every network.
        size: networks per generation.
        operators, strategy: names of the mutation, and of the way children are made.
        fit: says whether a network fits the chip; networks that do not are passed over like disconnected genomes.
            None lets all pass.
        survivors: networks that may become parents of the next generation; None is as many as a generation has.
    """

    space: Space
    spec: NetworkSpec
    size: int
    operators: str = "default"
    strategy: str = "evolution"
    fit: Callable[[Plan], Fit] | None = None
    survivors: int | None = None


@dataclass(frozen=True)
class Individual:
    """An evaluated genome.

    Attributes:
        id: number of its evaluation.
        genome: the genotype with its neutral genes, which later mutations may wake up.
        objectives: to be minimised; None when the network is dead or its evaluation failed.
    """

    id: int
    genome: Genome
    objectives: tuple[float, ...] | None


@dataclass(frozen=True)
class Child:
    """A genome to be evaluated.

    Attributes:
        genome: the genotype.
        parents: ids of its parents, none for a random one.
        digest: digest of its plan.
        fit: how it fits the chip, in brief, where that is asked for.
    """

    genome: Genome
    parents: tuple[int, ...]
    digest: str
    fit: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class State:
    """Everything that the next generation depends on, and the record of what was passed over."""

    generation: int
    parents: tuple[Individual, ...]
    rng: Mapping[str, Any]
    seen: frozenset[str] = field(default_factory=frozenset)
    unfit: Mapping[str, Unfit] = field(default_factory=dict)


@dataclass
class Sieve:
    """Lets a genome pass that is connected, a new network, and fits the chip; filled while children are made.

    Attributes:
        rules: the rules of the run.
        known: digests of the networks that were asked for.
        unfit: what was passed over because it does not fit, by rule.
    """

    rules: Rules
    known: set[str]
    unfit: dict[str, Unfit]

    def child(self, genome: Genome, parents: tuple[int, ...]) -> Child | None:
        """The genome as a child, or None; records its digest."""
        try:
            plan = decode(genome, self.rules.spec)
        except DisconnectedGenome:
            return None
        if plan.digest in self.known:
            return None
        fit = self.rules.fit(plan) if self.rules.fit else None
        if fit is not None and not fit.fits:
            for finding in fit.failed:
                old = self.unfit.get(finding.rule, Unfit(0, finding.text()))
                self.unfit[finding.rule] = Unfit(old.drawn + 1, old.first)
            return None
        self.known.add(plan.digest)
        return Child(genome, parents, plan.digest, fit.brief() if fit else None)


def initial_state(seed: int) -> State:
    """The state before anything was evaluated."""
    return State(0, (), np.random.Generator(np.random.PCG64(seed)).bit_generator.state)


def ask(state: State, rules: Rules) -> tuple[list[Child], State]:
    """The children of the next generation: connected, each a network that was never asked for before, and fitting.

    Fewer than `rules.size` come back when the space holds no more; none when it is exhausted.
    """
    rng = _generator(state)
    sieve = Sieve(rules, set(state.seen), dict(state.unfit))
    children: list[Child] = []
    if state.generation > 0 and rules.strategy == "evolution" and len(state.parents) >= 2:
        children = _offspring(state, rules, rng, sieve)
    while len(children) < rules.size:
        child = _random_child(rules, rng, sieve)
        if child is None:
            break
        children.append(child)
    return children, replace(state, rng=rng.bit_generator.state, seen=frozenset(sieve.known), unfit=sieve.unfit)


def tell(state: State, children: Sequence[Individual], rules: Rules) -> State:
    """Survivors of parents and evaluated children become the parents of the next generation."""
    rng = _generator(state)
    parents = tuple(survivors((*state.parents, *children), rules.survivors or rules.size, rng))
    return replace(state, generation=state.generation + 1, parents=parents, rng=rng.bit_generator.state)


def survivors(individuals: Sequence[Individual], count: int, rng: np.random.Generator) -> list[Individual]:
    """At most so many of those that have objectives: the best fronts, and of the last one the least crowded."""
    candidates = [i for i in individuals if i.objectives is not None]
    if not candidates:
        return []
    return [candidates[i] for i in _ranked(candidates, min(count, len(candidates)), rng).get("index")]


def front(individuals: Sequence[Individual]) -> list[Individual]:
    """The individuals that no other dominates (nowhere worse, somewhere better), by their first objective, then id."""
    alive = [i for i in individuals if i.objectives is not None]
    if not alive:
        return []
    values = np.array([i.objectives for i in alive], dtype=float)
    keep = [not np.any(np.all(values <= row, axis=1) & np.any(values < row, axis=1)) for row in values]
    best = [i for i, k in zip(alive, keep, strict=True) if k]
    return sorted(best, key=lambda i: (i.objectives, i.id))


def _offspring(state: State, rules: Rules, rng: np.random.Generator, sieve: Sieve) -> list[Child]:
    """Tournament, crossover, mutation, until enough new networks have come out."""
    mutate, rate = MUTATIONS[rules.operators]
    ranked = _ranked(state.parents, len(state.parents), rng)
    by_index = [state.parents[i] for i in ranked.get("index")]
    children: list[Child] = []
    for _ in range(MATINGS):
        for a, b in _pairs(ranked, rules.size, rng):
            mother, father = by_index[a], by_index[b]
            pair = (mother.genome, father.genome)
            if rng.random() < rate:
                pair = point_crossover(*pair, CROSSOVER_POINTS, rng)
            for genome in pair[: rules.size - len(children)]:
                mutated = mutate(genome, rules.space, rules.spec, rng)
                child = sieve.child(mutated, (mother.id, father.id))
                if child is not None:
                    children.append(child)
        if len(children) >= rules.size:
            break
    return children


def _pairs(ranked: Population, size: int, rng: np.random.Generator) -> np.ndarray:
    """Parents of (size + 1) // 2 matings, int [matings, 2], by binary tournament."""
    algorithm = SimpleNamespace(tournament_type="comp_by_dom_and_crowding", random_state=rng)
    selection = TournamentSelection(func_comp=binary_tournament)
    picked = selection._do(None, ranked, (size + 1) // 2, n_parents=2, random_state=rng, algorithm=algorithm)
    return np.asarray(picked)


def _ranked(individuals: Sequence[Individual], survivors: int, rng: np.random.Generator) -> Population:
    """The survivors as a pymoo population with rank, crowding and their index."""
    objectives = np.array([i.objectives for i in individuals], dtype=float)
    population = Population.new("F", objectives, "index", np.arange(len(individuals)))
    problem = Problem(n_var=1, n_obj=objectives.shape[1])
    return RankAndCrowding().do(problem, population, n_survive=survivors, random_state=rng)


def _random_child(rules: Rules, rng: np.random.Generator, sieve: Sieve) -> Child | None:
    for _ in range(DRAWS):
        child = sieve.child(rules.space.sample(rng), ())
        if child is not None:
            return child
    return None


def _generator(state: State) -> np.random.Generator:
    rng = np.random.Generator(np.random.PCG64())
    rng.bit_generator.state = state.rng
    return rng
