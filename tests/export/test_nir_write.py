from __future__ import annotations

import errno
import itertools
import json
import math
import os
from dataclasses import replace

import h5py
import nir
import nirtorch
import numpy as np
import pytest
import torch
from torch import nn

from export.graph import Conv, Graph, Neurons
from export.lower import lower
from export.nir_write import CONVENTIONS, KEY, nir_bytes, to_nir_graph, write_nir
from msenas.errors import InputError, RunError
from msenas.genotype.motifs import MOTIFS
from msenas.phenotype.plan import Plan
from tests.conftest import motif_plan

from .networks import BROKEN, agreement, beside_plan, broken_plan, frames_for, tensors_of, trained, watch

WIRED = [m.name for m in MOTIFS if m.wires]
THETA = np.float32(0.5)
ABOVE = np.nextafter(THETA, np.float32(1))


def graph_of(plan: Plan, **changes: object) -> Graph:
    return lower(plan, tensors_of(trained(plan)), about={"classes": ["a", "ü", "c"], "accuracy": 0.25}, **changes)


class Leaky(nn.Module):
    """The equations of NIR in Euler steps, [C, H, W]."""

    def __init__(self, node: nir.LIF | nir.IF, dt: float) -> None:
        super().__init__()
        leaky = isinstance(node, nir.LIF)
        self.step = torch.tensor(dt / node.tau if leaky else np.ones_like(node.r), dtype=torch.float32)
        self.leak, self.r, self.threshold = float(leaky), torch.tensor(node.r), torch.tensor(node.v_threshold)

    def forward(self, x, state=None):
        v = torch.zeros_like(x) if state is None else state
        v = v + self.step * (self.r * x - self.leak * v)
        z = (v > self.threshold).float()
        return z, v * (1 - z)


def linear(node: nir.Affine) -> nn.Module:
    module = nn.Linear(*node.weight.shape[::-1])
    module.weight.data, module.bias.data = torch.from_numpy(node.weight), torch.from_numpy(node.bias)
    return module


