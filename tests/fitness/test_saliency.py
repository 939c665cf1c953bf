from __future__ import annotations

import math

import pytest
import torch

from msenas.fitness.saliency import synflow
from msenas.phenotype.network import Network
from msenas.phenotype.plan import INPUT, Plan, Population, Synapse
from msenas.phenotype.spec import NetworkSpec
from tests.conftest import motif_plan


def chain(side: int, kernel: int, *wires: tuple[str, str, bool], weights: list[float], readout: str) -> Network:
    """Populations of one channel joined by constant kernels; (source, target, delayed); read-out 0.5 and -0.25."""
    spec = NetworkSpec((1, side, side), classes=2, layers=1)
    names = sorted({target for _, target, _ in wires})
    populations = tuple(Population(n, 1, side, side, 0, 0, "test") for n in names)
    synapses = tuple(Synapse((a,), b, kernel, 1, ".I" in a, late, None) for a, b, late in wires)
    network = Network(Plan(spec, populations, synapses, (readout,)))
    with torch.no_grad():
        for parameter, value in zip(network.weights, weights, strict=True):
            parameter.fill_(value)
        network.readout.weight.copy_(torch.tensor([[0.5], [-0.25]]))
    return network


def test_two_layers_by_hand():
    network = chain(1, 1, (INPUT, "L1.E1", False), ("L1.E1", "L1.E2", False), weights=[2.0, -3.0], readout="L1.E2")
    # R = 2 * 3 * (0.5 + 0.25), and each of the three factors gives it once
    assert synflow(network) == pytest.approx(math.log(3 * 4.5))


def test_pooling_adds_up():
    network = chain(1, 1, (INPUT, "L1.E1", False), weights=[2.0], readout="L1.E1")
    plan = network.plan
    pooled = Plan(
        NetworkSpec((1, 2, 2), classes=2, layers=1),
        plan.populations,
        (Synapse((INPUT,), "L1.E1", 1, 1, False, False, pool=2),),
        plan.readout,
    )
    other = Network(pooled)
    other.load_state_dict(network.state_dict())
    # a window of four ones
    assert synflow(other) == pytest.approx(math.log(2 * 4 * 2 * 0.75))


def test_borders_count():
    network = chain(2, 3, (INPUT, "L1.E1", False), weights=[1.0], readout="L1.E1")
    # every position of a 2 x 2 map sees 4 of the 9 taps
    assert synflow(network) == pytest.approx(math.log(2 * 4 * 0.75))


def test_inhibition_counts_by_its_size_and_a_delayed_synapse_not_at_all():
    wires = [(INPUT, "L1.E1", False), (INPUT, "L1.I1", False), ("L1.I1", "L1.E1", False)]
    network = chain(1, 1, *wires, weights=[2.0, 1.0, -4.0], readout="L1.E1")
    # R = (2 + 1 * 4) * 0.75; the path of length two gives its part three times, the other twice
    assert synflow(network) == pytest.approx(math.log((2 * 2 + 3 * 4) * 0.75))
    late = chain(1, 1, *wires[:2], ("L1.I1", "L1.E1", True), weights=[2.0, 1.0, -4.0], readout="L1.E1")
    assert synflow(late) == pytest.approx(math.log(2 * 2 * 0.75))


def test_no_flow_is_minus_infinity():
    assert synflow(chain(1, 1, (INPUT, "L1.E1", False), weights=[0.0], readout="L1.E1")) == -math.inf


def test_the_network_is_left_as_it_is_and_gradients_may_be_off():
    network = Network(motif_plan("LI", "MI"))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.no_grad():
        first = synflow(network)
    assert first == synflow(network)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(p.grad is None for p in network.parameters())
