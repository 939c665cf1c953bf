"""Crossover and mutation: what they may change, and how much."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msenas.genotype.genome import BLOCK
from msenas.genotype.space import Space
from msenas.phenotype.decode import DisconnectedGenome, decode
from msenas.search.variation import (
    MUTATIONS,
    PAPER_ETA,
    mutate_effective,
    mutate_polynomial,
    point_crossover,
)
from tests.conftest import motif_genome, small_spec
from tests.search.conftest import connected

NARROW = {"motif": (1, 3), "micro": (0, 1), "g1": (1, 2), "g2": (2,)}


def changed(a, b):
    """Positions at which two genomes differ."""
    return [i for i, (x, y) in enumerate(zip(a.flat(), b.flat(), strict=True)) if x != y]


def within(genome, space):
    """Whether every gene, used or not, is one of its choices."""
    return all(value in space.choices(i) for i, value in enumerate(genome.flat()))


@pytest.mark.parametrize("layers", [1, 2, 6])
def test_default_mutation_changes_one_or_two_genes_and_always_the_network(layers, rng):
    space, spec = Space(layers), small_spec(layers)
    counts = {1: 0, 2: 0}
    for _ in range(150):
        genome = connected(space, spec, rng)
        mutated = mutate_effective(genome, space, spec, rng)
        counts[len(changed(genome, mutated))] += 1
        assert decode(mutated, spec).digest != decode(genome, spec).digest
        assert within(mutated, space)
    assert counts[1] > 40
    assert counts[2] > 40


def test_default_mutation_connects_a_disconnected_genome(rng):
    """Crossover may have cut it; one gene mends it where one gene can."""
    space, spec = Space(2), small_spec(2)
    genes = list(motif_genome("FE", "FE").flat())
    genes[1] = genes[3] = 0
    broken = type(motif_genome("FE")).from_flat(genes)
    with pytest.raises(DisconnectedGenome):
        decode(broken, spec)
    for _ in range(20):
        assert decode(mutate_effective(broken, space, spec, rng), spec).populations


def test_default_mutation_respects_a_restricted_space(rng):
    space, spec = Space(3, **NARROW), small_spec(3)
    for _ in range(60):
        assert within(mutate_effective(connected(space, spec, rng), space, spec, rng), space)


def test_default_mutation_of_a_space_of_one_genome_changes_nothing(rng):
    space = Space(1, motif=(1,), micro=(1,), g1=(1,), g2=(1,))
    genome = space.sample(rng)
    assert mutate_effective(genome, space, small_spec(1), rng) == genome


@pytest.mark.parametrize("name", MUTATIONS)
def test_mutation_follows_from_the_generator(name):
    space, spec = Space(3), small_spec(3)
    genome = connected(space, spec, np.random.default_rng(5))
    twice = [MUTATIONS[name][0](genome, space, spec, np.random.default_rng(6)) for _ in range(2)]
    assert twice[0] == twice[1]


@pytest.mark.parametrize("choices", [{}, NARROW, {"motif": (0, 5), "g1": (1, 3)}])
def test_polynomial_mutation_stays_in_the_space(choices, rng):
    space, spec = Space(3, **choices), small_spec(3)
    for _ in range(200):
        assert within(mutate_polynomial(space.sample(rng), space, spec, rng), space)


def test_polynomial_mutation_is_mostly_a_no_op(rng):
    """Why it is not the default: with eta = 3 and a rate of 1/n hardly any child is a new genome."""
    assert PAPER_ETA == 3.0
    space, spec = Space(6), small_spec(6)
    genomes = [space.sample(rng) for _ in range(600)]
    same = sum(mutate_polynomial(g, space, spec, rng) == g for g in genomes) / len(genomes)
    assert 0.5 < same < 1.0


@given(st.integers(1, 4), st.integers(1, 60), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_crossover_takes_each_gene_from_its_place_in_a_parent(layers, points, seed):
    rng = np.random.default_rng(seed)
    space = Space(layers)
    a, b = space.sample(rng), space.sample(rng)
    first, second = point_crossover(a, b, points, rng)
    assert all({x, y} == {p, q} for x, y, p, q in zip(*(g.flat() for g in (first, second, a, b)), strict=True))


@pytest.mark.parametrize("points", [1, 2, 3, 7])
def test_crossover_switches_at_most_k_times(points, rng):
    """Parents that differ everywhere show from which one each gene came."""
    size = 3 * BLOCK + 2
    genome = type(motif_genome("FE"))
    a = genome.from_flat([1] * size)
    b = genome.from_flat([2] * size)
    for _ in range(50):
        child = np.array(point_crossover(a, b, points, rng)[0].flat())
        assert child[0] == 1
        assert np.count_nonzero(np.diff(child)) == points


def test_crossover_with_more_points_than_places(rng):
    a, b = (type(motif_genome("FE")).from_flat([value] * (BLOCK + 2)) for value in (1, 2))
    assert np.all(np.diff(point_crossover(a, b, 1000, rng)[0].flat()) != 0)


def test_parents_of_unlike_length_are_refused(rng):
    with pytest.raises(ValueError, match="11 and 20 genes"):
        point_crossover(motif_genome("FE"), motif_genome("FE", "FE"), 2, rng)


@pytest.mark.parametrize("name", MUTATIONS)
def test_mutation_keeps_layers_admitted(name, rng):
    """A space of layers whose first gene is at least as large as their second."""
    space, spec = Space(3, admits=lambda place, genes: genes.micro[0] >= genes.micro[1]), small_spec(3)
    mutate, _ = MUTATIONS[name]
    for _ in range(60):
        genome = connected(space, spec, rng)
        assert space.contains(mutate(genome, space, spec, rng))
