from __future__ import annotations

import dataclasses
import json

import nir
import numpy as np
import pytest
import torch

from export.comparing import compare, run_network, verify
from export.lower import SCORES
from export.trace import Trace
from export.verification import PopulationMatch
from msenas.errors import InputError
from msenas.phenotype.network import Network
from tests.conftest import motif_plan
from tests.export.nir_graphs import DT, conv, full, graph, lif, written

PLAN = motif_plan("FE", steps=4)


@pytest.fixture
def network():
    made = Network(PLAN, seed=3, lif="norse")
    with torch.no_grad():
        made.readout.bias.copy_(torch.tensor([0.1, -0.2, 0.05]))
    return made.eval()


def lowered(network, shift=0.0, **about):
    """The network as a NIR graph, written by hand; `shift` is added to every bias."""
    plan = network.plan
    node_of = {"input": "input"}
    nodes = {"input": nir.Input(np.array(plan.spec.input_shape))}
    edges = []
    for number, block in enumerate(plan.schedule):
        (name,) = block.populations
        node_of[name] = f"n{number}c_{name.replace('.', '_')}"
        nodes[node_of[name]] = lif(*plan.by_name[name].shape)
        norm = network.norms[name.replace(".", "_")]
        scale = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach().numpy()
        for place, synapse in enumerate(plan.incoming[name]):
            assert not synapse.inhibitory
            weight = network.weight(synapse).detach().numpy() * scale[:, None, None, None] / 2
            bias = network.bias(name).detach().numpy() / 2 * (place == 0) + np.float32(shift)
            here = f"n{number}a{place}"
            pair = {"stride": (synapse.stride,) * 2, "padding": (synapse.padding,) * 2}
            nodes[here] = conv(weight, plan.source_shape(synapse)[1:], bias=bias.astype(np.float32), **pair)
            edges += [(node_of[source], here) for source in synapse.sources] + [(here, node_of[name])]
    shape = plan.by_name[plan.readout[0]].shape
    side = np.array(shape[1:])
    nodes["r0"] = nir.SumPool2d(side, side, np.array([0, 0]))
    nodes["r1"] = nir.Flatten({"input": np.array([shape[0], 1, 1])}, 0, -1)
    weight = network.readout.weight.detach().numpy() / (shape[1] * shape[2])
    nodes["r2"] = nir.Affine(weight, network.readout.bias.detach().numpy())
    nodes["z"] = nir.Output(np.array([plan.spec.classes]))
    edges += [(node_of[name], "r0") for name in plan.readout] + [("r0", "r1"), ("r1", "r2"), ("r2", "z")]
    return graph(nodes, *edges, **({"msenas": json.dumps(about)} if about else {}))


@pytest.fixture
def frames(rng):
    return rng.random((1, 6, 1, 8, 8), dtype=np.float32)


def test_an_exact_export_passes(network, frames, tmp_path):
    labels = np.arange(6) % 3
    found = verify(network, written(tmp_path / "a.nir", lowered(network)), frames, labels, batch=4)
    assert found.passed
    assert (found.samples, found.steps, found.first) == (6, 4, ())
    assert [c.simulator for c in found.comparisons] == ["numpy", "nirtorch"]
    for comparison in found.comparisons:
        assert (comparison.different, comparison.equal, comparison.same_answers) == (0, 1.0, 1.0)
        assert comparison.readout_difference < 1e-5
        assert comparison.accuracy == found.accuracy
        assert {match.population for match in comparison.populations} == set(PLAN.by_name)
        assert sum(match.compared for match in comparison.populations) == 4 * 6 * PLAN.neurons
    assert json.loads(json.dumps(dataclasses.asdict(found)))["comparisons"][0]["passed"]


def test_other_biases_fail_and_it_is_told_where(network, frames):
    found = verify(network, lowered(network, shift=0.05), frames, simulators=["numpy"])
    (comparison,) = found.comparisons
    assert not found.passed
    assert not comparison.passed
    assert comparison.different == sum(match.different for match in comparison.populations) > 0
    assert comparison.equal == 1 - comparison.different / (4 * 6 * PLAN.neurons)
    assert found.first
    assert found.first[0].population == PLAN.schedule[0].populations[0]
    # The shift in every step so far, halved from step to step: less than twice as much.
    assert 0 < found.first[0].distance < 0.1


def test_other_scores_of_equal_spikes_fail(network, frames):
    wrong = lowered(network)
    wrong.nodes["r2"].weight = np.float32(1.01) * wrong.nodes["r2"].weight
    (comparison,) = verify(network, wrong, frames, simulators=["numpy"]).comparisons
    assert (comparison.different, comparison.same_answers, comparison.passed) == (0, 1.0, False)


def test_the_time_step_is_that_of_the_metadata(network, frames):
    slow = lowered(network, dt=10 * DT)
    for node in slow.nodes.values():
        if isinstance(node, nir.LIF):
            node.tau = node.tau * np.float32(10)
    assert verify(network, slow, frames, simulators=["numpy"]).passed
    assert not verify(network, lowered(network, dt=2 * DT), frames, simulators=["numpy"]).passed