def by_nirtorch(path, frames: np.ndarray, dt: float) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Mean output [B, classes] and spikes by population, of a file that nirtorch wires."""
    graph = nir.read(path)
    fire = {kind: lambda node: Leaky(node, dt) for kind in (nir.LIF, nir.IF)}
    module = nirtorch.nir_to_torch(graph, {**fire, nir.Affine: linear})
    populations = json.loads(graph.metadata[KEY])["populations"]
    spikes: dict[str, list[torch.Tensor]] = {name: [] for name in populations.values()}
    for node, name in populations.items():
        getattr(module, node).register_forward_hook(lambda _m, _i, out, name=name: spikes[name].append(out[0]))
    steps, batch = frames.shape[:2]
    outputs = []
    with torch.no_grad():
        for sample, t in itertools.product(range(batch), range(steps)):
            state = state if t else None  # noqa: F821
            output, state = module(torch.from_numpy(frames[t, sample]), state)
            outputs.append(output)
    sent = {n: torch.stack(trains).unflatten(0, (batch, steps)).transpose(0, 1) for n, trains in spikes.items()}
    scores = torch.stack(outputs).unflatten(0, (batch, steps)).mean(1)
    return scores.numpy(), {name: trains.numpy() for name, trains in sent.items()}


PLANS = {motif: motif_plan(motif, motif, steps=4) for motif in WIRED}
PLANS |= {f"broken {motif}": broken_plan(motif, steps=4) for motif in BROKEN}
PLANS["late beside at once"] = beside_plan()


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("convention", ["portable", "norse"])
def test_a_reader_that_goes_by_the_order_of_names_fires_the_same_spikes(tmp_path, name, convention):
    plan = PLANS[name]
    network, frames = trained(plan), frames_for(plan, 2)
    write_nir(tmp_path / "n.nir", lower(plan, tensors_of(network)), convention)
    scores, spikes = watch(network, frames)
    assert all(0 < spikes[name].mean() < 1 for name in plan.readout)
    found, trains = by_nirtorch(tmp_path / "n.nir", frames, CONVENTIONS[convention].dt)
    share = agreement(trains, spikes)
    assert share >= 0.999
    np.testing.assert_allclose(found, scores, atol=1e-5 if share == 1 else 2e-2)


def test_integrators_and_spiking_readout_are_read(tmp_path):
    plan = motif_plan("LI", neuron="if", steps=5)
    network, frames = trained(plan), frames_for(plan, 2)
    write_nir(tmp_path / "n.nir", lower(plan, tensors_of(network), "spikes"))
    _, trains = by_nirtorch(tmp_path / "n.nir", frames, 1e-4)
    counts = trains.pop("scores")
    assert counts.shape == (5, 2, 3)
    assert 0 < counts.mean() < 1
    assert agreement(trains, watch(network, frames)[1]) >= 0.999


@pytest.mark.parametrize("name", PLANS)
def test_what_is_read_is_what_was_written(tmp_path, name):
    graph = graph_of(PLANS[name])
    write_nir(tmp_path / "n.nir", graph)
    meant, read = to_nir_graph(graph), nir.read(tmp_path / "n.nir")
    assert read.edges == meant.edges
    assert list(read.nodes) == list(meant.nodes), "the order of nodes is that of their names"
    assert read.metadata == meant.metadata
    for node, other in zip(meant.nodes.values(), read.nodes.values(), strict=True):
        assert type(node) is type(other)
        for key, value in node.to_dict().items():
            np.testing.assert_array_equal(value, other.to_dict()[key], strict=isinstance(value, np.ndarray))


def test_nodes_have_the_form_that_all_readers_take():
    graph = to_nir_graph(graph_of(motif_plan("FbI", "FbI")))
    assert [n for n, node in graph.nodes.items() if isinstance(node, nir.Input)] == ["input"]
    assert [n for n, node in graph.nodes.items() if isinstance(node, nir.Output)] == ["output"]
    assert [b for _, b in graph.edges].count("output") == 1
    kinds = {type(node) for node in graph.nodes.values()}
    assert kinds == {nir.Input, nir.Output, nir.Conv2d, nir.LIF, nir.SumPool2d, nir.Flatten, nir.Affine}
    for node in graph.nodes.values():
        if isinstance(node, nir.Conv2d):
            pairs = (node.stride, node.padding, node.dilation, node.input_shape)
            assert all(isinstance(x, int) for pair in pairs for x in pair)
            assert [len(pair) for pair in pairs] == [2] * 4
            assert node.groups == 1
        if isinstance(node, nir.LIF):
            assert node.tau.ndim == 3
            shapes = {(x.shape, x.dtype) for x in (node.tau, node.r, node.v_leak, node.v_threshold, node.v_reset)}
            assert shapes == {(node.tau.shape, np.dtype(np.float32))}


def neurons_of(convention: str, tau: float = 4.0, kind: str = "lif") -> tuple[nir.LIF | nir.IF, nir.Conv2d]:
    graph = graph_of(motif_plan("FE", tau=tau, neuron=kind))
    written = to_nir_graph(graph, convention).nodes
    (node,) = (n for n in graph.populations if n.population == "L1.E1")
    return written[node.name], written[graph.sources[node.name][0]]


def test_conventions_by_hand():
    trained_weight = neurons_of("portable")[1].weight
    for convention, tau, r, gain in (("portable", 4e-4, 4, 1), ("norse", 4e-3, 1, 4), ("sinabs", None, 1, 1)):
        neurons, conv = neurons_of(convention)
        wanted = np.float32(tau) if tau else np.float32(-1 / math.log(0.75))
        np.testing.assert_allclose(neurons.tau, wanted, rtol=1e-6)
        np.testing.assert_array_equal(neurons.r, r)
        np.testing.assert_allclose(conv.weight, trained_weight * gain)
        assert neurons.tau.shape == (4, 8, 8)
    decay = np.exp(-1 / neurons_of("sinabs", tau=1.0)[0].tau.astype(np.float64))
    assert (decay == 0).all()


def test_bias_is_scaled_with_the_weights_and_the_readout_is_not():
    graph = graph_of(motif_plan("FE", tau=3.0))
    plain, scaled = to_nir_graph(graph).nodes, to_nir_graph(graph, "norse").nodes
    for node in graph.nodes:
        gain = np.float32(3 if isinstance(node, Conv) else 1)
        if isinstance(plain[node.name], nir.Conv2d | nir.Affine):
            np.testing.assert_array_equal(plain[node.name].weight * gain, scaled[node.name].weight)
            np.testing.assert_array_equal(plain[node.name].bias * gain, scaled[node.name].bias)


def test_integrators_are_leaky_neurons_without_leak_where_readers_disagree_about_if():
    trained_weight = neurons_of("portable", kind="if")[1].weight
    for convention in CONVENTIONS:
        neurons, conv = neurons_of(convention, kind="if")
        np.testing.assert_array_equal(conv.weight, trained_weight)
        if convention != "portable":
            assert isinstance(neurons, nir.IF)
            np.testing.assert_array_equal(neurons.r, 1)
            continue
        assert isinstance(neurons, nir.LIF)
        rate = np.float32(CONVENTIONS[convention].dt) / neurons.tau
        np.testing.assert_array_equal(1 - rate, 1)
        np.testing.assert_array_equal(rate * neurons.r, 1)


@pytest.mark.parametrize("v_th", [0.5, 0.3, 1.0, 7.7, 1e-3])
def test_threshold_lets_both_kinds_of_reader_agree(v_th):
    """Only the one number that the file holds is taken in two ways."""
    theta = np.float32(v_th)
    node = replace(next(iter(graph_of(motif_plan("FE")).populations)), v_th=v_th)
    written = next(
        n.v_threshold
        for n in to_nir_graph(Graph((1, 8, 8), 1, (node, *graph_of(motif_plan("FE")).nodes[-1:]), (), "current", {}))
        .nodes.values()
        if isinstance(n, nir.LIF)
    )  # fmt: skip
    above = np.nextafter(theta, np.float32(np.inf))
    assert (written == above).all()
    below = np.nextafter(theta, np.float32(0))
    grid = np.arange(-64, 256, dtype=np.float32) / 16
    for v in (below, theta, np.nextafter(above, np.float32(np.inf)), *grid):
        assert (v > written).all() == (v >= written).all() == (v > theta)
    assert (above >= written).all()
    assert not (above > written).any()


def test_metadata():
    plan = motif_plan("FbI", tau=3.0, v_th=0.25)
    graph = graph_of(plan)
    told = json.loads(to_nir_graph(graph).metadata[KEY])
    assert set(to_nir_graph(graph).metadata) == {KEY}
    e1 = next(n.name for n in graph.populations if n.population == "L1.E1")
    (late,) = (n.name for n in graph.nodes if isinstance(n, Conv) and n.delayed)
    assert told.pop("populations") == {n.name: n.population for n in graph.populations}
    assert told.pop("tau") == {n.name: 3.0 for n in graph.populations}
    assert told.pop("theta") == {n.name: 0.25 for n in graph.populations}
    assert told == {
        "schema": 1, "convention": "portable", "dt": 1e-4, "steps": 3, "encoding": "direct", "read": "current",
        "threshold_rule": "v > theta", "reset": "to 0 in the step of the spike", "delayed": [[late, e1]],
        "about": {"classes": ["a", "ü", "c"], "accuracy": 0.25},
    }  # fmt: skip


def test_equal_graphs_give_equal_bytes(tmp_path):
    graph = graph_of(motif_plan("MI", "LI"))
    first = nir_bytes(to_nir_graph(graph))
    write_nir(tmp_path / "n.nir", graph)
    assert (tmp_path / "n.nir").read_bytes() == first
    with h5py.File(tmp_path / "n.nir") as file:
        times = []
        file.visititems(lambda _, item: times.append(h5py.h5o.get_info(item.id).mtime))
    assert len(times) > 50
    assert set(times) == {0}, "no time of writing is stored"


def test_reset_potentials_of_zero_are_left_out_and_others_kept(tmp_path):
    """Versions of nir before 1.0.6 do not know them."""
    graph = to_nir_graph(graph_of(motif_plan("FE")))
    names = [name for name, node in graph.nodes.items() if isinstance(node, nir.LIF)]
    graph.nodes[names[0]].v_reset[:] = 0.25
    (tmp_path / "n.nir").write_bytes(nir_bytes(graph))
    with h5py.File(tmp_path / "n.nir") as file:
        assert ["v_reset" in file["node/nodes"][name] for name in names] == [True, False]
    read = nir.read(tmp_path / "n.nir").nodes
    assert (read[names[0]].v_reset == 0.25).all()
    assert (read[names[1]].v_reset == 0).all()


def test_constant_parameters_take_next_to_no_room(tmp_path):
    """Maps of 64 x 64 instead of 8 x 8 have 64 times the neurons and the same weights."""
    small, large = (graph_of(motif_plan("LI", "MI")) for _ in range(2))
    nodes = tuple(
        replace(n, shape=(n.shape[0], 8 * n.shape[1], 8 * n.shape[2])) if isinstance(n, Neurons)
        else replace(n, input_shape=(n.input_shape[0], *(8 * x for x in n.input_shape[1:]))) if isinstance(n, Conv)
        else n
        for n in large.nodes
    )  # fmt: skip
    pool = next(n for n in nodes if n.name.endswith("sum"))
    nodes = tuple(replace(n, size=(32, 32), input_shape=(8, 32, 32)) if n is pool else n for n in nodes)
    large = replace(large, nodes=nodes, input_shape=(1, 64, 64))
    sizes = []
    for graph in (small, large):
        write_nir(tmp_path / "n.nir", graph)
        nir.read(tmp_path / "n.nir")
        sizes.append((tmp_path / "n.nir").stat().st_size)
    assert abs(sizes[1] - sizes[0]) < 1000
    weights = sum(n.weight.nbytes for n in small.nodes if hasattr(n, "weight"))
    assert sizes[0] < weights + 4096 * len(small.nodes)


def test_large_weights_are_packed_and_read_equal(tmp_path):
    graph = graph_of(motif_plan("FE", "FE", channels=64))
    weight = np.round(next(n.weight for n in graph.nodes if isinstance(n, Conv) and n.weight.size > 16384), 2)
    nodes = tuple(replace(n, weight=weight) if getattr(n, "weight", weight).shape == weight.shape and
                  isinstance(n, Conv) else n for n in graph.nodes)  # fmt: skip
    write_nir(tmp_path / "n.nir", replace(graph, nodes=nodes))
    with h5py.File(tmp_path / "n.nir") as file:
        stored = [n["weight"] for n in file["node/nodes"].values() if "weight" in n and n["weight"].nbytes > 1 << 16]
        assert stored
        assert all(d.chunks == d.shape and d.id.get_storage_size() < d.nbytes for d in stored)
        np.testing.assert_array_equal(next(d[()] for d in stored if d.shape == weight.shape), weight)


def test_full_disk_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(RunError, match=r"cannot write .*n\.nir: No space left on device"):
        write_nir(tmp_path / "n.nir", graph_of(motif_plan("FE")))
    assert os.listdir(tmp_path) == []


def test_unknown_convention_leaves_nothing(tmp_path):
    with pytest.raises(InputError, match="did you mean 'portable'"):
        write_nir(tmp_path / "n.nir", graph_of(motif_plan("FE")), "portabel")
    assert os.listdir(tmp_path) == []
