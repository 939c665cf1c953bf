"""Random genomes and short descriptions of plans, for several test files."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from msenas.genotype.genome import Genome
from msenas.genotype.motifs import MOTIFS
from msenas.genotype.space import Space
from msenas.phenotype.decode import DisconnectedGenome, decode
from msenas.phenotype.plan import INPUT, Plan, Population, Synapse
from msenas.phenotype.spec import NetworkSpec
from tests.conftest import small_spec

NON_EMPTY = [m.name for m in MOTIFS if m.wires]


def wiring(plan: Plan) -> set[str]:
    """Synapses as text: `L1.E1+L1.E2->L2.E1 3/2` is a 3x3 kernel with stride 2."""
    lines = {
        f"{'+'.join(s.sources)}{'[t-1]' * s.delayed}{'-|' if s.inhibitory else '->'}{s.target} {s.kernel}/{s.stride}"
        for s in plan.synapses
    }
    assert len(lines) == len(plan.synapses)
    return lines


def dense_plan(**changes: object) -> Plan:
    """What no genome describes: sum pooling, convolutions without padding, dense layers, and a late loop of these.

    2 x 9 x 8 -> windows of 2 -> a 3 x 4 x 4 -> b 2 x 2 x 2 -> c 5 <-> d 3; a also reaches c through windows of 2.
    """
    spec = NetworkSpec(**({"input_shape": (2, 9, 8), "classes": 3, "layers": 1, "steps": 3} | changes))
    sizes = {"a": (3, 4, 4), "b": (2, 2, 2), "c": (5, 1, 1), "d": (3, 1, 1)}
    synapses = (
        Synapse((INPUT,), "a.E1", 3, 1, False, False, pool=2),
        Synapse(("a.E1",), "b.E1", 3, 1, False, False, padding=0),
        Synapse(("a.E1",), "c.E1", 2, 1, False, False, padding=0, pool=2),
        Synapse(("b.E1",), "c.E1", 2, 1, False, False, padding=0),
        Synapse(("d.E1",), "c.E1", 1, 1, False, True),
        Synapse(("c.E1",), "d.E1", 1, 1, False, False),
    )
    populations = tuple(Population(f"{n}.E1", *shape, 0, i, n) for i, (n, shape) in enumerate(sizes.items()))
    return Plan(spec, populations, synapses, ("d.E1",))


@st.composite
def connected(draw: st.DrawFn, most_layers: int = 4) -> tuple[Genome, NetworkSpec, Plan]:
    """A genome that decodes, with its spec and plan."""
    layers = draw(st.integers(1, most_layers))
    reductions = tuple(sorted(draw(st.sets(st.integers(0, layers - 1), max_size=2))))
    spec = small_spec(layers, reductions=reductions)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    while True:
        genome = Space(layers).sample(rng)
        try:
            return genome, spec, decode(genome, spec)
        except DisconnectedGenome:
            continue


def random_plans(count: int, layers: int, seed: int = 0, **changes: object) -> list[Plan]:
    """Plans of uniformly drawn genomes that decode."""
    rng, spec = np.random.default_rng(seed), small_spec(layers, **changes)
    plans: list[Plan] = []
    while len(plans) < count:
        try:
            plans.append(decode(Space(layers).sample(rng), spec))
        except DisconnectedGenome:
            continue
    return plans
