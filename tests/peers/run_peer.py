"""Runs NIR files in another simulator: `python run_peer.py PEER MODEL.nir INPUT.npz OUT.npz [MODEL.nir ...]`.

It stands alone, so that an environment needs nothing but the simulator. An input holds `frames` [T, B, C, H, W]. An
output holds `output` [T, B, ...] and, for each node that fires, `spikes/NODE` [T, B, C, H, W]; or `error`, a line.

What is done besides loading is what a user has to do as well; see docs/peers.md.
"""

import json
import sys
import warnings
from collections import defaultdict
from functools import partial

import nir
import numpy as np
import torch

DT = 1e-4
"""Time step in seconds of files that do not tell theirs."""
FIRING = (nir.IF, nir.LIF, nir.CubaLIF)


class Spikes:
    """What nodes gave, call by call."""

    def __init__(self, graph, module):
        self.calls = defaultdict(list)
        for name, node in graph.nodes.items():
            if isinstance(node, FIRING):
                module.get_submodule(name).register_forward_hook(self.hook(name))

    def hook(self, name):
        def keep(module, inputs, output):
            spikes = output[0] if isinstance(output, tuple) else output
            self.calls[name].append(spikes.detach().clone())

        return keep


def step_by_step(graph, load, frames, batched):
    """Frames one after the other through a graph that nirtorch has wired.

    Most maps of Flatten take the batch for a dimension of the map, so samples run one by one unless `batched`.
    """
    outputs, kept = [], defaultdict(list)
    for sample in [frames] if batched else [frames[:, i] for i in range(frames.shape[1])]:
        module = load(graph)
        spikes, state, values = Spikes(graph, module), None, []
        for frame in sample:
            value, state = module(frame, state)
            values.append(value.detach().clone())
        outputs.append(torch.stack(values))
        for name, calls in spikes.calls.items():
            kept[name].append(torch.stack(calls))

    def joined(parts):
        return (parts[0] if batched else torch.stack(parts, 1)).numpy()

    return joined(outputs), {name: joined(parts) for name, parts in kept.items()}


def norse(graph, frames):
    """The modules of Norse, wired by nirtorch: Norse's own loader is wrong where branches meet."""
    import nirtorch
    from norse.torch.utils.import_nir import _import_norse_module

    kinds = (nir.Affine, nir.Linear, nir.Conv2d, nir.Flatten, nir.IF, nir.LIF, nir.CubaLIF, nir.SumPool2d)
    dt = time_step(graph)
    nodes = dict.fromkeys(kinds, lambda node: _import_norse_module(node, dt=dt))
    return step_by_step(graph, lambda g: nirtorch.nir_to_torch(g, nodes), frames, batched=False)


def snntorch(graph, frames):
    """Its importer; the state of neurons is kept inside, so each sample gets a new module."""
    from snntorch.import_nir import import_from_nir

    return step_by_step(graph, import_from_nir, frames, batched=False)


def spikingjelly(graph, frames):
    """Its importer, step by step."""
    from spikingjelly.activation_based.nir_exchange import import_from_nir

    return step_by_step(graph, lambda g: import_from_nir(g, dt=time_step(graph)), frames, batched=True)


def time_step(graph):
    """What the file tells; or tau / r, unless r is 1; or the usual step."""
    told = json.loads(graph.metadata.get("msenas", "{}")).get("dt")
    leaky = [node for node in graph.nodes.values() if isinstance(node, nir.LIF) and node.r.flat[0] != 1]
    return told or (float(leaky[0].tau.flat[0]) / float(leaky[0].r.flat[0]) if leaky else DT)


class Neuron(torch.nn.Module):
    """tau dv/dt = (v_leak - v) + r I in Euler steps; an IF node adds r I."""

    def __init__(self, node, dt):
        super().__init__()
        leaky = isinstance(node, nir.LIF)
        names = ["r", "v_threshold", "v_reset", *(["tau", "v_leak"] if leaky else [])]
        self.of = {name: torch.from_numpy(np.array(getattr(node, name), np.float32)) for name in names}
        self.rate = dt / self.of["tau"] if leaky else 1.0

    def forward(self, current, state=None):
        drive = self.of["r"] * current
        v = torch.zeros_like(drive) if state is None else state
        leak = self.of["v_leak"] - v if "v_leak" in self.of else 0.0
        v = v + self.rate * (leak + drive)
        spikes = (v > self.of["v_threshold"]).float()
        return spikes, torch.where(spikes > 0, self.of["v_reset"], v)


def affine(node):
    """nirtorch's own map of Affine loses the bias."""
    layer = torch.nn.Linear(node.weight.shape[1], node.weight.shape[0])
    layer.weight.data, layer.bias.data = torch.from_numpy(node.weight), torch.from_numpy(node.bias)
    return layer


def nirtorch(graph, frames):
    """nirtorch with neurons of our own and an Affine that keeps its bias."""
    import nirtorch as library

    neuron = partial(Neuron, dt=time_step(graph))
    nodes = {nir.LIF: neuron, nir.IF: neuron, nir.Affine: affine}
    return step_by_step(graph, lambda g: library.nir_to_torch(g, nodes), frames, batched=False)


def sinabs(graph, frames):
    """Its importer, layer by layer over all time steps; neurons are made to fire once and to be reset to 0."""
    from sinabs.activation import MembraneReset, SingleSpike
    from sinabs.layers import IAFSqueeze, LIFSqueeze
    from sinabs.nir import from_nir

    steps, batch = frames.shape[:2]
    for node in graph.nodes.values():
        if isinstance(node, nir.LIF):
            node.v_leak = node.v_leak.ravel()  # `any(v_leak)` fails on maps
    module = from_nir(graph, batch_size=batch)
    for layer in module.modules():
        if isinstance(layer, (IAFSqueeze, LIFSqueeze)):
            layer.spike_fn, layer.reset_fn, layer.min_v_mem = SingleSpike, MembraneReset(), None
    spikes = Spikes(graph, module)
    output, _ = module(frames.transpose(0, 1).flatten(0, 1))

    def by_step(values):
        return values.unflatten(0, (batch, steps)).transpose(0, 1).numpy()

    return by_step(output.detach()), {name: by_step(calls[0]) for name, calls in spikes.calls.items()}


PEERS = {f.__name__: f for f in (norse, snntorch, spikingjelly, nirtorch, sinabs)}


def run(peer, model, given, out):
    """One job; what goes wrong in the peer is written in place of the result."""
    frames = torch.from_numpy(np.load(given)["frames"])
    try:
        output, spikes = PEERS[peer](nir.read(model), frames)
    except Exception as error:
        np.savez(out, error=f"{type(error).__name__}: {error}".splitlines()[0][:200])
        return
    np.savez(out, output=output, **{f"spikes/{name}": values.astype(np.uint8) for name, values in spikes.items()})


def main(peer, *files):
    """Run all jobs of a peer."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for start in range(0, len(files), 3):
        torch.manual_seed(0)
        with torch.no_grad():
            run(peer, *files[start : start + 3])


if __name__ == "__main__":
    main(*sys.argv[1:])
