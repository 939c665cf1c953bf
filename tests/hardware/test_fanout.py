from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msenas.hardware.fanout import fan_out, fan_out_nonzero, pairs, reaching, readers
from msenas.phenotype.plan import INPUT, Plan, Population, Synapse
from msenas.phenotype.spec import NetworkSpec
from tests.hardware.simulation import landings


def one_synapse(height: int, width: int, kernel: int, stride: int, channels: int) -> tuple[Plan, Synapse]:
    spec = NetworkSpec((2, height, width), classes=2, layers=1, encoding="events")
    target = Population("L1.E1", channels, -(-height // stride), -(-width // stride), 0, 0, "FE")
    synapse = Synapse((INPUT,), "L1.E1", kernel, stride, False, False, None)
    return Plan(spec, (target,), (synapse,), ("L1.E1",)), synapse


def test_readers_of_a_strided_axis_by_hand() -> None:
    # 4 places, 2 outputs, 3 taps, stride 2, padding 1: output 0 reads places -1 0 1, output 1 reads 1 2 3
    found = readers(4, 2, 3, 2, 1)
    assert found.sum() == 5
    assert [tuple(place) for place in np.argwhere(found)] == [(0, 1, 1), (1, 0, 0), (1, 1, 2), (2, 0, 1), (2, 1, 3)]


def test_pairs_of_a_5x5_kernel_on_one_pixel() -> None:
    plan, synapse = one_synapse(1, 1, 5, 1, 3)
    # only the middle tap meets the pixel; the others fall on padding
    assert pairs(plan, synapse).tolist() == [[1]]
    assert fan_out(plan, synapse).tolist() == [[3]]


def test_a_weight_of_zero_is_not_reached() -> None:
    plan, synapse = one_synapse(2, 2, 3, 1, 1)
    weight = np.zeros((1, 2, 3, 3), np.float32)
    weight[0, 0, 1, 1] = 0.5  # the middle tap: every place reaches the output above it
    weight[0, 1, 0, 0] = -0.0  # minus zero is zero
    weight[0, 1, 0, 1] = np.nextafter(np.float32(0), np.float32(1))  # the smallest number is not; tap one row up
    found = fan_out_nonzero(plan, synapse, weight)
    assert found[0].tolist() == [[1, 1], [1, 1]]
    # output (o_y, x) reads (o_y - 1, x): the upper row is read by the lower outputs, the lower row by none
    assert found[1].tolist() == [[1, 1], [0, 0]]


SIDES, KERNELS, STRIDES = st.integers(1, 9), st.sampled_from([1, 3, 5, 7]), st.sampled_from([1, 2, 4])


@given(SIDES, SIDES, KERNELS, STRIDES, st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_nonzero_fan_out_equals_scattering(
    height: int, width: int, kernel: int, stride: int, channels: int, seed: int
) -> None:
    plan, synapse = one_synapse(height, width, kernel, stride, channels)
    weight = np.random.default_rng(seed).integers(-1, 2, (channels, 2, kernel, kernel)).astype(np.float32)
    found = fan_out_nonzero(plan, synapse, weight)
    for channel, y, x in np.ndindex(2, height, width):
        taps = [(tap_y, tap_x) for tap_y, tap_x, *_ in landings(plan, synapse, y, x)]
        assert found[channel, y, x] == sum(weight[o, channel, i, j] != 0 for o in range(channels) for i, j in taps)
    assert (found <= fan_out(plan, synapse)).all()
    assert (fan_out_nonzero(plan, synapse, np.ones_like(weight)) == fan_out(plan, synapse)).all()


@given(SIDES, SIDES, KERNELS, STRIDES)
def test_reaching_names_the_targets_of_each_place(height: int, width: int, kernel: int, stride: int) -> None:
    plan, synapse = one_synapse(height, width, kernel, stride, 1)
    rows, columns = reaching(plan, synapse)
    for y, x in np.ndindex(height, width):
        landed = {(down, right) for *_, down, right in landings(plan, synapse, y, x)}
        reached = {(int(i), int(j)) for i in np.flatnonzero(rows[y]) for j in np.flatnonzero(columns[x])}
        assert landed == reached


def test_what_the_cache_shares_cannot_be_changed() -> None:
    plan, synapse = one_synapse(3, 3, 3, 1, 1)
    for shared in (pairs(plan, synapse), readers(3, 3, 3, 1, 1)):
        with pytest.raises(ValueError, match="read-only"):
            shared[0] = 7
