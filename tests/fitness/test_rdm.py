from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from msenas.fitness.rdm import CountRdm, StepRdm, clean_trains, count_levels, manhattan, mean_off_diagonal
from tests.conftest import motif_plan

TRAINS = arrays(
    np.float64,
    st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 6)),
    elements=st.sampled_from([0.0, 1.0]),
    fill=st.nothing(),
)
FAST = settings(deadline=None, max_examples=60)


def distances(vectors: np.ndarray) -> np.ndarray:
    """Manhattan distances of [n, N] by plain loops."""
    return np.array([[np.abs(a - b).sum() for b in vectors] for a in vectors])


@FAST
@given(TRAINS)
def test_manhattan_is_exact(trains):
    expected = sum(distances(step) for step in trains)
    found = manhattan(torch.from_numpy(trains).float())
    assert found.dtype == torch.float64
    np.testing.assert_array_equal(found.numpy(), expected)


@FAST
@given(TRAINS)
def test_levels_give_the_distances_of_spike_counts(trains):
    levels = count_levels(torch.from_numpy(trains).float())
    assert levels.dtype == torch.bool
    np.testing.assert_array_equal(levels.sum(0).numpy(), trains.sum(0))
    np.testing.assert_array_equal(manhattan(levels).numpy(), distances(trains.sum(0)))


def test_levels_by_hand():
    trains = torch.tensor([[[1.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]]])
    assert count_levels(trains).tolist() == [[[True, False, True]], [[True, False, False]]]


def test_many_neurons_stay_exact():
    trains = torch.zeros(1, 2, 3_000_001)
    trains[0, 0] = 1.0
    assert manhattan(trains).tolist() == [[0, 3_000_001], [3_000_001, 0]]


def test_more_neurons_than_float32_counts_are_refused():
    with pytest.raises(ValueError, match="too many"):
        manhattan(torch.zeros(1, 1, 1).expand(1, 1, (1 << 24) + 1))


def spikes_of(*samples: list[list[int]]) -> torch.Tensor:
    """Spikes [T, 2n, 1, 1, N] from one [T][N] table per sample; the copies are silent."""
    clean = torch.tensor(samples, dtype=torch.float32).transpose(0, 1)
    return torch.cat([clean, torch.zeros_like(clean)], 1)[:, :, None, None]


A = [[1, 0], [0, 0]]
B = [[0, 0], [1, 0]]
C = [[1, 1], [1, 1]]


def test_clean_trains_leave_the_copies_out():
    assert clean_trains(spikes_of(A, B, C), 3).tolist() == [[[1, 0], [0, 0], [1, 1]], [[0, 0], [1, 0], [1, 1]]]


def test_count_rdm_by_hand():
    rdm = CountRdm(3)
    rdm("L1.E1", spikes_of(A, B, C))
    # counts are (1, 0), (1, 0) and (2, 2): distances 0, 3 and 3
    assert rdm.mean() == 2.0
    rdm("L1.E2", spikes_of(A, A, C))
    assert rdm.mean() == 4.0


def test_step_rdm_by_hand_with_fan_out():
    plan = motif_plan("FE", steps=2)
    rdm = StepRdm(3, plan)
    # E1 is read by E2 and by the read-out, E2 by the read-out
    assert (rdm.fan_out["L1.E1"], rdm.fan_out["L1.E2"]) == (2, 1)
    rdm("L1.E1", spikes_of(A, B, C))  # A-B 2, A-C 3, B-C 3
    rdm("L1.E2", spikes_of(A, A, B))  # A-A 0, A-B 2 twice
    total = 2 * (2 * (2 + 3 + 3)) + 1 * (2 * (0 + 2 + 2))
    assert rdm.total() == total / (3 * 2)


def test_a_source_counts_once_for_every_synapse_that_reads_it():
    rdm = StepRdm(2, motif_plan("FE", "FE", steps=2))
    assert {n: rdm.fan_out[n] for n in ("L1.E1", "L1.E2", "L2.E1", "L2.E2")} == {
        "L1.E1": 3, "L1.E2": 2, "L2.E1": 2, "L2.E2": 1,
    }  # fmt: skip


def test_mean_off_diagonal():
    assert mean_off_diagonal(torch.tensor([[0.0, 1, 2], [1, 0, 6], [2, 6, 0]])) == 3.0
