from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from export.fold import EPS
from export.graph import INPUT, OUTPUT, READOUTS, Affine, Conv, Flatten, Neurons, SumPool
from export.lower import lower
from msenas.errors import InputError
from msenas.genotype.motifs import MOTIFS
from msenas.phenotype.network import Network
from msenas.phenotype.plan import INPUT as PLAN_INPUT
from msenas.phenotype.plan import Synapse
from msenas.phenotype.spec import NetworkSpec
from tests.conftest import motif_plan
from tests.phenotype.plans import connected

from .networks import (
    BROKEN,
    agreement,
    beside_plan,
    broken_plan,
    by_hand,
    frames_for,
    run,
    synapse,
    tensors_of,
    trained,
    watch,
)

WIRED = [m.name for m in MOTIFS if m.wires]


def numbers(plan, **changes):
    """Weights 1, no normalisation to speak of (variance + eps is 1), read-out 0."""
    tensors = {f"weights.{i}": np.ones((1, 1, s.kernel, s.kernel)) for i, s in enumerate(plan.synapses)}
    for population in plan.populations:
        key = f"norms.{population.name.replace('.', '_')}"
        values = {"weight": 1, "bias": 0, "running_mean": 0, "running_var": 1 - EPS}
        tensors |= {f"{key}.{part}": np.full(1, value) for part, value in values.items()}
    tensors |= {"readout.weight": np.zeros((2, 1)), "readout.bias": np.zeros(2)}
    assert changes.keys() <= tensors.keys()
    return tensors | {name: np.asarray(value) for name, value in changes.items()}


def settle(graph):
    """Reader of the order alone: an edge is late if its source comes later in the order."""
    place = {name: i for i, name in enumerate([INPUT, *graph.by_name, OUTPUT])}
    assert [*graph.by_name] == sorted(graph.by_name)
    return {(a, b) for a, b in graph.edges if place[a] > place[b]}


def test_one_population_by_hand():
    """Scale 6/2, mean 1, shift 5, tau 2: weight 4 * 3 / 2, bias (5 - 1 * 3) / 2; read-out 12 and 18 over 6 pixels."""
    plan = by_hand(synapse(PLAN_INPUT, "E1"))
    tensors = numbers(plan, **{
        "weights.0": [[[[4.0]]]], "norms.L1_E1.weight": [6.0], "norms.L1_E1.running_var": [4 - EPS],
        "norms.L1_E1.running_mean": [1.0], "norms.L1_E1.bias": [5.0],
        "readout.weight": [[12.0], [18.0]], "readout.bias": [1.0, 2.0],
    })  # fmt: skip
    graph = lower(plan, tensors, about={"accuracy": 0.5})
    conv, neurons, pool, flat, affine = graph.nodes
    assert (conv.weight.item(), conv.bias.item(), conv.weight.dtype, conv.bias.dtype) == (6, 1, np.float32, np.float32)
    assert (conv.stride, conv.padding, conv.input_shape, conv.inhibitory, conv.delayed) == (
        1,
        0,
        (1, 2, 3),
        False,
        False,
    )
    assert neurons == Neurons("n01_L1_E1", "L1.E1", (1, 2, 3), "lif", 2.0, 0.5)
    assert (pool, flat) == (SumPool("n02_sum", (1, 2, 3), (2, 3)), Flatten("n03_flatten", (1, 1, 1)))
    np.testing.assert_array_equal(affine.weight, [[2], [3]])
    np.testing.assert_array_equal(affine.bias, [1, 2])
    names = [INPUT, "n00_input_to_L1_E1", "n01_L1_E1", "n02_sum", "n03_flatten", "n04_readout", OUTPUT]
    assert graph.edges == tuple(itertools.pairwise(names))
    assert (graph.input_shape, graph.steps, graph.read) == ((1, 2, 3), 3, "current")
    assert graph.about == {"encoding": "direct", "accuracy": 0.5}


def test_inhibition_has_no_scale_and_keeps_its_sign():
    plan = by_hand(synapse(PLAN_INPUT, "E1"), synapse(PLAN_INPUT, "I1"), synapse("I1", "E1"), roles=("E1", "I1"))
    graph = lower(plan, numbers(plan, **{"norms.L1_E1.weight": [10.0], "weights.2": [[[[-3.0]]]]}))
    (inhibitory,) = (n for n in graph.nodes if isinstance(n, Conv) and n.inhibitory)
    assert (inhibitory.weight.item(), inhibitory.bias.item()) == (-1.5, 0)


