"""Placements over cores that hold a part of a population, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msenas.hardware.fit.shared_cores import Block, Share, row_bits, spread
from msenas.hardware.profile import load_profile
from tests.hardware.fit.plans import chain, chip, skipping
from tests.phenotype.plans import dense_plan, random_plans

LOIHI = load_profile("loihi1").capacity


@pytest.mark.parametrize(
    ("weights", "bits"),
    [
        (0, 0),
        (1, 64),  # 9 + 10 bits fill one word
        (6, 64),  # 54 + 10
        (7, 128),  # 63 + 10 are more than one word
        (64, 640),  # 576 + 10 in ten words
        (65, 704),
        (144, 2 * 640 + 192),  # 16 weights more: 144 + 10 in three words
    ],
)
def test_bits_of_a_row_of_9_bit_weights(weights, bits):
    assert int(row_bits(weights, 9)) == bits


def test_rows_are_counted_together_as_one_by_one():
    weights = np.arange(300)
    assert row_bits(weights, 5).tolist() == [int(row_bits(int(w), 5)) for w in weights]


def test_one_population_on_one_loihi_core():
    # 16 x 8 x 8 from one channel by 3x3: 1024 neurons. Positions share weights: one row of 9 x 16 = 144 weights.
    assert LOIHI is not None
    (share,) = spread(chain(16), LOIHI)
    assert share == Share("L1.E1", Block(16, 8, 8, 2 * 640 + 192, 64, 0), 1)


def test_loihi_shares_axons_among_the_channels_of_a_position():
    assert LOIHI is not None
    first, second = spread(chain(16, 16), LOIHI)
    # 16 rows of 144 weights; 64 positions send to one core through axons of two slots.
    assert second.block == Block(16, 8, 8, 16 * (2 * 640 + 192), 64, 0)
    assert first.block.output_axons == 64 * 2


def test_a_block_hears_every_place_of_its_windows():
    limits = chip(neurons_per_core=1024, input_axons_per_core=4096, output_axons_per_core=4096).capacity
    shares = {share.name: share.block for share in spread(dense_plan(encoding="poisson"), limits)}
    # a hears the whole input, b all of a; c all of a, b and d
    assert [shares[f"{name}.E1"].input_axons for name in "abc"] == [2 * 9 * 8, 3 * 16, 3 * 16 + 2 * 4 + 3]


def test_chips_without_shared_axons_need_one_for_each_neuron():
    limits = chip(neurons_per_core=1024, input_axons_per_core=4096, output_axons_per_core=4096).capacity
    first, second = spread(chain(16, 16), limits)
    assert (first.block.input_axons, first.block.output_axons) == (64, 1024)
    assert second.block.input_axons == 16 * 64


def test_synaptic_memory_splits_a_population_by_channels():
    # A row of 64 channels has 576 weights: 9 x 640 bits for each of 16 input channels. Half of that is allowed.
    limits = chip(neurons_per_core=10**6, synaptic_memory_bits_per_core=16 * 9 * 640 // 2, weight_bits=(1, 9)).capacity
    _, second = spread(chain(16, 64, side=4), limits)
    assert (second.block.channels, second.cores) == (32, 2)
    assert second.block.memory_bits == 16 * (4 * 640 + 320)  # 288 weights: 4 full groups and 32 weights more


def test_input_axons_split_a_map():
    # A block of h rows needs h + 2 rows of 16 x 8 source neurons; 512 axons hold 4 rows, so 2 rows of the block.
    limits = chip(neurons_per_core=10**6, input_axons_per_core=512).capacity
    _, second = spread(chain(16, 16), limits)
    assert second.block.input_axons <= 512
    assert second.cores == 4


def test_merged_sources_share_the_kernel_but_not_the_axons():
    limits = chip(neurons_per_core=1024, input_axons_per_core=4096, weight_bits=(1, 9)).capacity
    shares = {share.name: share.block for share in spread(skipping(), limits)}
    assert shares["L2.E1"].memory_bits == shares["L1.E2"].memory_bits
    assert shares["L2.E1"].input_axons == 2 * shares["L1.E2"].input_axons


def test_an_analog_input_needs_no_axons():
    limits = chip(neurons_per_core=1024, input_axons_per_core=4096).capacity
    assert spread(chain(4), limits)[0].block.input_axons == 64
    assert spread(chain(4, encoding="direct"), limits)[0].block.input_axons == 0


def test_what_fits_no_core_is_cut_into_single_neurons():
    (share,) = spread(chain(2), chip(neurons_per_core=64, input_axons_per_core=8).capacity)
    assert (share.block.neurons, share.cores, share.block.input_axons) == (1, 128, 9)


@given(st.integers(1, 300), st.integers(64, 4096), st.integers(0, 50))
def test_a_placement_keeps_the_limits_and_holds_every_neuron(neurons, axons, seed):
    limits = chip(neurons_per_core=neurons, input_axons_per_core=axons, output_axons_per_core=axons).capacity
    (plan,) = random_plans(1, 3, seed, encoding="poisson")
    for share in spread(plan, limits):
        block, whole = share.block, plan.by_name[share.name]
        cuts = [-(-n // part) for n, part in zip(whole.shape, (block.channels, block.height, block.width), strict=True)]
        assert share.cores == np.prod(cuts)
        assert block.neurons * share.cores >= whole.neurons
        if block.neurons > 1:
            assert (block.neurons <= neurons, block.input_axons <= axons, block.output_axons <= axons) == (True,) * 3


def test_a_huge_map_is_placed_quickly():
    (share,) = spread(chain(65536, side=4096), chip(neurons_per_core=1024).capacity)
    assert share.block.neurons <= 1024


def test_a_neuron_at_a_seam_sends_to_both_sides():
    # 8 x 8 neurons on two cores of 8 x 4: three columns read a neuron, which may lie on both cores.
    limits = chip(neurons_per_core=32, output_axons_per_core=4096).capacity
    first, second = spread(chain(1, 1), limits)
    assert (second.cores, second.block.neurons) == (2, 32)
    assert first.block.output_axons == 32 * 2


@given(st.integers(1, 64), st.sampled_from([3, 5]), st.integers(5, 12))
def test_no_neuron_sends_to_more_cores_than_are_counted(neurons, kernel, side):
    limits = chip(neurons_per_core=neurons, output_axons_per_core=1 << 30).capacity
    first, second = spread(chain(1, 1, side=side, kernel=kernel), limits)
    block = second.block
    places = range(side)

    def cores(place, part):
        return len({target // part for target in places if abs(target - place) <= kernel // 2})

    most = max(cores(y, block.height) for y in places) * max(cores(x, block.width) for x in places)
    assert first.block.output_axons >= first.block.neurons * most
    assert first.block.output_axons <= first.block.neurons * second.cores
