"""Networks read from NIR fire the spikes of the graph, whoever wrote it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import nir
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from export.importing import Imported, Wishes, import_graph
from export.lower import lower
from export.nir_about import KEY
from export.nir_write import to_nir_graph
from export.simulate import simulate
from msenas.errors import InputError
from msenas.phenotype.check import map_side
from msenas.phenotype.network import Network
from tests.conftest import motif_genome, motif_plan
from tests.export.foreign import (
    affine,
    conv,
    fire,
    flatten,
    graph,
    leaky,
    paper_cnn,
    pool,
    sink,
    source,
    weights,
)
from tests.export.networks import agreement, broken_plan, frames_for, tensors_of, trained, watch

ROUNDING = 2e-6
"""Of a potential in float32 that is about 1."""


def loaded(imported: Imported) -> Network:
    network = Network(imported.plan, lif="norse")
    network.load_state_dict({name: torch.from_numpy(value) for name, value in imported.tensors.items()})
    return network.eval()


def both(model: nir.NIRGraph, frames: np.ndarray, wishes: Wishes | None = None) -> Imported:
    """Assert that the imported network fires and answers as the simulator of NIR says."""
    imported = import_graph(model, replace(wishes or Wishes(), steps=len(frames)))
    spec = imported.plan.spec
    scores, spikes = watch(loaded(imported), frames.reshape(*frames.shape[:2], *spec.input_shape))
    dt = imported.dynamics.dt
    trace = simulate(model, frames.reshape(*frames.shape[:2], *model.nodes["input"].output_type["output"]), dt=dt)
    assert sorted(s.mean() for s in spikes.values()) == pytest.approx(sorted(s.mean() for s in trace.spikes.values()))
    nodes = {p.name: p.motif for p in imported.plan.populations}
    for name, train in spikes.items():
        assert np.array_equal(train.reshape(trace.spikes[nodes[name]].shape), trace.spikes[nodes[name]])
    assert np.allclose(scores, trace.outputs.mean(0).reshape(scores.shape), atol=1e-5)
    assert any(train.any() for train in spikes.values())
    return imported


def assert_equal_but_for_rounding(model: nir.NIRGraph, frames: np.ndarray, one: dict, other: dict) -> None:
    """Spikes of two networks of one graph are equal, up to where a potential is within rounding of its threshold.

    Such a spike may differ, and what it excites follows it; so the first one that differs decides.
    """
    above: dict[tuple[int, str], np.ndarray] = {}
    simulate(model, frames, dt=json.loads(model.metadata[KEY])["dt"],
             watch=lambda node, t, far: above.update({(t, node): far.copy()}))  # fmt: skip
    populations = json.loads(model.metadata[KEY])["populations"]
    for t, node in sorted(above):
        name = populations[node]
        wrong = one[name][t] != other[name][t]
        if wrong.any():
            assert abs(above[t, node][wrong]).max() < ROUNDING
            return
    assert agreement(one, other) == 1


def events(rng: np.random.Generator, *shape: int, steps: int = 4, batch: int = 3) -> np.ndarray:
    return rng.integers(0, 2, (steps, batch, *shape), endpoint=True).astype(np.float32)


def step_by_step(model: nir.NIRGraph, frames: np.ndarray) -> np.ndarray:
    """The network of the NIR paper in the plainest numpy: spikes of the last layer [T, B, 10]."""

    def convolved(x: np.ndarray, node: nir.Conv2d) -> np.ndarray:
        (stride, _), (pad, _), k = node.stride, node.padding, node.weight.shape[2]
        x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(2, 3))[:, :, ::stride, ::stride]
        return np.einsum("bchwij,ocij->bohw", windows, node.weight) + node.bias[:, None, None]

    potentials = dict.fromkeys(model.nodes, 0.0)
    outputs = []
    for frame in frames:
        x = frame
        for name, node in model.nodes.items():
            if isinstance(node, nir.Conv2d):
                x = convolved(x, node)
            elif isinstance(node, nir.IF):
                v = potentials[name] + x
                x = (v > node.v_threshold).astype(np.float32)
                potentials[name] = np.where(x > 0, 0, v)
            elif isinstance(node, nir.SumPool2d):
                x = x.reshape(*x.shape[:2], x.shape[2] // 2, 2, x.shape[3] // 2, 2).sum((3, 5))
            elif isinstance(node, nir.Flatten):
                x = x.reshape(len(x), -1)
            elif isinstance(node, nir.Affine):
                x = x @ node.weight.T + node.bias
        outputs.append(x)
    return np.stack(outputs)


def test_the_network_of_the_nir_paper(rng):
    model, frames = paper_cnn(rng), events(rng, 2, 34, 34, batch=2)
    imported = both(model, frames)
    plan = imported.plan
    assert (plan.spec.neuron, plan.spec.encoding, plan.spec.classes) == ("if", "events", 10)
    assert [p.shape for p in plan.populations] == [(16, 16, 16), (16, 16, 16), (8, 8, 8), (256, 1, 1), (10, 1, 1)]
    assert [(s.pool, s.kernel, s.stride, s.padding) for s in plan.synapses] == [
        (1, 5, 2, 1),
        (1, 3, 1, 1),
        (2, 3, 1, 1),
        (2, 4, 1, 0),
        (1, 1, 1, 0),
    ]
    assert [plan.is_dense(s) for s in plan.synapses] == [False, False, False, True, True]
    scores, _ = watch(loaded(imported), frames)
    expected = step_by_step(model, frames)
    assert expected.any()
    assert np.allclose(scores, expected.mean(0))


def test_defaults_for_foreign_files(rng):
    spec = import_graph(paper_cnn(rng)).plan.spec
    assert (spec.steps, spec.encoding, spec.v_th) == (10, "events", 1.015625)
    dense = graph({"input": source(6), "w": affine(rng, 3, 6), "z": leaky(3), "output": sink(3)})
    spec = import_graph(dense).plan.spec
    assert (spec.steps, spec.encoding, spec.tau, spec.input_shape) == (4, "direct", 2.0, (6, 1, 1))


@pytest.mark.parametrize("neuron", ["lif", "if"])
@pytest.mark.parametrize("motif", ["FE", "FI", "FbI", "LI", "MI"])
def test_an_export_comes_back_as_the_same_plan_and_spikes(motif, neuron):
    plan = motif_plan("FE", motif, "FE", neuron=neuron, steps=5)
    network = trained(plan)
    exported = lower(plan, tensors_of(network), about={"network": asdict(plan.spec)})
    imported = import_graph(to_nir_graph(exported))
    assert imported.plan == plan
    frames = frames_for(plan)
    scores, spikes = watch(network, frames)
    again, same = watch(loaded(imported), frames)
    assert_equal_but_for_rounding(to_nir_graph(exported), frames, spikes, same)
    if agreement(spikes, same) == 1:
        assert np.allclose(scores, again, atol=1e-5)
    twice = lower(imported.plan, imported.tensors)
    assert [node.name for node in twice.nodes] == [node.name for node in exported.nodes]
    first, second = simulate(to_nir_graph(exported), frames), simulate(to_nir_graph(twice), frames)
    assert agreement(first.spikes, second.spikes) == 1
    for node in exported.nodes:
        if hasattr(node, "weight"):
            assert np.allclose(node.weight, twice.by_name[node.name].weight, rtol=2e-7, atol=0)


@pytest.mark.parametrize("motif", ["LI", "MI"])
def test_synapses_that_only_close_loops_do_not_come_back(motif):
    plan = broken_plan(motif, steps=5)
    exported = lower(plan, tensors_of(trained(plan)), about={"network": asdict(plan.spec)})
    assert any("closes" in node.name for node in exported.nodes)
    imported = import_graph(to_nir_graph(exported))
    assert imported.plan == plan


@pytest.mark.parametrize("convention", ["portable", "norse"])
def test_every_convention_comes_back(convention):
    plan = motif_plan("FI", tau=1.5, v_th=0.3)
    network = trained(plan)
    exported = lower(plan, tensors_of(network), about={"network": asdict(plan.spec)})
    imported = import_graph(to_nir_graph(exported, convention))
    assert imported.plan == plan
    frames, model = frames_for(plan), to_nir_graph(exported, convention)
    assert_equal_but_for_rounding(model, frames, watch(network, frames)[1], watch(loaded(imported), frames)[1])


def test_the_files_of_sinabs_decay_by_another_rule():
    plan = motif_plan("FE")
    model = to_nir_graph(lower(plan, tensors_of(trained(plan))), "portable")
    told = json.loads(model.metadata[KEY]) | {"convention": "sinabs"}
    model.metadata[KEY] = json.dumps(told)
    with pytest.raises(InputError, match="sinabs"):
        import_graph(model)


def test_the_genome_comes_back_with_its_labels():
    genome = motif_genome("FE", "FbI")
    plan = motif_plan("FE", "FbI")
    about = {"network": asdict(plan.spec), "genome": list(genome.flat())}
    model = to_nir_graph(lower(plan, tensors_of(trained(plan)), about=about))
    imported = import_graph(model)
    assert imported.genome == genome
    assert [p.motif for p in imported.plan.populations] == [p.motif for p in plan.populations]
    other = about | {"genome": list(motif_genome("FE", "FI").flat())}
    model = to_nir_graph(lower(plan, tensors_of(trained(plan)), about=other))
    assert import_graph(model).genome is None


def test_an_import_exports_again_to_the_same_spikes(rng):
    model, frames = paper_cnn(rng), events(rng, 2, 34, 34, batch=2)
    imported = import_graph(model, Wishes(steps=len(frames)))
    again = to_nir_graph(lower(imported.plan, imported.tensors))
    first, second = simulate(model, frames), simulate(again, frames)
    told = json.loads(again.metadata[KEY])["populations"]
    label = {p.name: p.motif for p in imported.plan.populations}
    for node, population in told.items():
        train = first.spikes[label[population]]
        assert np.array_equal(second.spikes[node].reshape(train.shape), train)
    twice = import_graph(again)
    assert twice.plan == imported.plan


def test_thresholds_resistances_and_leaks_of_channels_become_gains(rng):
    def per_channel(values: list[float]) -> np.ndarray:
        return np.repeat(np.array(values, np.float32), 16).reshape(2, 4, 4)

    thresholds, resistances = per_channel([0.53125, 2.0625]), per_channel([0.5, 4.0])
    first = nir.LIF(per_channel([2e-4] * 2), resistances, per_channel([0.25, -0.5]), thresholds)
    nodes = {"input": source(1, 4, 4), "a": conv(rng, (2, 1, 3, 3), padding=1), "b": first}
    nodes |= {"c": flatten(2, 4, 4), "d": affine(rng, 3, 32), "e": leaky(3, threshold=0.53125), "output": sink(3)}
    imported = both(graph(nodes), events(rng, 1, 4, 4, steps=6))
    assert imported.plan.spec.v_th == 0.53125
    assert imported.tensors["norms.b_E1.weight"].tolist() == [0.5, pytest.approx(4 * 0.53125 / 2.0625)]


@pytest.mark.parametrize(("dt", "r"), [(1e-4, 2.0), (1e-3, 2.0), (1e-3, 1.0)])
def test_the_time_step_decides_the_time_constant(rng, dt, r):
    nodes = {"input": source(6), "w": affine(rng, 3, 6), "z": leaky(3, dt=dt, r=r), "output": sink(3)}
    imported = both(graph(nodes), events(rng, 6), Wishes(dt=dt))
    assert imported.plan.spec.tau == 2.0


def test_if_neurons_with_a_resistance_in_seconds(rng):
    neurons = nir.IF(np.full(3, 1e4, np.float32), np.full(3, 1.03125, np.float32))
    nodes = {"input": source(6), "w": affine(rng, 3, 6), "z": neurons, "output": sink(3)}
    assert both(graph(nodes), events(rng, 6)).tensors["norms.z_E1.weight"].tolist() == [1, 1, 1]


def test_leaky_neurons_without_a_leak_to_speak_of_are_if(rng):
    nodes = {"input": source(6), "w": affine(rng, 3, 6), "z": leaky(3, steps=2.0**100, r=2.0**100), "output": sink(3)}
    imported = both(graph(nodes), events(rng, 6))
    assert imported.plan.spec.neuron == "if"
    assert imported.tensors["norms.z_E1.weight"].tolist() == [1, 1, 1]


def test_a_vector_as_input_can_be_a_map(rng):
    nodes = {"input": source(18), "w": affine(rng, 5, 18), "z": fire(5), "output": sink(5)}
    imported = both(graph(nodes), events(rng, 18), Wishes(input_shape=(2, 3, 3)))
    assert imported.plan.spec.input_shape == (2, 3, 3)
    assert (imported.plan.synapses[0].kernel, imported.plan.synapses[0].padding) == (3, 0)
    with pytest.raises(InputError, match=r"input of the graph is \[18\]; --input-shape 2,3,4 does not fit"):
        import_graph(graph(nodes), Wishes(input_shape=(2, 3, 4)))


def test_a_mean_over_the_map_is_the_read_out(rng):
    last = nir.Affine(weights(rng, 3, 4), weights(rng, 3))
    nodes = {"input": source(1, 4, 4), "a": conv(rng, (4, 1, 3, 3), padding=1), "b": fire(4, 4, 4)}
    ends = {"c": pool(4, nir.AvgPool2d), "d": flatten(4, 1, 1), "e": last, "output": sink(3)}
    plan = both(graph(nodes | ends), events(rng, 1, 4, 4)).plan
    assert [p.motif for p in plan.populations] == ["b"]
    spread = nir.Affine(np.repeat(last.weight, 16, axis=1), last.bias)
    both(graph(nodes | {"d": flatten(4, 4, 4), "e": spread, "output": sink(3)}), events(rng, 1, 4, 4))


# ---- graphs that branch and loop


def branching(rng: np.random.Generator) -> nir.NIRGraph:
    """Two populations meet in front of a convolution, a third skips it, and the input is heard twice."""
    nodes = {
        "input": source(1, 6, 6),
        "a_w": conv(rng, (4, 1, 3, 3), padding=1),
        "b": fire(4, 6, 6),
        "c_w": conv(rng, (4, 4, 3, 3), padding=1),
        "d": fire(4, 6, 6),
        "e_w": conv(rng, (2, 4, 3, 3), padding=1, stride=2),
        "e_x": conv(rng, (2, 1, 1, 1), stride=2, bias=False),
        "f": fire(2, 3, 3),
        "g": flatten(2, 3, 3),
        "h": affine(rng, 3, 18),
        "i": fire(3),
        "output": sink(3),
    }
    edges = [("input", "a_w"), ("a_w", "b"), ("b", "c_w"), ("c_w", "d"), ("b", "e_w"), ("d", "e_w"), ("e_w", "f")]
    edges += [("input", "e_x"), ("e_x", "f"), ("f", "g"), ("g", "h"), ("h", "i"), ("i", "output")]
    return graph(nodes, edges)


def test_branches(rng):
    plan = both(branching(rng), events(rng, 1, 6, 6)).plan
    onto = [(s.sources, s.kernel, s.stride, s.padding) for s in plan.incoming["f.E1"]]
    assert onto == [(("input",), 1, 2, 0), (("b.E1", "d.E1"), 3, 2, 1)]


def looping(rng: np.random.Generator, back: str = "y_back", bias: bool = False) -> nir.NIRGraph:
    """Two populations of which the second sends its spikes back to the first."""
    nodes = {
        "input": source(6),
        "a_w": affine(rng, 4, 6),
        "b": fire(4),
        "c_w": affine(rng, 4, 4),
        "d": fire(4),
        back: affine(rng, 4, 4) if bias else nir.Linear(weights(rng, 4, 4)),
        "output": sink(4),
    }
    edges = [("input", "a_w"), ("a_w", "b"), ("b", "c_w"), ("c_w", "d"), ("d", back), (back, "b"), ("d", "output")]
    return graph(nodes, edges)


def test_loops_are_late_where_readers_have_not_computed_yet(rng):
    plan = both(looping(rng), events(rng, 6, steps=6)).plan
    assert [(s.sources[0], s.target) for s in plan.synapses if s.delayed] == [("d.E1", "b.E1")]
    assert plan.schedule[0].recurrent


def test_a_late_bias_cannot_be_told(rng):
    with pytest.raises(InputError, match=r"node 'b' .*bias by 'y_back', which is late"):
        import_graph(looping(rng, bias=True))


def test_spikes_that_meet_within_a_loop_get_synapses_of_their_own(rng):
    nodes = {
        "input": source(6),
        "a_w": affine(rng, 4, 6),
        "b": fire(4),
        "c_w": affine(rng, 4, 4),
        "d": fire(4),
        "y_back": nir.Linear(weights(rng, 4, 4)),
        "output": sink(4),
    }
    edges = [("input", "a_w"), ("a_w", "b"), ("b", "c_w"), ("c_w", "d"), ("d", "output")]
    edges += [("b", "y_back"), ("d", "y_back"), ("y_back", "b")]
    plan = both(graph(nodes, edges), events(rng, 6, steps=6)).plan
    assert [s.sources for s in plan.synapses if s.delayed] == [("b.E1",), ("d.E1",)]


def test_a_population_that_hears_only_the_past(rng):
    nodes = {
        "input": source(6),
        "a_w": affine(rng, 4, 6),
        "d": fire(4),
        "e_w": nir.Linear(weights(rng, 4, 4)),
        "b": fire(4),
        "x_w": nir.Linear(weights(rng, 4, 4)),
        "y_w": nir.Linear(weights(rng, 4, 4)),
        "output": sink(4),
    }
    # The self-feedback of b makes it a node with two inputs on a loop with d, so it does not wait for d.
    edges = [("input", "a_w"), ("a_w", "d"), ("d", "x_w"), ("x_w", "b"), ("b", "y_w"), ("y_w", "b")]
    edges += [("b", "e_w"), ("e_w", "d"), ("d", "output")]
    model = graph(nodes, edges)
    plan = both(model, events(rng, 6, steps=6)).plan
    assert all(s.delayed for s in plan.incoming["b.E1"])


def test_parallel_synapses_add_up(rng):
    nodes = {"input": source(6), "v": affine(rng, 3, 6), "w": affine(rng, 3, 6), "z": fire(3), "output": sink(3)}
    edges = [("input", "v"), ("input", "w"), ("v", "z"), ("w", "z"), ("z", "output")]
    plan = both(graph(nodes, edges), events(rng, 6)).plan
    assert len(plan.synapses) == 1


def test_neurons_behind_neurons(rng):
    nodes = {
        "input": source(2, 4, 4),
        "y": fire(2, 4, 4, threshold=2.5),
        "z": leaky(2, 4, 4, r=4.0),
        "f": flatten(2, 4, 4),
    }
    model = graph({**nodes, "w": affine(rng, 3, 32), "x": fire(3), "output": sink(3)})
    with pytest.raises(InputError, match="time constants of the neurons differ: none at 'y' and 2 steps at 'z'"):
        import_graph(model)
    model.nodes["z"] = fire(2, 4, 4, threshold=0.5)
    both(model, events(rng, 2, 4, 4))


# ---- chains of linear nodes


@st.composite
def chains(draw: st.DrawFn) -> tuple[nir.NIRGraph, np.random.Generator]:
    """Input -> linear nodes -> neurons -> linear nodes -> neurons -> all-to-all -> neurons."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 16)))
    shape = (2, draw(st.integers(5, 9)), draw(st.integers(5, 9)))
    nodes: dict[str, object] = {"input": source(*shape)}
    for layer in "ab":
        for number in range(draw(st.integers(0, 3))):
            node, shape = draw(linear_nodes(rng, shape))
            nodes[f"{layer}{number}"] = node
        nodes[f"{layer}z"] = fire(*shape)
    size = int(np.prod(shape))
    nodes |= {"c": flatten(*shape), "d": affine(rng, 3, size), "e": fire(3), "output": sink(3)}
    return graph(nodes), rng