def test_integrators_have_no_gain():
    plan = by_hand(synapse(PLAN_INPUT, "E1"), spec=NetworkSpec((1, 2, 3), 2, 1, channels=4, neuron="if", tau=5.0))
    graph = lower(plan, numbers(plan, **{"norms.L1_E1.bias": [3.0]}))
    assert (graph.nodes[0].weight.item(), graph.nodes[0].bias.item(), graph.nodes[1].kind) == (1, 3, "if")


def test_only_the_first_instant_excitation_has_the_shift():
    plan = by_hand(synapse("E1", "E1", delayed=True), synapse(PLAN_INPUT, "E1"),
                   Synapse((PLAN_INPUT,), "L1.E1", 3, 1, False, False, None))  # fmt: skip
    graph = lower(plan, numbers(plan, **{"norms.L1_E1.bias": [4.0]}))
    biases = [(n.delayed, n.weight.shape[2], n.bias.item()) for n in graph.nodes if isinstance(n, Conv)]
    assert biases == [(False, 1, 2), (False, 3, 0), (True, 1, 0)]


def assert_same(outputs, found, scores, spikes):
    """Spikes differ only where a potential lies within rounding of the threshold, and with them the scores."""
    share = agreement(found, spikes)
    assert share >= 0.999
    np.testing.assert_allclose(outputs.mean(0), scores, atol=1e-5 if share == 1 else 2e-2)


@pytest.mark.parametrize("motif", WIRED)
@pytest.mark.parametrize("changes", [{}, {"neuron": "if"}, {"tau": 3.0, "v_th": 0.7, "steps": 6}])
def test_same_spikes_and_scores_as_the_network(motif, changes):
    plan = motif_plan(motif, motif, **changes)
    network, frames = trained(plan), frames_for(plan)
    scores, spikes = watch(network, frames)
    outputs, found = run(lower(plan, tensors_of(network)), frames)
    assert all(0 < train.mean() < 1 for name, train in spikes.items() if name.endswith("E1"))
    assert_same(outputs, found, scores, spikes)


@settings(max_examples=25, deadline=None)
@given(connected(), st.integers(0, 2**16))
def test_any_genome_keeps_its_spikes(genome, seed):
    plan = genome[2]
    network, frames = trained(plan, seed), frames_for(plan, 2, seed)
    scores, spikes = watch(network, frames)
    graph = lower(plan, tensors_of(network))
    outputs, found = run(graph, frames)
    assert_same(outputs, found, scores, spikes)
    assert all(re.fullmatch("[A-Za-z0-9_]+", node.name) for node in graph.nodes)
    late = {node.name for node in graph.nodes if isinstance(node, Conv) and node.delayed}
    assert {a for a, _ in settle(graph)} == late
    assert all(node.name in late for node in graph.nodes[len(graph.nodes) - len(late) :])
    assert all((n.weight <= 0).all() for n in graph.nodes if isinstance(n, Conv) and n.inhibitory)


def on_a_loop(graph, name):
    """Whether a node reaches itself."""
    reached, fresh = set(), {name}
    while fresh:
        fresh = {b for a, b in graph.edges if a in fresh} - reached
        reached |= fresh
    return name in reached


@settings(max_examples=50, deadline=None)
@given(connected())
def test_every_delayed_synapse_is_on_a_loop_and_drives_what_also_hears_something_at_once(genome):
    graph = lower(genome[2], tensors_of(Network(genome[2], lif="norse")))
    late = {node.name for node in graph.nodes if isinstance(node, Conv) and node.delayed}
    assert all(on_a_loop(graph, name) for name in late)
    assert all(set(graph.sources[b]) - late for a, b in graph.edges if a in late)
    assert not any(on_a_loop(graph, n.name) for n in graph.nodes if isinstance(n, SumPool | Flatten | Affine))


@pytest.mark.parametrize("motif", BROKEN)
def test_a_synapse_of_zeros_closes_a_missing_loop(motif):
    plan = broken_plan(motif)
    (delayed,) = (s for s in plan.synapses if s.delayed)
    network, frames = trained(plan), frames_for(plan)
    graph = lower(plan, tensors_of(network))
    (closing,) = (n for n in graph.nodes if isinstance(n, Conv) and not n.weight.any())
    node_of = {n.population: n.name for n in graph.populations}
    assert graph.sources[closing.name] == (node_of[delayed.target],)
    assert [b for a, b in graph.edges if a == closing.name] == [node_of[delayed.sources[0]]]
    assert not closing.bias.any()
    assert agreement(run(graph, frames)[1], watch(network, frames)[1]) >= 0.999


