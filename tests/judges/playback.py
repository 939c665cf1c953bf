"""What the judges are shown: the spikes of a network, played back synapse by synapse and source by source.

A synapse may merge sources: its convolution then reads values of 0, 1 and 2. Two spikes are two delivered events, but a
judge that looks at one convolution sees one value that is not zero. So it is shown one call per source, as a chip
would send them. A delayed synapse is shown all steps: a spike of the last step is sent, though nothing integrates it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from msenas.genotype.motifs import MOTIFS
from msenas.phenotype.decode import decode
from msenas.phenotype.network import Network
from msenas.phenotype.plan import INPUT, Plan, Population, Synapse
from msenas.phenotype.spec import NetworkSpec
from tests.conftest import motif_genome, small_spec

MOTIF_NAMES = [m.name for m in MOTIFS]


def plan_around(motif: str, **changes: object) -> Plan:
    """Three layers with the motif in the middle; cross-layer synapses merge sources, one reduction has stride 2."""
    return decode(motif_genome("FE", motif, "FE", cross=2), small_spec(3, **changes))


def lively(plan: Plan, rng: np.random.Generator, zeros: float = 0.0) -> Network:
    """A network with biases that make all populations fire; a share of the weights of spikes is zero."""
    network = Network(plan, seed=int(rng.integers(1 << 30)))
    with torch.no_grad():
        for norm in network.norms.values():
            norm.bias.copy_(torch.from_numpy(rng.uniform(0, 2, norm.bias.shape)))
        for synapse, weight in zip(plan.synapses, network.weights, strict=True):
            if plan.spec.encoding != "direct" or not synapse.from_input:
                weight.mul_(torch.from_numpy(rng.random(weight.shape) >= zeros))
    return network


def binary_frames(spec: NetworkSpec, samples: int, rng: np.random.Generator, rate: float = 0.3) -> Tensor:
    """Spikes of an input, float32 [T, N, C, H, W]."""
    drawn = rng.random((spec.steps, samples, *spec.input_shape)) < rate
    return torch.from_numpy(drawn.astype(np.float32))


@torch.no_grad()
def play(network: Network, frames: Tensor) -> dict[str, Tensor]:
    """Run a network and keep what it fired.

    Args:
        network: the network; it is put into inference mode.
        frames: [T or 1, B, C, H, W].

    Returns:
        float64 [T, B, C, H, W] of each population, and the frames as INPUT.
    """
    network.eval()
    kept = {INPUT: frames.double()}
    network(frames, lambda name, spikes: kept.update({name: spikes.double().contiguous()}))
    return kept


def calls(plan: Plan, spikes: dict[str, Tensor]) -> Iterator[tuple[Synapse, Tensor]]:
    """Each synapse with what each of its sources sends: [T * B, C, H, W]."""
    for synapse in plan.synapses:
        for source in synapse.sources:
            yield synapse, spikes[source].flatten(0, 1)


def convolution(network: Network, synapse: Synapse) -> nn.Conv2d:
    """A synapse as a layer of torch, in float64 and with a bias that no judge may count."""
    weight = network.weight(synapse).detach().double()
    out_channels, in_channels, kernel, _ = weight.shape
    layer = nn.Conv2d(in_channels, out_channels, kernel, synapse.stride, synapse.padding, dtype=torch.float64)
    layer.weight = nn.Parameter(weight, requires_grad=False)
    return layer


def random_convolution(rng: np.random.Generator) -> tuple[Plan, Synapse, nn.Conv2d, Tensor]:
    """A plan of one synapse that reads the input, its layer with 40 % zeros, and spikes [N, C, H, W]."""
    kernel, stride, in_channels = int(rng.integers(1, 8)), int(rng.integers(1, 5)), int(rng.integers(1, 6))
    height, width = (int(side) for side in rng.integers(kernel, 18, 2))
    padding, samples = int(rng.integers(0, kernel)), int(rng.integers(1, 4))
    layer = nn.Conv2d(in_channels, int(rng.integers(1, 7)), kernel, stride, padding, dtype=torch.float64)
    drawn = rng.normal(size=tuple(layer.weight.shape)) * (rng.random(tuple(layer.weight.shape)) > 0.4)
    drawn.flat[0] = 0.5  # SpikingJelly takes weights of zeros only for spikes
    layer.weight = nn.Parameter(torch.from_numpy(drawn), requires_grad=False)
    rows, columns = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
    spec = NetworkSpec((in_channels, height, width), classes=2, layers=1, steps=1, encoding="events")
    synapse = Synapse((INPUT,), "L1.E1", kernel, stride, False, False, None, padding)
    target = Population("L1.E1", layer.out_channels, rows, columns, 0, 0, "FE")
    spikes = rng.random((samples, in_channels, height, width)) < rng.uniform(0.05, 0.9)
    return Plan(spec, (target,), (synapse,), ("L1.E1",)), synapse, layer, torch.from_numpy(spikes).double()