@st.composite
def linear_nodes(draw: st.DrawFn, rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[object, tuple[int, ...]]:
    """A linear node that can take a map, and what it gives."""
    channels, *sides = shape
    kind = draw(st.sampled_from(["conv", "sum", "mean", "scale", "overlapping"]))
    if kind == "scale":
        values = np.array(draw(st.sampled_from([[2.0, 2.0], [0.5, 2.0]])), np.float32)[:channels]
        return nir.Scale(np.broadcast_to(values[:, None, None], shape).copy()), shape
    if kind != "conv":
        side = draw(st.integers(1, min(2, *sides)))
        step = 1 if kind == "overlapping" else side
        make = nir.AvgPool2d if kind == "mean" else nir.SumPool2d
        gives = channels, *((s - side) // step + 1 for s in sides)
        return make(np.array([side, side]), np.array([step, step]), np.array([0, 0])), gives
    kernel = [draw(st.integers(1, min(3, s))) for s in sides]
    padding = [draw(st.integers(0, 1)) for _ in sides]
    stride = draw(st.sampled_from([(1, 1), (1, 1), (2, 2), (2, 1)]))
    groups = draw(st.sampled_from([1, channels]))
    dilation = draw(st.integers(1, 2)) if all(2 * k - 1 <= s for k, s in zip(kernel, sides, strict=True)) else 1
    node = conv(rng, (2, channels // groups, *kernel), stride=stride, padding=tuple(padding), groups=groups,
                dilation=dilation, bias=draw(st.booleans()))  # fmt: skip
    extent = [dilation * (k - 1) + 1 for k in kernel]
    return node, (2, *map(map_side, sides, extent, stride, padding))


def attempt(model: nir.NIRGraph, wishes: Wishes) -> tuple[Imported | None, str]:
    try:
        return import_graph(model, wishes), ""
    except InputError as error:
        return None, str(error)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chains())
def test_any_chain_of_linear_nodes_is_exact_or_refused(drawn):
    model, rng = drawn
    frames = events(rng, *model.nodes["input"].output_type["output"], batch=2)
    imported, refusal = attempt(model, Wishes(steps=len(frames), encoding="events"))
    if imported is None:
        assert "\n" not in refusal
        assert "put neurons between" in refusal or "no square one equals" in refusal
        return
    _, spikes = watch(loaded(imported), frames)
    trace = simulate(model, frames)
    for population in imported.plan.populations:
        expected = trace.spikes[population.motif]
        assert np.array_equal(spikes[population.name].reshape(expected.shape), expected)


# ---- what cannot be imported


def with_node(rng: np.random.Generator, node: object) -> nir.NIRGraph:
    return graph({"input": source(6), "w": affine(rng, 3, 6), "z": node, "output": sink(3)})


def ones(value: float = 1.0) -> np.ndarray:
    return np.full(3, value, np.float32)


BAD = {
    "CubaLIF": (nir.CubaLIF(ones(), ones(), ones(), ones(0), ones()), "'z' is CubaLIF, which cannot be imported"),
    "LI": (nir.LI(ones(), ones(), ones(0)), "'z' is LI, which cannot be imported; of NIR these can: Conv2d, Affine"),
    "reset": (nir.LIF(ones(2e-4), ones(), ones(0), ones(), ones(0.5)), "'z' .*'v_reset' must be 0"),
    "threshold": (nir.IF(ones(), ones(0)), "'z' .*'v_threshold' must be positive"),
    "resistance": (nir.IF(ones(-1), ones()), "'z' .*'r' must be positive"),
    "dt": (nir.LIF(ones(1e-5), ones(), ones(0), ones()), "'z' .*less than a time step of 0.0001 s.*--dt"),
    "taus": (nir.LIF(np.array([1e-3, 2e-3, 1e-3], np.float32), ones(), ones(0), ones()), "'z' .*0.001 to 0.002 s"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_is_refused_with_the_node(rng, name):
    node, said = BAD[name]
    with pytest.raises(InputError, match=said) as caught:
        import_graph(with_node(rng, node))
    assert "\n" not in str(caught.value)


def test_a_map_or_weights_by_place_cannot_be_read_out(rng):
    nodes = {"input": source(1, 4, 4), "a": conv(rng, (3, 1, 3, 3)), "b": fire(3, 2, 2)}
    with pytest.raises(InputError, match="output is a map of 2x2"):
        import_graph(graph(nodes | {"output": sink(3, 2, 2)}))
    with pytest.raises(InputError, match=r"tell the places of the map apart.*put IF or LIF neurons"):
        import_graph(graph(nodes | {"c": flatten(3, 2, 2), "d": affine(rng, 3, 12), "output": sink(3)}))


def test_no_neurons(rng):
    with pytest.raises(InputError, match="no spiking neurons"):
        import_graph(graph({"input": source(6), "w": affine(rng, 3, 6), "output": sink(3)}))


def test_values_that_differ_within_a_channel(rng):
    neurons = nir.IF(np.ones((1, 2, 2), np.float32), np.arange(1, 5, dtype=np.float32).reshape(1, 2, 2))
    nodes = {"input": source(1, 4, 4), "a": conv(rng, (1, 1, 3, 3)), "b": neurons, "c": flatten(1, 2, 2)}
    with pytest.raises(InputError, match=r"'b' .*'v_threshold' differs from place to place"):
        import_graph(graph(nodes | {"d": affine(rng, 3, 4), "e": fire(3), "output": sink(3)}))


def test_two_time_constants(rng):
    nodes = {
        "input": source(6),
        "w": affine(rng, 3, 6),
        "y": leaky(3),
        "x": affine(rng, 3, 3),
        "z": leaky(3, steps=4.0),
    }
    with pytest.raises(InputError, match="2 steps at 'y' and 4 steps at 'z'; one for all"):
        import_graph(graph(nodes | {"output": sink(3)}))


def test_rectangular_windows(rng):
    tall = nir.SumPool2d(np.array([2, 1]), np.array([2, 1]), np.array([0, 0]))
    nodes = {"input": source(1, 4, 4), "a": conv(rng, (1, 1, 1, 1)), "b": fire(1, 4, 4), "c": tall}
    with pytest.raises(InputError, match=r"'e'.* 'b' is summed over windows of 2x1"):
        import_graph(graph(nodes | {"d": conv(rng, (1, 1, 1, 1)), "e": fire(1, 2, 4), "f": flatten(1, 2, 4),
                                    "g": affine(rng, 3, 8), "h": fire(3), "output": sink(3)}))  # fmt: skip


def test_weights_that_excite_cannot_be_those_of_interneurons():
    plan = motif_plan("FI")
    model = to_nir_graph(lower(plan, tensors_of(trained(plan))))
    (name,) = [n for n in model.nodes if "L1_I1_to_L1_E1" in n]
    model.nodes[name].weight = -model.nodes[name].weight
    with pytest.raises(InputError, match=r"excites, though the metadata call it L1\.I1"):
        import_graph(model)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"schema": 2}, "schema is 2"),
        ({"schema": "x"}, r"\$\.schema"),
        ({"steps": 0}, "steps"),
        ({"encoding": "x"}, "encoding"),
    ],
)
def test_damaged_metadata(told, said):
    plan = motif_plan("FE")
    model = to_nir_graph(lower(plan, tensors_of(trained(plan))))
    model.metadata[KEY] = json.dumps(json.loads(model.metadata[KEY]) | told)
    with pytest.raises(InputError, match=said):
        import_graph(model)


def test_wishes_win(rng):
    spec = import_graph(paper_cnn(rng), Wishes(steps=7, encoding="poisson")).plan.spec
    assert (spec.steps, spec.encoding) == (7, "poisson")


def test_branches_that_meet_and_part_again_are_bounded():
    """A few nodes of one weight each can double the ways from neuron to neuron beyond all bounds."""
    rng, nodes, edges, before = np.random.default_rng(0), {"input": source(1, 2, 2)}, [], ["input"]
    for level in range(40):
        now = [f"a{level:02}", f"b{level:02}"]
        nodes |= {name: conv(rng, (1, 1, 1, 1), bias=False) for name in now}
        edges += [(a, b) for a in before for b in now]
        before = now
    nodes |= {"lif": leaky(1, 2, 2), "n": pool(2), "output": sink(1, 1, 1)}
    edges += [*((name, "lif") for name in before), ("lif", "n"), ("n", "output")]
    with pytest.raises(InputError, match=r"'[ab].*multiply out to too many weights"):
        import_graph(graph(nodes, edges))