def test_a_delay_beside_an_instant_path_is_closed_through_the_delayed_synapse():
    """E1 excites E2 at once and late: a way from E2 to E1 would be a loop without a delay."""
    plan = beside_plan()
    graph = lower(plan, numbers(plan, **{"weights.2": [[[[0.125]]]]}))
    closing, late = graph.nodes[-2:]
    assert (closing.weight.any(), closing.delayed, late.delayed) == (False, False, True)
    assert graph.sources[late.name] == ("n01_L1_E1", closing.name)
    assert on_a_loop(graph, late.name)
    network = Network(plan, lif="norse").eval()
    network.load_state_dict({name: torch.from_numpy(value) for name, value in numbers(plan).items()}, strict=False)
    frames = frames_for(plan)
    assert agreement(run(lower(plan, tensors_of(network)), frames)[1], watch(network, frames)[1]) >= 0.999


@pytest.mark.parametrize(("synapses", "problem"), [
    ((synapse(PLAN_INPUT, "E1"), synapse("E1", "E2"), synapse("E2", "E1")), "no delayed synapse"),
    ((synapse(PLAN_INPUT, "E1"), synapse(PLAN_INPUT, "E2", delayed=True)), "input -> L1.E2 .*reads the input"),
    ((synapse(PLAN_INPUT, "E1"), synapse("E1", "E2", delayed=True)), "L1.E2 .*no excitatory synapse"),
    ((synapse(PLAN_INPUT, "E1"), synapse(PLAN_INPUT, "E2"), synapse("E2", "E1", True, 2)), "changes the resolution"),
])  # fmt: skip
def test_a_plan_that_no_reader_could_run(synapses, problem):
    plan = by_hand(*synapses, roles=("E1", "E2"))
    with pytest.raises(InputError, match=problem):
        lower(plan, numbers(plan))


@pytest.mark.parametrize(("name", "value", "problem"), [
    ("weights.0", None, "have no weights.0"),
    ("norms.L1_E1.running_var", None, "have no norms.L1_E1.running_var"),
    ("weights.0", np.ones((1, 1, 3, 3)), r"shape \[1, 1, 3, 3\], the network \[1, 1, 1, 1\]"),
    ("weights.0", np.full((1, 1, 1, 1), np.nan), "weights.0 .*not finite"),
    ("readout.bias", np.array([0, np.inf]), "readout.bias .*not finite"),
    ("norms.L1_E1.running_var", np.array([-1.0]), "negative variance"),
    ("norms.L1_E1.weight", np.array([1e300]), "weights.0 leaves the range of float32"),
])  # fmt: skip
def test_numbers_that_do_not_fit(name, value, problem):
    plan = by_hand(synapse(PLAN_INPUT, "E1"))
    tensors = numbers(plan) | {name: value}
    if value is None:
        del tensors[name]
    with pytest.raises(InputError, match=problem):
        lower(plan, tensors)


def test_constant_of_normalisation_is_that_of_the_network():
    assert {norm.eps for norm in Network(motif_plan("FE")).norms.values()} == {EPS}


def test_numbers_are_not_shared_with_the_network():
    plan = by_hand(synapse(PLAN_INPUT, "E1"))
    tensors = numbers(plan)
    lower(plan, tensors).nodes[0].weight[:] = 7
    assert tensors["weights.0"].item() == 1


def test_spiking_readout_counts():
    """A score of 0.6 fires every other step at a threshold of 1, one of 1.5 in each, a negative one never."""
    plan = by_hand(synapse(PLAN_INPUT, "E1"), spec=NetworkSpec((1, 2, 3), 3, 1, channels=4, steps=4))
    tensors = numbers(plan) | {"readout.weight": np.zeros((3, 1)), "readout.bias": np.array([0.6, 1.5, -2.0])}
    graph = lower(plan, tensors, "spikes")
    outputs, _ = run(graph, frames_for(plan, 2))
    np.testing.assert_array_equal(outputs.sum(0), [[2, 4, 0]] * 2)
    assert graph.nodes[-1] == Neurons("n05_scores", "scores", (3,), "if", 1.0, 1.0)
    assert run(lower(plan, tensors, "spikes", read_threshold=1.6), frames_for(plan, 1))[0].sum(0).tolist() == [
        [1, 2, 0]
    ]


def test_unknown_readout_and_threshold():
    plan = by_hand(synapse(PLAN_INPUT, "E1"))
    with pytest.raises(InputError, match=f"known: {', '.join(READOUTS)}"):
        lower(plan, numbers(plan), "curent")
    with pytest.raises(InputError, match="must be positive, not -1"):
        lower(plan, numbers(plan), read_threshold=-1)
