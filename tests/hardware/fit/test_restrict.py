"""The part of a search space that can fit a chip: nothing impossible is drawn, nothing possible is lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msenas.errors import InputError
from msenas.genotype.genome import Genome, LayerGenes
from msenas.genotype.motifs import MOTIFS
from msenas.genotype.space import Space
from msenas.hardware.fit import check, restrict
from msenas.hardware.profile import load_profile
from msenas.phenotype.decode import DisconnectedGenome, canonical, decode
from msenas.phenotype.spec import NetworkSpec, default_reductions
from tests.hardware.fit.plans import chip

SPECK = load_profile("speck2f")
WIRING = {"synapses_per_population_max", "recurrence", "delay_steps", "destinations_max", "kernels"}
NAMES = [m.name for m in MOTIFS]


def network(layers: int = 4, side: int = 8, channels: int = 16, **changes: object) -> NetworkSpec:
    """A spec whose neuron and input Speck has."""
    about = {"neuron": "if", "encoding": "poisson", "reductions": default_reductions(layers, side)} | changes
    return NetworkSpec((1, side, side), 10, layers, channels=channels, **about)


def genes(motif: str, **wires: int) -> LayerGenes:
    """A layer by the names of its wires, such as in_E1=1."""
    named = {str(wire).replace("->", "_"): slot for slot, wire in enumerate(MOTIFS[NAMES.index(motif)].wires)}
    micro = [0] * 8
    for name, gene in wires.items():
        micro[named[name]] = gene
    return LayerGenes(NAMES.index(motif), tuple(micro))


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_every_layer_that_is_drawn_keeps_the_wiring_of_speck(seed):
    """Judged alone, as a network of one layer that reads the input."""
    space = restrict(Space(4), network(), SPECK)
    genome = space.sample(np.random.default_rng(seed))
    for layer in genome.layers:
        try:
            plan = decode(Genome((layer,)), network(1))
        except DisconnectedGenome:
            continue
        assert not WIRING & {f.rule for f in check(plan, SPECK).failed}


def test_no_network_that_fits_is_lost():
    spec, rng = network(), np.random.default_rng(5)
    full, narrow = Space(4), restrict(Space(4), network(), SPECK)
    fitting = 0
    while fitting < 40:
        genome = full.sample(rng)
        try:
            fits = check(decode(genome, spec), SPECK).fits
        except DisconnectedGenome:
            continue
        if fits:
            fitting += 1
            lean = canonical(genome, spec)
            places = list(enumerate(lean.layers))
            assert all(layer.motif in narrow.motif and narrow.admits(place, layer) for place, layer in places)


def test_a_family_of_wirings_remains_on_speck():
    space = restrict(Space(4), network(), SPECK)
    assert [NAMES[m] for m in space.motif] == NAMES
    assert (space.g1, space.g2) == ((1, 2), (1, 2))
    possible = [
        genes("FE", in_E1=1),
        genes("FE", in_E1=2, E1_E2=1),
        genes("FE", in_E1=1, in_E2=2),
        genes("LI", in_E1=1, in_E2=1),
    ]
    assert all(space.admits(1, layer) for layer in possible)


def test_a_second_kernel_onto_the_same_neurons_is_not_drawn_for_speck():
    space = restrict(Space(4), network(), SPECK)
    assert not space.admits(1, genes("FE", in_E1=1, E1_E2=1, in_E2=1))
    inhibited = LayerGenes(NAMES.index("FI"), (1, 1, 1, 0, 0, 0, 0, 0))
    cyclic = LayerGenes(NAMES.index("FbI"), (1, 1, 1, 1, 0, 0, 0, 0))
    assert not space.admits(1, inhibited)
    assert not space.admits(1, cyclic)
    # Without the synapse that inhibits, the interneuron is dead and nothing stands in the way.
    assert space.admits(1, LayerGenes(NAMES.index("FI"), (1, 1, 0, 0, 0, 0, 0, 0)))


def test_kernels_follow_the_memory_at_each_depth():
    # 64 channels from 64: 3x3 takes 64 x 2^4 x 2^6 = 64 Ki words, which two cores have; 5x5 takes twice as much.
    space = restrict(Space(6), network(6, 34, 8), SPECK)
    assert space.admits(5, genes("FE", in_E1=1))
    assert not space.admits(5, genes("FE", in_E1=2))
    assert space.admits(1, genes("FE", in_E1=2))


def test_the_first_live_layer_may_read_the_input_itself():
    # 5x5 from 64 channels takes 128 Ki words; from one channel of the input 2 Ki.
    space = restrict(Space(2), network(2, 8, 64, reductions=()), SPECK)
    assert space.admits(1, genes("FE", in_E1=2))


def test_a_chip_without_limits_leaves_the_space_as_it_is():
    space = Space(4)
    assert restrict(space, network(4), chip()) == space


def test_a_reach_beyond_the_first_layer_is_dropped():
    assert restrict(Space(3), network(3), chip()).g1 == (1, 2)


def test_a_chip_of_small_kernels_has_small_cross_layer_kernels():
    space = restrict(Space(4), network(), chip(kernels=(3,)))
    assert (space.g1, space.g2) == ((1, 2, 3), (1,))
    assert not space.admits(1, genes("FE", in_E1=2))


def test_nothing_left_is_one_line_with_the_limits_and_the_remedy():
    with pytest.raises(InputError) as caught:
        restrict(Space(4), replace(network(), neuron="lif", encoding="direct"), SPECK)
    message = str(caught.value)
    assert message.startswith("no network of this search fits speck2f: neuron model lif (chip: if), try --neuron if; ")
    assert "try --encoding poisson" in message
    assert "\n" not in message


def test_a_layer_that_fits_in_no_form_is_named():
    with pytest.raises(
        InputError, match=r"^no layer 5 that hears layer 4 fits speck2f: kernel memory .* 131,072 \(chip: 65,536\)"
    ):
        restrict(Space(6), network(6, 34, 16), SPECK)


def test_a_narrow_space_without_missing_synapses_can_be_left_empty():
    with pytest.raises(InputError, match="synapses onto one population"):
        restrict(Space(2, motif=(NAMES.index("FE"),), micro=(1,)), network(2), SPECK)
