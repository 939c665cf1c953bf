"""What is minimised, against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from msenas.learning.config import TrainConfig
from msenas.learning.objective import Spending, error, imitation, reach_by_source
from msenas.phenotype.network import Network
from tests.conftest import motif_plan

pytestmark = pytest.mark.usefixtures("one_thread")
SCORES = torch.tensor([[[2.0, 0.0]], [[0.0, 0.0]]])
"""Two steps, one sample, two classes; averaged over time they are 1 and 0."""
FIRST = torch.tensor([[1.0, 0.0]])
SOFT_1, SOFT_2 = math.log(1 + math.exp(-1)), math.log(1 + math.exp(-2))
"""Cross-entropy of scores 1 and 0, and of 2 and 0, when the first class is right."""


def run(plan, images, seed=0):
    """A network, and what it spent on the images."""
    network = Network(plan, seed, lif="norse").train()
    spending = Spending(plan)
    network.scores(images, spending)
    return network, spending


def images(samples=4):
    return torch.rand(1, samples, 1, 8, 8, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(
    ("loss", "smoothing", "expected"),
    [
        ("ce", 0.0, SOFT_1),
        ("tet", 0.0, (SOFT_2 + math.log(2)) / 2),
        ("ce", 0.2, 0.9 * SOFT_1 + 0.1 * (SOFT_1 + 1)),
        ("tet", 0.2, (0.9 * SOFT_2 + 0.1 * (SOFT_2 + 2) + math.log(2)) / 2),
    ],
)
def test_error_by_hand(loss, smoothing, expected):
    config = TrainConfig(loss=loss, label_smoothing=smoothing)
    assert float(error(SCORES, FIRST, config)) == pytest.approx(expected, rel=1e-6)


def test_both_errors_are_the_same_for_one_step():
    scores, targets = torch.randn(1, 5, 3, generator=torch.Generator().manual_seed(0)), torch.eye(3)[[0, 1, 2, 1, 0]]
    ce, tet = (error(scores, targets, TrainConfig(loss=loss)) for loss in ("ce", "tet"))
    assert float(ce) == pytest.approx(float(tet), rel=1e-6)


def test_mixed_targets_weigh_the_errors():
    half = torch.tensor([[0.5, 0.5]])
    found = error(SCORES, half, TrainConfig(label_smoothing=0.0))
    assert float(found) == pytest.approx(SOFT_1 + 0.5, rel=1e-6)


def test_imitation_by_hand():
    ours, theirs = torch.tensor([[0.0, 0.0]]), torch.tensor([[2.0, 0.0]])
    share = math.exp(1) / (1 + math.exp(1))
    divergence = share * math.log(share / 0.5) + (1 - share) * math.log((1 - share) / 0.5)
    assert float(imitation(ours, theirs)) == pytest.approx(4 * divergence, rel=1e-5)
    assert float(imitation(theirs + 7.0, theirs)) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("motifs", [("FE",), ("FE", "FI"), ("FI", "FE", "LI"), ("FbI", "MI")])
def test_synaptic_operations_are_spikes_times_the_neurons_that_read_them(motifs):
    plan = motif_plan(*motifs)
    seen = {}
    network = Network(plan, lif="norse").train()
    network.scores(images(), lambda name, spikes: seen.update({name: spikes.detach().sum((0, 1))}))
    expected = 0.0
    for synapse in plan.synapses:
        for source in set(synapse.sources) & set(seen):
            ones = torch.ones(1, seen[source].shape[0], synapse.kernel, synapse.kernel)
            arriving = F.conv2d(seen[source][None], ones, stride=synapse.stride, padding=synapse.padding)
            expected += float(arriving.detach().sum()) * plan.by_name[synapse.target].channels / 4
    assert float(torch.as_tensor(run(plan, images())[1].synops).detach()) == pytest.approx(expected, rel=1e-5)
    assert expected > 0 or len(motifs) == 1


def test_a_pass_of_fewer_steps_counts_for_all_of_them():
    plan = motif_plan("FE", "FE", steps=4)
    found = []
    for steps in (1, 4):
        spending = Spending(plan)
        spending("L1.E1", torch.ones(steps, 2, *plan.by_name["L1.E1"].shape))
        found.append(float(torch.as_tensor(spending.synops)))
    assert found[0] == found[1] > 0


def test_a_population_without_a_reader_costs_nothing():
    plan = motif_plan("FE")
    assert set(reach_by_source(plan)) < set(plan.by_name)


def test_rates_are_spikes_per_neuron_and_step():
    plan = motif_plan("FE")
    spending = Spending(plan)
    spikes = torch.zeros(3, 2, 4, 8, 8)
    spikes[0, 0] = 1.0
    spending("L1.E1", spikes)
    assert float(spending.rates["L1.E1"]) == pytest.approx(1 / 6)
    assert float(spending.pull(0.5)) == pytest.approx((1 / 6 - 0.5) ** 2)


def test_pull_is_the_mean_over_populations():
    spending = Spending(motif_plan("FE"), {"a": torch.tensor(0.1), "b": torch.tensor(0.5)})
    assert float(spending.pull(0.2)) == pytest.approx((0.01 + 0.09) / 2)


@pytest.mark.parametrize(("synops", "expected"), [(0.0, 0.0), (4.0, 0.0), (5.0, 0.0), (10.0, 1.0), (20.0, 3.0)])
def test_excess_is_a_share_of_the_budget(synops, expected):
    spending = Spending(motif_plan("FE"), synops=torch.tensor(synops))
    assert float(spending.excess(2e-6, 0.0, 1e-5)) == pytest.approx(expected)
    assert float(spending.excess(2e-6, 1e-5, 2e-5)) == pytest.approx(max(0.0, synops / 10 - 0.5))


def bias_gradients(name, what):
    """Gradients with respect to the constant current of a population of FE, FE."""
    network, spending = run(motif_plan("FE", "FE"), images())
    what(spending).backward()
    return network.norms[name.replace(".", "_")].bias.grad


@pytest.mark.parametrize("name", ["L1.E1", "L1.E2"])
def test_less_current_is_less_energy(name):
    gradient = bias_gradients(name, lambda s: s.excess(1e-12, 0.0, 1e-12))
    assert float(gradient.min()) >= 0
    assert float(gradient.max()) > 0


@pytest.mark.parametrize(("rate", "sign"), [(0.0, 1), (1.0, -1)])
def test_firing_rates_are_drawn_to_the_wanted_one(rate, sign):
    gradient = sign * bias_gradients("L2.E2", lambda s: s.pull(rate))
    assert float(gradient.min()) >= 0
    assert float(gradient.max()) > 0


def test_nothing_is_drawn_below_the_budget():
    gradient = bias_gradients("L1.E1", lambda s: s.excess(1e-12, 0.0, 1.0))
    assert float(gradient.abs().max()) == 0.0
