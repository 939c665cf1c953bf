"""Networks with the numbers of trained ones, and a plain loop that runs a lowered graph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from export.graph import INPUT, OUTPUT, Affine, Conv, Flatten, Graph, Neurons, SumPool
from msenas.genotype.genome import Genome
from msenas.genotype.motifs import MOTIFS
from msenas.phenotype.decode import decode
from msenas.phenotype.network import Network
from msenas.phenotype.plan import Plan, Population, Synapse
from msenas.phenotype.spec import NetworkSpec
from tests.conftest import small_spec

BROKEN = {"LI": "E1->I1", "MI": "I1-|I2"}
"""A wire of each motif without which its delayed synapse is on no loop."""


def broken_plan(motif: str, **changes: object) -> Plan:
    """One layer of a motif in which a delayed synapse is left without its loop, and one behind it."""
    wires = {m.name: {str(w): "3x3" for w in m.wires} for m in MOTIFS}
    wires[motif][BROKEN[motif]] = "none"
    layers = [{"motif": name, "synapses": wires[name]} for name in (motif, "FE")]
    genome = Genome.from_readable({"layers": layers, "cross": {"layers": 1, "kernel": "3x3"}})
    return decode(genome, small_spec(2, **changes))


SPEC = NetworkSpec((1, 2, 3), 2, 1, channels=4, steps=3)


def by_hand(*synapses: Synapse, roles: tuple[str, ...] = ("E1",), spec: NetworkSpec = SPEC) -> Plan:
    """A plan of one-channel populations of 2 x 3 pixels."""
    populations = tuple(Population(f"L1.{role}", 1, 2, 3, 0, 0, "hand") for role in roles)
    return Plan(spec, populations, synapses, ("L1.E1",))


def synapse(source: str, target: str, delayed: bool = False, stride: int = 1) -> Synapse:
    name = source if source == INPUT else f"L1.{source}"
    return Synapse((name,), f"L1.{target}", 1, stride, source.startswith("I"), delayed, None)


def beside_plan() -> Plan:
    """E1 excites E2 at once and in the next step, and E2 is read out."""
    both = synapse("E1", "E2"), synapse("E1", "E2", delayed=True)
    return replace(by_hand(synapse(INPUT, "E1"), *both, roles=("E1", "E2")), readout=("L1.E2",))


def trained(plan: Plan, seed: int = 0) -> Network:
    """A network with all numbers drawn at random, normalisation included, in inference mode."""
    rng, network = np.random.default_rng(seed), Network(plan, seed, lif="norse")
    with torch.no_grad():
        for norm in network.norms.values():
            size = norm.weight.shape
            for value, low, high in ((norm.weight, 0.5, 1.5), (norm.bias, -0.3, 0.9), (norm.running_mean, -0.5, 0.5),
                                     (norm.running_var, 0.2, 2.0)):  # fmt: skip
                value.copy_(torch.from_numpy(rng.uniform(low, high, size)))
            norm.weight[0] *= -1
        for weight in network.weights:
            weight.mul_(torch.from_numpy(rng.uniform(0.5, 1.5, weight.shape)))
        network.readout.bias.copy_(torch.from_numpy(rng.normal(size=network.readout.bias.shape)))
    return network.eval()


def tensors_of(network: Network) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy() for name, value in network.state_dict().items()}


def frames_for(plan: Plan, batch: int = 4, seed: int = 0) -> np.ndarray:
    """Analog frames [T, B, C, H, W] that change from step to step."""
    spec = plan.spec
    return np.random.default_rng(seed).normal(size=(spec.steps, batch, *spec.input_shape)).astype(np.float32)


def watch(network: Network, frames: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Scores [B, classes] and the spikes [T, B, C, H, W] of each population."""
    spikes: dict[str, np.ndarray] = {}
    with torch.no_grad():
        scores = network(torch.from_numpy(frames), lambda name, s: spikes.update({name: s.float().numpy()}))
    return scores.numpy(), spikes


def convolve(x: np.ndarray, node: Conv) -> np.ndarray:
    k, p, s = node.weight.shape[2], node.padding, node.stride
    x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(2, 3))[:, :, ::s, ::s]
    return np.einsum("bchwij,ocij->bohw", windows, node.weight) + node.bias[:, None, None]


def run(graph: Graph, frames: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Outputs [T, B, classes] and spikes of each population, node by node in the order of the graph."""
    late: dict[str, np.ndarray] = {}
    potential: dict[str, np.ndarray] = {}
    outputs, spikes = [], {node.population: [] for node in graph.populations}
    for frame in frames:
        now = {INPUT: frame}
        for node in graph.nodes:
            read = [now[s] if s in now else late.get(s, np.float32(0)) for s in graph.sources[node.name]]
            x = sum(read[1:], start=read[0])
            if isinstance(node, Conv):
                now[node.name] = convolve(x, node)
            elif isinstance(node, Neurons):
                keep = np.float32(1 - 1 / node.tau) if node.kind == "lif" else np.float32(1)
                v = potential.get(node.name, np.float32(0)) * keep + x
                now[node.name] = (v > np.float32(node.v_th)).astype(np.float32)
                potential[node.name] = v * (1 - now[node.name])
                spikes[node.population].append(now[node.name])
            elif isinstance(node, SumPool):
                assert node.size == x.shape[2:]
                now[node.name] = x.sum((2, 3), keepdims=True)
            elif isinstance(node, Flatten):
                now[node.name] = x.reshape(len(x), -1)
            elif isinstance(node, Affine):
                now[node.name] = x @ node.weight.T + node.bias
        (last,) = graph.sources[OUTPUT]
        outputs.append(now[last])
        late = {node.name: now[node.name] for node in graph.nodes if isinstance(node, Conv) and node.delayed}
    return np.stack(outputs), {name: np.stack(trains) for name, trains in spikes.items()}


def agreement(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> float:
    """Share of equal spikes."""
    assert a.keys() == b.keys()
    return sum((a[n] == b[n]).sum() for n in a) / sum(a[n].size for n in a)
