"""What `msenas check` says about a graph is what the simulators do with it."""

from __future__ import annotations

import json

import nir
import numpy as np
import pytest

from export.check import check
from export.nir_write import nir_bytes
from export.simulate import simulate
from export.targets.view import SYNAPSES, View
from msenas.errors import InputError
from tests.export.targets.zoo import DT, ZOO
from tests.peers.peers import Job, present
from tests.peers.peers import run as run_peer

STEPS, SAMPLES = 16, 2
UNREADABLE = ("groups", "wide_kernel", "nested")
"""NIR's own type check refuses them, so that no file comes as far as a reader."""
HANGS = ("two_outputs", "waiting")
"""Readers wait for ever."""
OTHER_TIME = {"sinabs": ("steps_of_sinabs",)}
"""Our simulator takes the time constants of these for seconds."""


def time_step(graph):
    """Seconds of a time step that a graph was made for."""
    told = json.loads(graph.metadata.get("msenas", "{}")).get("dt")
    leaky = [node for node in graph.nodes.values() if isinstance(node, nir.LIF) and node.r.flat[0] != 1]
    return told or (float(leaky[0].tau.flat[0]) / float(leaky[0].r.flat[0]) if leaky else DT)


def with_unit_gain(graph):
    """The same graph for readers that ignore r: the weights onto leaky neurons take it over."""
    view, dt = View(graph), time_step(graph)
    graph.metadata["msenas"] = json.dumps({"dt": dt})
    for name, node in view.of(nir.LIF):
        gain = float(node.r.flat[0])
        if all(isinstance(view.nodes[source], SYNAPSES) for source in view.sources[name]) and (node.r == gain).all():
            for source in view.sources[name]:
                synapse = view.nodes[source]
                synapse.weight = synapse.weight * np.float32(gain)
                if hasattr(synapse, "bias"):
                    synapse.bias = synapse.bias * np.float32(gain)
            node.r = np.ones_like(node.r)
    return graph


def in_steps(graph):
    """The same graph for sinabs: time constants that decay alike, in steps."""
    dt = time_step(graph)
    for _, node in View(graph).of(nir.LIF):
        if np.allclose(node.r * dt, node.tau) and (node.tau > dt).all():
            node.tau = (-1.0 / np.log1p(-dt / node.tau.astype(np.float64))).astype(np.float32)
            node.r = np.ones_like(node.r)
    return graph


FORMS = {"norse": with_unit_gain, "sinabs": in_steps}
"""How a graph is written for a reader with a convention of its own."""


def expected(graph, frames):
    """Outputs and spikes by our own simulator; None where it refuses the graph."""
    try:
        return simulate(graph, frames, dt=time_step(graph))
    except InputError:
        return None


def same(result, trace):
    """Whether a peer fired the same spikes and gave the same output."""
    if result.error or trace is None or result.output.size != trace.outputs.size:
        return False
    if not np.allclose(result.output.ravel(), trace.outputs.ravel(), atol=1e-4):
        return False
    if result.spikes.keys() != trace.spikes.keys():
        return False
    return all((result.spikes[name].ravel() == own.ravel()).all() for name, own in trace.spikes.items())


@pytest.mark.parametrize("peer", present("norse", "snntorch", "spikingjelly", "sinabs"))
def test_verdicts_are_true(peer, tmp_path):
    names = [name for name in ZOO if name not in UNREADABLE + HANGS + OTHER_TIME.get(peer, ())]
    traces, jobs, levels = {}, [], {}
    for name in names:
        graph, rng = ZOO[name](), np.random.default_rng(8)
        (shape,) = (tuple(node.input_type["input"]) for _, node in View(graph).of(nir.Input))
        frames = (rng.random((STEPS, SAMPLES, *shape)) < 0.4).astype(np.float32)
        np.savez(tmp_path / f"{name}.npz", frames=frames)
        traces[name] = expected(graph, frames)
        written = FORMS.get(peer, lambda same: same)(ZOO[name]())
        levels[name] = check(written, peer).level
        (tmp_path / f"{name}.nir").write_bytes(nir_bytes(written))
        jobs.append(Job(tmp_path / f"{name}.nir", tmp_path / f"{name}.npz", tmp_path / f"{name}-out.npz"))
    results = dict(zip(names, run_peer(peer, jobs), strict=True))
    equal = {name: same(results[name], traces[name]) for name in names}
    assert {name for name in names if equal[name]} == {name for name in names if levels[name] == "exact"}
