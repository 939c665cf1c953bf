"""Integer convolutions equal the float32 ones bit for bit, or are not used."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from msenas.phenotype import integer
from msenas.phenotype.network import Network
from msenas.phenotype.plan import Synapse
from tests.conftest import motif_plan


def synapse(kernel: int, stride: int) -> Synapse:
    return Synapse(("L1.E1",), "L2.E1", kernel, stride, inhibitory=False, delayed=False, gene=None)


@given(st.integers(0, 2**31), st.sampled_from([1, 3, 5]), st.sampled_from([1, 2, 4]), st.integers(1, 9))
def test_equal_to_the_float_convolution(seed, kernel, stride, channels):
    if not integer.available():
        pytest.skip("this torch build has no integer convolution")
    draw = torch.Generator().manual_seed(seed)
    spikes = torch.randint(0, 3, (2, channels, 7, 6), generator=draw).to(torch.uint8)
    weight = torch.randint(-127, 128, (5, channels, kernel, kernel), generator=draw).float() / 64
    grid = integer.on_grid(weight)
    if grid is None:
        assert not weight.any()
        return
    expected = F.conv2d(spikes.float(), weight, stride=stride, padding=kernel // 2)
    assert torch.equal(integer.convolve(spikes, grid, synapse(kernel, stride)), expected)


def test_a_grid_is_found_exactly_or_not_at_all():
    grid = integer.on_grid(torch.tensor([[0.5, -0.25, 31.75]]))
    assert grid is not None
    assert grid.codes.tolist() == [[2, -1, 127]]
    assert grid.scale == 0.25
    assert integer.on_grid(torch.tensor([0.5, 32.0, 0.25])) is None
    assert integer.on_grid(torch.tensor([1.0, 1 / 3])) is None
    assert integer.on_grid(torch.zeros(3)) is None
    assert integer.on_grid(torch.tensor([1.0, float("nan")])) is None
    assert integer.on_grid(torch.tensor([1.0, float("inf")])) is None


def test_sums_that_could_leave_the_exact_range_are_refused(monkeypatch):
    monkeypatch.setattr(integer, "available", lambda: True)
    assert integer.fits(2, 1000)
    assert not integer.fits(2, 2**24 // 254 + 1)
    assert not integer.fits(128, 1)


def test_random_networks_lie_on_the_grid_and_trained_ones_leave_it():
    network = Network(motif_plan("MI", "FI"))
    for s in network.plan.synapses:
        grid = network._grid(s)
        assert torch.equal(grid.codes * grid.scale, network.weight(s))
    with torch.no_grad():
        for weight in network.weights:
            weight.add_(0.0123)
    assert all(network._grid(s) is None for s in network.plan.synapses)


@pytest.mark.parametrize("motif", ["FE", "FI", "FbI", "LI", "MI"])
def test_networks_give_the_same_without_integer_convolutions(motif, monkeypatch):
    frames = torch.randn(1, 4, 1, 8, 8, generator=torch.Generator().manual_seed(3))
    seen = []
    for here in (True, False):
        if not here:
            monkeypatch.setattr(integer, "available", lambda: False)
        spikes = {}
        with torch.no_grad():
            network = Network(motif_plan(motif, motif)).train()
            scores = network(frames, lambda name, z, spikes=spikes: spikes.update({name: z.float().clone()}))
        seen.append((scores, spikes))
    (scores, spikes), (others, other_spikes) = seen
    assert torch.equal(scores, others)
    assert all(torch.equal(spikes[name], other_spikes[name]) for name in spikes)
