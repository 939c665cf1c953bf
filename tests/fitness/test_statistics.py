from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from msenas.fitness.rdm import clean_trains, manhattan, mean_off_diagonal
from msenas.fitness.statistics import PopulationStatistics, measure

FAST = settings(deadline=None, max_examples=60)


@st.composite
def spike_arrays(draw: st.DrawFn) -> np.ndarray:
    """Spikes [T, 2n, C, H, W]."""
    steps, pairs = draw(st.integers(1, 3)), draw(st.integers(2, 4))
    shape = (steps, 2 * pairs, *(draw(st.integers(1, 3)) for _ in range(3)))
    return draw(arrays(np.float64, shape, elements=st.sampled_from([0.0, 1.0]), fill=st.nothing()))


@FAST
@given(spike_arrays())
def test_every_number_is_that_of_plain_loops(spikes):
    batch, channels, height, width = spikes.shape[1:]
    pairs, neurons = batch // 2, channels * height * width
    clean, noisy = spikes[:, :pairs], spikes[:, pairs:]
    distances = [np.abs(clean[:, i] - clean[:, j]).sum() for i in range(pairs) for j in range(i)]
    moved = [np.abs(clean[:, i] - noisy[:, i]).sum() for i in range(pairs)]
    silent = sum(clean[:, :, c, y, x].sum() == 0 for c in range(channels) for y in range(height) for x in range(width))

    found = measure(torch.from_numpy(spikes).float())
    assert (found.neurons, found.pairs) == (neurons, pairs)
    assert found.between_sum == sum(distances)
    assert found.within_sum == sum(moved)
    np.testing.assert_allclose(found.between, np.mean(distances) / neurons, rtol=1e-12)
    np.testing.assert_allclose(found.within, np.mean(moved) / neurons, rtol=1e-12)
    assert found.silent == silent
    assert found.silent_share == silent / neurons
    assert found.spike_map.dtype == np.int64
    np.testing.assert_array_equal(found.spike_map, clean.sum((0, 1, 2)))
    assert found.spikes == clean.sum()


@FAST
@given(spike_arrays())
def test_between_is_the_mean_entry_of_the_manhattan_rdm(spikes):
    tensor = torch.from_numpy(spikes).float()
    found = measure(tensor)
    matrix = manhattan(clean_trains(tensor, found.pairs))
    assert mean_off_diagonal(matrix) * found.pairs * (found.pairs - 1) / 2 == found.between_sum


def test_memory_order_and_precision_do_not_matter():
    spikes = (torch.rand(3, 8, 4, 5, 2, generator=torch.Generator().manual_seed(0)) < 0.3).float()
    last = spikes.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)
    for other in (last, spikes.bfloat16(), spikes.bool(), spikes.to(torch.uint8), last.to(torch.uint8)):
        found = measure(other)
        expected = measure(spikes)
        assert (found.between_sum, found.within_sum, found.silent) == (
            expected.between_sum, expected.within_sum, expected.silent,
        )  # fmt: skip
        np.testing.assert_array_equal(found.spike_map, expected.spike_map)


def test_sums_of_large_batches_are_exact():
    pairs, firing = 10_000, 4_999
    spikes = torch.zeros(1, 2 * pairs, 1, 1, 1)
    spikes[0, :firing] = 1.0
    assert measure(spikes).between_sum == firing * (pairs - firing) == 24_999_999


def test_duplicated_neurons_change_no_ratio():
    spikes = (torch.rand(3, 8, 4, 2, 2, generator=torch.Generator().manual_seed(1)) < 0.3).float()
    one, two = measure(spikes), measure(torch.cat([spikes, spikes], 2))
    assert two.neurons == 2 * one.neurons
    assert (two.between, two.within, two.silent_share) == (one.between, one.within, one.silent_share)


def test_silent_and_identical_copies_by_hand():
    spikes = torch.zeros(2, 4, 1, 1, 2)
    spikes[:, 0, 0, 0, 0] = 1.0
    spikes[:, 2, 0, 0, 0] = 1.0
    found = measure(spikes)
    assert isinstance(found, PopulationStatistics)
    assert (found.within_sum, found.between_sum, found.silent, found.silent_share) == (0, 2, 1, 0.5)
    assert found.between == 1.0
