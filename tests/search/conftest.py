"""Records made by hand, and the rules of small searches."""

from __future__ import annotations

from msenas.genotype.space import Space
from msenas.phenotype.decode import DisconnectedGenome, decode
from msenas.runs.folder import Record
from msenas.search.evolution import Rules
from tests.conftest import motif_genome, small_spec


def scores(fitness=0.5, energy=2e-9, live=True, **changes):
    """The scores of a network as a record holds them."""
    values = {
        "live": live,
        "reason": None if live else "silent head",
        "fitness": fitness,
        "details": {},
        "energy_joule": [energy, energy, energy],
        "unpriced": [],
        "spikes": 10.0,
        "synops": 100.0,
        "firing_rate": 0.1,
        "parameters": 7,
        "synapses": 3,
        "depth": 2,
        "neurons": 20,
        "batch": 32,
    }
    return values | changes


def record(number, generation=0, failure=None, **changes):
    """A record; with `failure` its evaluation failed."""
    return Record(
        id=number,
        generation=generation,
        parents=[],
        genome=list(motif_genome("FE").flat()),
        plan=f"plan {number}",
        scores=None if failure else scores(**changes),
        failure=failure,
    )


def rules(layers=3, size=8, **choices):
    """Rules of a search of small networks; `operators` and `strategy` may be among the choices."""
    more = {name: choices.pop(name) for name in ("operators", "strategy") if name in choices}
    return Rules(Space(layers, **choices), small_spec(layers), size, **more)


def connected(space, spec, rng):
    """A random genome that describes a network."""
    while True:
        genome = space.sample(rng)
        try:
            decode(genome, spec)
        except DisconnectedGenome:
            continue
        return genome
