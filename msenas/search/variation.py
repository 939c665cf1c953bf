"""Crossover and mutation of genomes, as functions of their arguments and a generator.

Polynomial mutation of integer genes is nearly a no-op (with eta = 3 and a rate of 1/n most children are
copies), so the default mutation resets one or two genes and makes sure that each reset changes the network.
The operators of the paper are kept by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from pymoo.operators.mutation.pm import mut_pm

from msenas.genotype.genome import BLOCK, Genome
from msenas.genotype.space import Space
from msenas.phenotype.decode import DisconnectedGenome, decode
from msenas.phenotype.spec import NetworkSpec

Mutation = Callable[[Genome, Space, NetworkSpec, np.random.Generator], Genome]

TRIES = 200
"""Resets that are tried before a genome counts as one that no single gene can change."""
CROSSOVER_POINTS = 2
CROSSOVER_RATE = 0.9
PAPER_ETA = 3.0


def point_crossover(a: Genome, b: Genome, points: int, rng: np.random.Generator) -> tuple[Genome, Genome]:
    """k-point crossover of the flat genomes; parents of unlike length cannot be crossed.

    Raises:
        ValueError: The genomes differ in length.
    """
    first, second = np.array(a.flat()), np.array(b.flat())
    if len(first) != len(second):
        raise ValueError(f"genomes of {len(first)} and {len(second)} genes cannot be crossed")
    cuts = np.sort(rng.choice(np.arange(1, len(first)), size=min(points, len(first) - 1), replace=False))
    swap = np.searchsorted(cuts, np.arange(len(first)), side="right") % 2 == 1
    return (
        Genome.from_flat(np.where(swap, second, first).tolist()),
        Genome.from_flat(np.where(swap, first, second).tolist()),
    )


def mutate_effective(genome: Genome, space: Space, spec: NetworkSpec, rng: np.random.Generator) -> Genome:
    """Reset one or two genes, each of them such that the network changes and stays connected."""
    known = {_digest(genome, spec)}
    untouched = set(range(space.size))
    for _ in range(int(rng.integers(1, 3))):
        genome = _reset_one(genome, space, spec, rng, untouched, known)
    return genome


def _reset_one(
    genome: Genome,
    space: Space,
    spec: NetworkSpec,
    rng: np.random.Generator,
    untouched: set[int],
    known: set[str | None],
) -> Genome:
    """Reset one untouched gene to get a connected network that is not known yet; updates both sets."""
    flat = list(genome.flat())
    positions = [p for p in space.used_positions(genome) if p in untouched]
    for _ in range(TRIES):
        position = int(rng.choice(positions))
        others = [value for value in space.choices(position) if value != flat[position]]
        if not others:
            continue
        changed = Genome.from_flat([*flat[:position], int(rng.choice(others)), *flat[position + 1 :]])
        if not _admitted(changed, position, space):
            continue
        digest = _digest(changed, spec)
        if digest is not None and digest not in known:
            untouched.discard(position)
            known.add(digest)
            return changed
    return genome


def _admitted(genome: Genome, position: int, space: Space) -> bool:
    """Whether the layer that holds a gene may stand where it is."""
    place = position // BLOCK
    return place >= len(genome.layers) or space.admits(place, genome.layers[place])


def _digest(genome: Genome, spec: NetworkSpec) -> str | None:
    try:
        return decode(genome, spec).digest
    except DisconnectedGenome:
        return None


def mutate_polynomial(genome: Genome, space: Space, spec: NetworkSpec, rng: np.random.Generator) -> Genome:
    """The paper's mutation: polynomial with eta = 3 at rate 1/n on [l - 1/2, u + 1/2), then rounding.

    Genes whose choices are not a range are moved to the nearest choice; a layer that is not admitted then stays as it
    was.
    """
    lower, upper = space.bounds()
    flat = np.array([genome.flat()], dtype=float)
    rate = np.array([1.0 / space.size])
    moved = mut_pm(
        flat,
        lower - 0.5,
        upper + 0.5 - 1e-9,
        np.array([PAPER_ETA]),
        rate,
        at_least_once=False,
        random_state=rng,
    )[0]
    genes = [_nearest(value, space.choices(i)) for i, value in enumerate(np.rint(moved))]
    changed = Genome.from_flat(genes)
    layers = (
        new if space.admits(place, new) else old
        for place, (old, new) in enumerate(zip(genome.layers, changed.layers, strict=True))
    )
    return replace(changed, layers=tuple(layers))


def _nearest(value: float, choices: tuple[int, ...]) -> int:
    return min(choices, key=lambda choice: abs(choice - value))


MUTATIONS: dict[str, tuple[Mutation, float]] = {
    "default": (mutate_effective, CROSSOVER_RATE),
    "paper": (mutate_polynomial, 1.0),
}
"""Operators by name: the mutation, and the rate of crossover before it."""
