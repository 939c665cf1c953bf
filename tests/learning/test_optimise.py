"""Optimizers, the course of the learning rate, and the running mean of the weights."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from msenas.learning.config import OPTIMIZERS as NAMES
from msenas.learning.config import TrainConfig
from msenas.learning.optimise import LAST, OPTIMIZERS, Average, learning_rate, make_optimizer
from msenas.phenotype.network import Network
from tests.conftest import motif_plan


def network(seed=0):
    return Network(motif_plan("FE"), seed, lif="norse")


def course(total, **options):
    config = TrainConfig(lr=1.0, **options)
    return [learning_rate(config, step, total) for step in range(total)]


def test_the_options_name_all_optimizers():
    assert set(NAMES) == set(OPTIMIZERS)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_only_weights_of_convolutions_and_of_the_readout_decay(name):
    net = network()
    groups = make_optimizer(net, TrainConfig(optimizer=name, weight_decay=0.3, lr=0.2)).param_groups
    decay = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    found = {key: decay[id(p)] for key, p in net.named_parameters()}
    assert {key for key, value in found.items() if value == 0.3} == {"readout.weight"} | {
        key for key in found if key.startswith("weights.")
    }
    assert set(found.values()) == {0.0, 0.3}
    assert {group["lr"] for group in groups} == {0.2}


def test_sgd_has_nesterov_momentum():
    (first, _) = make_optimizer(network(), TrainConfig(optimizer="sgd")).param_groups
    assert (first["momentum"], first["nesterov"]) == (0.9, True)


def test_the_rate_rises_and_falls():
    rates = course(20, warmup=0.2)
    assert rates[:4] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert rates[4] == 1.0
    assert rates[12] == pytest.approx(LAST + (1 - LAST) / 2)
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert LAST < rates[-1] < 0.05


@given(st.integers(1, 60), st.floats(0.0, 0.9))
def test_the_rate_stays_between_its_ends(total, warmup):
    rates = course(total, warmup=warmup)
    assert all(0 < rate <= 1.0 + 1e-12 for rate in rates)
    assert max(rates) > 0.5 or warmup * total > total - 1


@pytest.mark.parametrize("decay", [0.0, 0.75])
def test_the_running_mean_by_hand(decay):
    net = network()
    average = Average(net, decay)
    start = net.weights[0].detach().clone()
    for value in (1.0, 2.0):
        with torch.no_grad():
            net.weights[0].fill_(value)
        average.update(net, 1000)
    expected = decay**2 * start + decay * (1 - decay) * 1.0 + (1 - decay) * 2.0
    assert average.network.weights[0] == pytest.approx(expected, abs=1e-6)
    assert decay or torch.equal(average.network.weights[0], net.weights[0])


def test_the_running_mean_soon_forgets_the_random_weights():
    net = network()
    average = Average(net, 0.99)
    far = torch.full_like(net.weights[0], 100.0)
    with torch.no_grad():
        average.network.weights[0].copy_(far)
        net.weights[0].zero_()
    left = 1.0
    for done in range(20):
        average.update(net, done)
        left *= (1 + done) / (10 + done)
        assert torch.allclose(average.network.weights[0], far * left, rtol=1e-4, atol=1e-4)
    assert left < 1e-6 < 0.99**20


def test_the_running_mean_is_a_network_apart():
    net = network()
    average = Average(net, 0.5)
    assert not any(p.requires_grad for p in average.network.parameters())
    assert all(p.requires_grad for p in net.parameters())
    before = average.network.readout.weight.clone()
    with torch.no_grad():
        net.readout.weight.zero_()
    assert torch.equal(average.network.readout.weight, before)