@pytest.mark.parametrize("dt", [0, -1, "fast", True, None])
def test_odd_time_steps(network, frames, dt):
    with pytest.raises(InputError, match=r"time step of .*; seconds are needed"):
        verify(network, lowered(network, dt=dt), frames)


def spiking(network, threshold, **changes):
    """A neuron for each class behind the scores."""
    made = lowered(network, read="spikes", **changes)
    made.nodes["r3"] = nir.IF(full(3), threshold)
    made.edges = [edge for edge in made.edges if edge != ("r2", "z")] + [("r2", "r3"), ("r3", "z")]
    return made


@pytest.mark.parametrize("threshold", [0.11, 100.0])
def test_an_output_that_spikes_is_compared_with_neurons_behind_the_scores(network, frames, threshold):
    found = verify(network, spiking(network, full(3, threshold)), frames, np.zeros(6), simulators=["numpy"])
    (comparison,) = found.comparisons
    assert found.passed
    assert comparison.readout_difference is None
    assert comparison.populations[-1] == PopulationMatch(SCORES, "r3", 4 * 6 * 3, 0, 1.0)
    assert found.accuracy == comparison.accuracy


def test_a_spiking_output_of_other_weights_fails(network, frames):
    wrong = spiking(network, full(3, 0.11))
    wrong.nodes["r2"].bias = -wrong.nodes["r2"].bias
    assert not verify(network, wrong, frames, simulators=["numpy"]).passed


def test_metadata_that_make_up_a_spiking_output(network, frames):
    with pytest.raises(InputError, match="not given by one node that does"):
        verify(network, lowered(network, read="spikes"), frames)
    with pytest.raises(InputError, match="need one threshold"):
        verify(network, spiking(network, np.array([1, 2, 3], np.float32)), frames)


def test_files_for_sinabs_are_refused(network, frames):
    with pytest.raises(InputError, match="for sinabs"):
        verify(network, lowered(network, convention="sinabs"), frames)


def reference_trace(network, frames, change=None):
    def run(fed):
        reference = run_network(network, torch.from_numpy(frames))
        spikes = {name: train.copy() for name, train in reference.spikes.items()}
        scores = reference.scores.copy()
        if change is not None:
            change(spikes, scores)
        assert fed.shape[0] == 4
        return Trace(scores, spikes)

    return run


NODES = {name: name for name in PLAN.by_name}


def flip(count):
    def change(spikes, scores):
        flat = spikes[PLAN.readout[0]].reshape(-1)
        flat[:count] = 1 - flat[:count]

    return change


def test_one_spike_in_ten_thousand_may_differ(network, frames):
    allowed = 4 * 6 * PLAN.neurons // 10_000
    runs = {str(count): reference_trace(network, frames, flip(count)) for count in (allowed, allowed + 1)}
    some, more = compare(network, runs, NODES, frames).comparisons
    assert (some.different, some.passed) == (allowed, True)
    assert (more.different, more.passed) == (allowed + 1, False)


def test_no_answer_may_differ(network, frames):
    def change(spikes, scores):
        scores[:, 0] = scores[:, 0, ::-1] + np.array([100, 0, -100])
        scores[:, 1] = 0
        scores[:, 1, int(run_network(network, torch.from_numpy(frames)).scores[:, 1].mean(0).argmax() + 1) % 3] = 1

    (comparison,) = compare(network, {"other": reference_trace(network, frames, change)}, NODES, frames).comparisons
    assert comparison.equal == 1
    assert comparison.same_answers < 1
    assert not comparison.passed


def test_the_network_stays_as_it_was(network, frames):
    network.train()
    statistics = {name: value.clone() for name, value in network.state_dict().items()}
    verify(network, lowered(network), frames, simulators=["numpy"])
    assert network.training
    assert all(torch.equal(value, statistics[name]) for name, value in network.state_dict().items())


def test_what_does_not_fit(network, frames):
    with pytest.raises(InputError, match="unknown simulator 'numpi'; did you mean 'numpy'"):
        verify(network, lowered(network), frames, simulators=["numpi"])
    with pytest.raises(InputError, match=r"labels are \[2\]; one for each of the 6 samples"):
        verify(network, lowered(network), frames, [0, 1])
    with pytest.raises(InputError, match="at least one sample"):
        verify(network, lowered(network), frames[:, :0])
    with pytest.raises(InputError, match=r"population 'L1.E1' has 0 nodes"):
        verify(network, without_names(network), frames)


def without_names(network):
    plain = lowered(network)
    names = {name: name.replace("_", "").lower() for name in plain.nodes}
    nodes = {names[name]: node for name, node in plain.nodes.items()}
    return graph(nodes, *((names[a], names[b]) for a, b in plain.edges))


def test_outputs_of_another_shape(network, frames):
    short = {"short": lambda fed: Trace(np.zeros((4, 6, 2)), run_network(network, torch.from_numpy(frames)).spikes)}
    with pytest.raises(InputError, match=r"outputs are \[4, 6, 2\] in short, \[4, 6, 3\] in the network"):
        compare(network, short, NODES, frames)
