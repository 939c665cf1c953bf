"""Random networks of many kinds: spread over the motifs that they are made of, and over their sizes.

Uniform genomes of many layers are all alike: each holds every motif and has the size of the others. So each genome is
drawn from a random palette of motifs; a pool of such genomes is sorted into strata by their most frequent motif and by
thirds of their parameters, and the strata give one network each, in turns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from msenas.errors import InputError
from msenas.genotype.genome import Genome
from msenas.genotype.motifs import EMPTY
from msenas.genotype.space import Space
from msenas.phenotype.decode import DisconnectedGenome, decode
from msenas.phenotype.plan import Plan
from msenas.phenotype.spec import NetworkSpec

POOL = 8
"""Networks of the pool for each one that is wanted."""
STALE = 500
"""Genomes in a row that are drawn in vain before the space counts as exhausted."""
SIZES = 3


@dataclass(frozen=True)
class Drawn:
    """A network that was drawn.

    Attributes:
        genome, plan: the network.
        motif: its most frequent motif, by layers that are live.
        size: third of the pool by parameters, from 0.
        half: 0 or 1; both halves of a sample are spread over the strata.
    """

    genome: Genome
    plan: Plan
    motif: str
    size: int
    half: int = 0


def draw(space: Space, spec: NetworkSpec, count: int, seed: int, live: Callable[[Plan], bool]) -> list[Drawn]:
    """Distinct live networks; every part of the list from its beginning is spread over the strata.

    Args:
        space: the genomes.
        spec: the spec of every network.
        count: how many.
        seed: seeds the choice.
        live: whether a network fires at all in what is read out.

    Raises:
        InputError: The space does not hold so many live networks.
    """
    pool = _pool(space, spec, POOL * count, np.random.default_rng([seed, 0xD2A3]))
    found: list[Drawn] = []
    # Whether networks live takes long to find out, so it is left where there are too few of them anyway.
    for drawn in _in_turns(pool) if len(pool) >= count else ():
        if live(drawn.plan):
            found.append(drawn)
        if len(found) == count:
            return found
    there = f"{len(found)} distinct live networks" if len(pool) >= count else f"{len(pool)} distinct networks"
    raise InputError(f"only {there} were found, not {count}; ask for fewer, or for more layers or motifs")


def motifs_of(plan: Plan) -> Counter[str]:
    """Live layers by their motif."""
    return Counter({p.layer: p.motif for p in plan.populations}.values())


def _pool(space: Space, spec: NetworkSpec, count: int, rng: np.random.Generator) -> list[Drawn]:
    plans: dict[str, tuple[Genome, Plan]] = {}
    stale = 0
    while len(plans) < count and stale < STALE:
        genome = replace(space, motif=_palette(space.motif, rng)).sample(rng)
        stale += 1
        try:
            plan = decode(genome, spec)
        except DisconnectedGenome:
            continue
        if plan.digest not in plans:
            plans[plan.digest] = genome, plan
            stale = 0
    sizes = [plan.parameters for _, plan in plans.values()]
    limits = np.quantile(sizes, [i / SIZES for i in range(1, SIZES)]) if sizes else np.empty(0)
    thirds = np.searchsorted(limits, sizes, "right").tolist()
    return [
        Drawn(genome, plan, motifs_of(plan).most_common(1)[0][0], size)
        for (genome, plan), size in zip(plans.values(), thirds, strict=True)
    ]


def _palette(motifs: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
    """Some of the motifs, one of them not empty."""
    wiring = [m for m in motifs if m != EMPTY]
    if not wiring:
        raise InputError("motifs must name one that has synapses")
    first = int(rng.choice(wiring))
    others = [m for m in motifs if m != first and rng.random() < 0.5]
    return tuple(sorted([first, *others]))


def _in_turns(pool: list[Drawn]) -> Iterator[Drawn]:
    """One network of each stratum, then a second one of each, and so on."""
    strata: dict[tuple[str, int], list[Drawn]] = {}
    for drawn in pool:
        strata.setdefault((drawn.motif, drawn.size), []).append(drawn)
    for turn in range(max(map(len, strata.values()), default=0)):
        for place, key in enumerate(sorted(strata)):
            if turn < len(strata[key]):
                yield replace(strata[key][turn], half=(place + turn) % 2)
