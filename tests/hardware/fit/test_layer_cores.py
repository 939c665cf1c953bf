"""Memories of cores that hold one layer each, by hand from the published formula."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msenas.hardware.fit.layer_cores import (
    READOUT,
    CoreLayer,
    assignment,
    core_layers,
    kernel_words,
    neuron_words,
    shortage,
)
from msenas.hardware.profile import load_profile
from tests.conftest import motif_plan
from tests.hardware.fit.plans import chain, chip

SPECK = load_profile("speck2f").capacity
KIBI = 1024


@pytest.mark.parametrize(
    ("channels_in", "kernel", "channels_out", "words"),
    [
        (2, 3, 8, 2 * 2**4 * 2**3),  # 9 taps take 4 bits
        (16, 5, 32, 16 * 2**5 * 2**5),  # 25 taps take 5 bits
        (16, 4, 32, 16 * 2**4 * 2**5),  # 16 taps waste nothing
        (3, 3, 9, 3 * 2**4 * 2**4),  # 9 channels take 4 bits
        (1, 1, 1, 1),
    ],
)
def test_kernel_words(channels_in, kernel, channels_out, words):
    assert kernel_words(channels_in, kernel**2, channels_out) == words


@pytest.mark.parametrize(
    ("channels", "height", "width", "words"),
    [(16, 32, 32, 16 * 1024), (16, 33, 32, 16 * 2048), (16, 34, 34, 64 * KIBI), (5, 1, 1, 5), (3, 64, 1, 3 * 64)],
)
def test_neuron_words(channels, height, width, words):
    assert neuron_words(channels, height, width) == words


def layer(kernel: int = 1, neuron: int = 1, name: str = "L1.E1") -> CoreLayer:
    return CoreLayer(name, kernel, neuron, 1, 3)


def capacity(*cores: tuple[int, int]):
    kernels, neurons = zip(*cores, strict=True)
    return chip(kernel_words_per_core=kernels, neuron_words_per_core=neurons, cores=len(cores)).capacity


def test_layers_that_just_fit_speck_and_just_do_not():
    assert SPECK is not None
    assert len(assignment([layer(64 * KIBI, 16 * KIBI)], SPECK)) == 1
    assert assignment([layer(64 * KIBI + 1, 1)], SPECK) == {}
    assert len(assignment([layer(16 * KIBI, 64 * KIBI)], SPECK)) == 1
    assert assignment([layer(1, 64 * KIBI + 1)], SPECK) == {}
    # Both memories are large enough somewhere, but on no core together.
    assert assignment([layer(64 * KIBI, 16 * KIBI + 1)], SPECK) == {}


def test_matching_where_first_come_first_served_fails():
    cores = capacity((10, 10), (10, 5), (20, 5))
    layers = [layer(10, 5, "a"), layer(10, 10, "b"), layer(20, 5, "c")]
    # Taken in order, the first layer would get core 0, the only one for the second.
    assert assignment(layers, cores) in ({0: 1, 1: 0, 2: 2},)


def test_a_shortage_names_the_layers_and_their_cores():
    cores = capacity((10, 10), (10, 10), (5, 5), (5, 5))
    layers = [layer(1, 1, "small"), layer(10, 1, "a"), layer(1, 10, "b"), layer(8, 8, "c")]
    found = assignment(layers, cores)
    assert len(found) == 3
    rivals, places = shortage(layers, cores, found)
    assert [r.name for r in rivals] == ["a", "b", "c"]
    assert places == {0, 1}


amounts = st.integers(1, 4)


@given(
    st.lists(st.tuples(amounts, amounts), min_size=1, max_size=5),
    st.lists(st.tuples(amounts, amounts), min_size=1, max_size=5),
)
def test_the_matching_is_as_large_as_any(needs, cores):
    layers, limits = [layer(k, n) for k, n in needs], capacity(*cores)
    found = assignment(layers, limits)
    assert len(set(found.values())) == len(found)
    assert all(needs[i][0] <= cores[j][0] and needs[i][1] <= cores[j][1] for i, j in found.items())
    best = 0
    places = [*range(len(cores)), *[None] * len(needs)]
    for chosen in set(itertools.permutations(places, len(needs))):
        held = [
            j is not None and needs[i][0] <= cores[j][0] and needs[i][1] <= cores[j][1] for i, j in enumerate(chosen)
        ]
        best = max(best, sum(held))
    assert len(found) == best
    if best < len(needs):
        rivals, allowed = shortage(layers, limits, found)
        assert len(rivals) > len(allowed)


def test_the_read_out_pools_as_far_as_it_can():
    (*_, readout) = core_layers(chain(16, side=34, classes=10), chip(readout_pooling=(1, 2, 4)).capacity)
    # 34 pixels pooled by 4 are 9; 81 taps take 7 bits, 10 classes 4.
    assert (readout.name, readout.pooling, readout.kernel) == (READOUT, 4, 9)
    assert (readout.kernel_words, readout.neuron_words, readout.biases) == (16 * 2**7 * 2**4, 10, 10)


def test_pooling_that_gains_nothing_is_left_out():
    (*_, readout) = core_layers(chain(16, side=1), chip(readout_pooling=(4, 2, 1)).capacity)
    assert (readout.pooling, readout.kernel) == (1, 1)


def test_kernels_of_one_population_add_up():
    layers = {found.name: found for found in core_layers(motif_plan("FE"), chip().capacity)}
    assert layers["L1.E1"].kernel_words == 1 * 2**4 * 2**2
    assert layers["L1.E2"].kernel_words == (1 + 4) * 2**4 * 2**2
    assert READOUT not in layers
