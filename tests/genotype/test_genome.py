from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msenas.errors import GenomeError
from msenas.genotype.genome import BLOCK, KERNEL_NAMES, KERNELS, MAX_LAYERS, Genome, LayerGenes
from msenas.genotype.motifs import MOTIFS, SLOTS

LAYER = [1, 1, 1, 1, 0, 0, 0, 0, 0]
FE = {"motif": "FE", "synapses": {"in->E1": "3x3"}}


@st.composite
def flat_genomes(draw: st.DrawFn) -> list[int]:
    genes: list[int] = []
    for _ in range(draw(st.integers(1, 5))):
        genes.append(draw(st.integers(0, len(MOTIFS) - 1)))
        genes += draw(st.lists(st.integers(0, 2), min_size=SLOTS, max_size=SLOTS))
    return [*genes, draw(st.integers(1, 3)), draw(st.integers(1, 2))]


def without_unused(genes: list[int]) -> list[int]:
    """The genes with 0 in every slot that the layer's motif has no wire for."""
    result = list(genes)
    for start in range(0, len(genes) - 2, BLOCK):
        used = len(MOTIFS[genes[start]].wires)
        result[start + 1 + used : start + BLOCK] = [0] * (SLOTS - used)
    return result


def one_line(error: pytest.ExceptionInfo[GenomeError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


@given(flat_genomes())
def test_flat_form_round_trips(genes):
    assert Genome.from_flat(genes).flat() == tuple(genes)


@given(flat_genomes())
def test_readable_form_round_trips_up_to_unused_genes(genes):
    genome = Genome.from_flat(genes)
    back = Genome.from_readable(genome.readable())
    assert back.flat() == tuple(without_unused(genes))
    assert back.readable() == genome.readable()


def test_readable_form_by_hand():
    genome = Genome((LayerGenes(2, (1, 2, 0, 1, 2, 2, 2, 2)),), g1=3, g2=2)
    assert genome.readable() == {
        "layers": [{"motif": "FI", "synapses": {"in->E1": "3x3", "in->I1": "5x5", "I1-|E1": "none", "E1->E2": "3x3"}}],
        "cross": {"layers": 3, "kernel": "5x5"},
    }


def test_kernels():
    assert KERNELS == {0: None, 1: 3, 2: 5}
    assert KERNEL_NAMES == ("none", "3x3", "5x5")


def test_what_a_readable_genome_leaves_out_is_absent_or_smallest():
    genome = Genome.from_readable({"layers": [{"motif": "MI"}]})
    assert genome.flat() == (5, *[0] * SLOTS, 1, 1)


def test_numpy_integers_become_plain_ones():
    genome = Genome.from_flat(np.array([*LAYER, 1, 1]))
    assert {type(g) for g in genome.flat()} == {int}


@pytest.mark.parametrize(
    ("position", "value", "named"),
    [
        (0, 6, "motif 6"),
        (0, -1, "motif -1"),
        (0, 10**30, "motif 1000"),
        (1, 3, "micro gene 3"),
        (8, -1, "micro gene -1"),
        (9, 0, "g1 0"),
        (9, 4, "g1 4"),
        (10, 0, "g2 0"),
        (10, 3, "g2 3"),
    ],
)
def test_a_gene_out_of_bounds_is_named_with_what_is_allowed(position, value, named):
    genes = [*LAYER, 1, 1]
    genes[position] = value
    with pytest.raises(GenomeError) as error:
        Genome.from_flat(genes)
    assert named in one_line(error)
    assert "allowed" in str(error.value)


@pytest.mark.parametrize("length", [0, 1, 2, 3, BLOCK, BLOCK + 1, BLOCK + 3, 2 * BLOCK + 1])
def test_a_wrong_length_is_named(length):
    with pytest.raises(GenomeError, match=rf"not {length}$") as error:
        Genome.from_flat([1] * length)
    assert str(BLOCK + 2) in one_line(error)


@pytest.mark.parametrize("value", [True, False, 1.0, np.float64(1), "1", None, [1]])
@pytest.mark.parametrize("position", [0, 1, 9, 10])
def test_only_integers_are_genes(position, value):
    genes: list[object] = [*LAYER, 1, 1]
    genes[position] = value
    with pytest.raises(GenomeError, match="a gene is an integer") as error:
        Genome.from_flat(genes)
    assert repr(value) in one_line(error)


def test_number_of_layers_is_bounded():
    assert len(Genome.from_flat([*LAYER * MAX_LAYERS, 1, 1]).layers) == MAX_LAYERS
    with pytest.raises(GenomeError, match=f"not {MAX_LAYERS + 1}$"):
        Genome.from_flat([*LAYER * (MAX_LAYERS + 1), 1, 1])
    with pytest.raises(GenomeError, match=r"not 0$"):
        Genome(())


def test_a_layer_has_a_gene_for_every_slot():
    with pytest.raises(GenomeError, match="8 micro genes, not 7"):
        LayerGenes(1, (0,) * 7)


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        ({"layers": [{"motif": "FbJ"}]}, ["unknown motif 'FbJ'", "did you mean 'FbI'", "MI"]),
        ({"layers": [{"motif": "qqq"}]}, ["unknown motif 'qqq'", "known: FE, FI, FbI, LI, MI, empty"]),
        ({"layers": [{"motif": 1}]}, ["unknown motif '1'"]),
        ({"layers": [{"synapses": {}}]}, ["motif"]),
        ({"layers": [{"motif": "FE", "synapses": {"in->E3": "3x3"}}]}, ["synapse of FE", "'in->E3'", "did you mean"]),
        ({"layers": [{"motif": "FE", "synapses": {"in->I1": "3x3"}}]}, ["unknown synapse of FE 'in->I1'"]),
        ({"layers": [{"motif": "FE", "synapses": {"in->E1": "7x7"}}]}, ["unknown kernel '7x7'", "5x5"]),
        ({"layers": [{"motif": "FE", "synapses": {"in->E1": 3}}]}, ["unknown kernel '3'"]),
        ({"layers": [{"motif": "FE", "synapses": ["in->E1"]}]}, ["synapses"]),
        ({"layers": [{"motif": "FE", "synapse": {}}]}, ["unknown key of genome.layers 'synapse'", "'synapses'"]),
        ({"layers": ["FE"]}, ["layer", "table"]),
        ({"layers": "FE"}, ["layers"]),
        ({"layers": []}, ["1 to 64 layers"]),
        ({}, ["layers"]),
        ({"layer": [FE]}, ["unknown key of genome 'layer'", "did you mean 'layers'"]),
        ({"layers": [FE], "cross": []}, ["cross"]),
        ({"layers": [FE], "cross": {"kernels": "3x3"}}, ["unknown key of genome.cross 'kernels'", "'kernel'"]),
        ({"layers": [FE], "cross": {"layers": "2"}}, ["integer", "'2'"]),
        ({"layers": [FE], "cross": {"layers": True}}, ["integer", "True"]),
        ({"layers": [FE], "cross": {"layers": 4}}, ["g1 4"]),
        ({"layers": [FE], "cross": {"kernel": "none"}}, ["g2 0"]),
        ({"layers": [{"motif": "F\nE"}]}, ["unknown motif"]),
    ],
)
def test_a_readable_genome_that_is_wrong_is_one_line(data, parts):
    with pytest.raises(GenomeError) as error:
        Genome.from_readable(data)
    text = one_line(error)
    assert all(part in text for part in parts), text
