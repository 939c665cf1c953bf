from __future__ import annotations

import numpy as np
import pytest

from msenas.errors import GenomeError
from msenas.genotype.genome import BLOCK, MAX_LAYERS, Genome
from msenas.genotype.motifs import MOTIFS
from msenas.genotype.space import Space
from tests.conftest import motif_genome

NARROW = Space(3, motif=(1, 4), micro=(0, 1), g1=(2,), g2=(1,))


@pytest.mark.parametrize("space", [Space(), Space(1), NARROW], ids=["default", "one layer", "narrow"])
def test_samples_stay_within_the_choices_and_reach_all_of_them(space, rng):
    genes = np.array([space.sample(rng).flat() for _ in range(150)])
    assert genes.shape[1] == space.size
    for position in range(space.size):
        assert set(genes[:, position]) == set(space.choices(position))
    low, high = space.bounds()
    assert (genes.min(0) == low).all()
    assert (genes.max(0) == high).all()


def test_the_generator_alone_decides_the_sample():
    first, second = (Space().sample(np.random.default_rng(3)) for _ in range(2))
    assert first == second


def test_samples_are_contained(rng):
    assert all(NARROW.contains(NARROW.sample(rng)) for _ in range(50))


@pytest.mark.parametrize(
    "genome",
    [
        motif_genome("FE", "LI", cross=2),
        motif_genome("FE", "FE", "MI", cross=2),
        motif_genome("FE", "FE", "LI", kernel="5x5", cross=2),
        motif_genome("FE", "FE", "LI", cross=1),
        Genome.from_flat([*motif_genome("FE", "FE", "LI", cross=2).flat()[:-1], 2]),
    ],
    ids=["layers", "motif", "micro", "g1", "g2"],
)
def test_a_genome_with_one_gene_outside_is_not_contained(genome):
    assert NARROW.contains(motif_genome("FE", "FE", "LI", cross=2))
    assert not NARROW.contains(genome)


def test_unused_genes_do_not_decide_whether_a_genome_is_contained():
    flat = list(motif_genome("FE", "FE", "LI", cross=2).flat())
    flat[BLOCK - 1] = 2
    assert NARROW.contains(Genome.from_flat(flat))


@pytest.mark.parametrize("motif", MOTIFS, ids=lambda m: m.name)
def test_used_positions_are_motif_wires_and_cross_genes(motif):
    space, wires = Space(2), len(motif.wires)
    expected = [start + i for start in (0, BLOCK) for i in range(1 + wires)] + [2 * BLOCK, 2 * BLOCK + 1]
    assert space.used_positions(motif_genome(motif.name, motif.name)) == expected


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"layers": 0}, "layers"),
        ({"layers": MAX_LAYERS + 1}, "layers"),
        ({"motif": ()}, "motif"),
        ({"motif": (6,)}, "motif"),
        ({"micro": (0, 3)}, "micro"),
        ({"g1": (0, 1)}, "g1"),
        ({"g2": (0,)}, "g2"),
    ],
)
def test_choices_outside_the_full_space_are_refused(options, named):
    with pytest.raises(GenomeError, match=named) as error:
        Space(**options)
    assert "\n" not in str(error.value)


def test_layers_are_drawn_until_they_are_admitted(rng):
    space = Space(3, admits=lambda place, genes: genes.motif == place + 1)
    for _ in range(20):
        genome = space.sample(rng)
        assert [layer.motif for layer in genome.layers] == [1, 2, 3]
        assert space.contains(genome)
    assert not space.contains(Genome((*genome.layers[:2], genome.layers[0]), genome.g1, genome.g2))


def test_a_place_that_admits_nothing_is_named(rng, monkeypatch):
    monkeypatch.setattr("msenas.genotype.space.DRAWS", 10)
    with pytest.raises(GenomeError, match="layer 2: none of 10 random layers is admitted"):
        Space(3, admits=lambda place, genes: place != 1).sample(rng)


def test_spaces_are_compared_by_their_choices():
    assert Space(3, admits=lambda place, genes: False) == Space(3)
