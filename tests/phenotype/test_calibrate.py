"""Calibration against the batch statistics that the currents themselves have."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from msenas.phenotype.calibrate import calibrate
from msenas.phenotype.network import Network
from tests.conftest import motif_plan


def frames(samples, seed=0, steps=1):
    return torch.rand(steps, samples, 1, 8, 8, generator=torch.Generator().manual_seed(seed))


def first_current(network, batch):
    """Excitatory current of the first population [B, C, H, W]; its input is the same in every step."""
    plan = network.plan
    (synapse,) = plan.incoming[plan.populations[0].name]
    return F.conv2d(batch[0], network.weight(synapse), stride=synapse.stride, padding=synapse.padding).detach()


def test_one_batch_gives_its_own_moments():
    network, batch = Network(motif_plan("FE"), lif="norse"), frames(5)
    calibrate(network, [batch])
    current = first_current(network, batch).double()
    norm = network.norms["L1_E1"]
    assert norm.running_mean.double() == pytest.approx(current.mean((0, 2, 3)), abs=1e-6)
    assert norm.running_var.double() == pytest.approx(current.var((0, 2, 3), unbiased=True), rel=1e-4)
    assert not network.training


def test_several_batches_are_averaged_whatever_was_there_before():
    network, batches = Network(motif_plan("FE"), lif="norse"), [frames(4, seed) for seed in range(3)]
    network.norms["L1_E1"].running_mean.fill_(99.0)
    calibrate(network, iter(batches))
    means = torch.stack([first_current(network, b).mean((0, 2, 3)) for b in batches])
    variances = torch.stack([first_current(network, b).var((0, 2, 3)) for b in batches])
    norm = network.norms["L1_E1"]
    assert norm.running_mean == pytest.approx(means.mean(0), abs=1e-6)
    assert norm.running_var == pytest.approx(variances.mean(0), rel=1e-4)


@pytest.mark.parametrize("motif", ["FE", "FI", "FbI", "LI", "MI"])
def test_twice_is_the_same_as_once_and_training_is_as_before(motif):
    network, batches = Network(motif_plan(motif), lif="norse"), [frames(4), frames(2, 1)]
    momenta = {name: norm.momentum for name, norm in network.norms.items()}
    weights = [w.clone() for w in network.weights]
    calibrate(network, batches)
    once = {name: value.clone() for name, value in network.state_dict().items()}
    calibrate(network, batches)
    assert all(torch.equal(value, once[name]) for name, value in network.state_dict().items())
    assert {name: norm.momentum for name, norm in network.norms.items()} == momenta
    assert all(torch.equal(a, b) for a, b in zip(weights, network.weights, strict=True))


@pytest.mark.parametrize("motif", ["FbI", "LI"])
def test_every_step_of_a_cycle_is_a_batch_of_its_own(motif):
    network = Network(motif_plan(motif, encoding="poisson"), lif="norse")
    calibrate(network, [(frames(4, s, steps=3) > 0.5).float() for s in range(2)])
    cycles = [b for b in network.plan.schedule if b.recurrent]
    assert cycles
    tracked = {name: int(norm.num_batches_tracked) for name, norm in network.norms.items()}
    assert set(tracked.values()) <= {2, 2 * 3}
    outside = {name for block in network.plan.schedule if not block.recurrent for name in block.populations}
    assert all(tracked[name.replace(".", "_")] == 2 for name in outside)


def test_an_input_of_zeros_leaves_finite_numbers():
    network = Network(motif_plan("LI"), lif="norse")
    calibrate(network, [torch.zeros(1, 1, 1, 8, 8)])
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())
    assert torch.isfinite(network(torch.zeros(1, 2, 1, 8, 8))).all()
