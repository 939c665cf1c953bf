"""A network event by event in plain Python: every spike through every kernel tap, every core looked up by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from msenas.genotype.motifs import MOTIFS
from msenas.hardware.placement import Cores
from msenas.phenotype.decode import decode
from msenas.phenotype.network import Network
from msenas.phenotype.plan import INPUT, Plan, Synapse
from msenas.phenotype.spec import NetworkSpec
from tests.conftest import motif_genome
from tests.phenotype.plans import dense_plan

DENSE = "dense"
MOTIF_NAMES = (*(m.name for m in MOTIFS), DENSE)
"""Networks by what they are made of; DENSE is what no motif has: pooling, other paddings, dense layers."""
Trains = Mapping[str, np.ndarray]
"""Spikes [N, T, C, H, W] by population, and of the input where it is spikes."""


@dataclass
class Sample:
    """What one sample causes.

    Attributes:
        total: counts by the names of a census, and of the traffic.
        arrivals: synaptic events on each core.
        received: messages that arrive on each core.
        fired: spikes of the neurons of each core.
        sent: messages that leave each core.
    """

    total: Counter = field(default_factory=Counter)
    arrivals: Counter = field(default_factory=Counter)
    received: Counter = field(default_factory=Counter)
    fired: Counter = field(default_factory=Counter)
    sent: Counter = field(default_factory=Counter)


def landings(plan: Plan, synapse: Synapse, y: int, x: int) -> Iterator[tuple[int, int, int, int]]:
    """(tap y, tap x, target y, target x) of a spike at (y, x) of the source."""
    target = plan.by_name[synapse.target]
    _, height, width = plan.source_shape(synapse)
    y, x, whole_y, whole_x = (n // synapse.pool for n in (y, x, height, width))
    if y >= whole_y or x >= whole_x:
        return
    for tap_y in range(synapse.kernel):
        for tap_x in range(synapse.kernel):
            down, rest_y = divmod(y + synapse.padding - tap_y, synapse.stride)
            right, rest_x = divmod(x + synapse.padding - tap_x, synapse.stride)
            if rest_y == rest_x == 0 and 0 <= down < target.height and 0 <= right < target.width:
                yield tap_y, tap_x, down, right


class Chip:
    """Neurons numbered in the order input, populations; channel, row, column; each on a core."""

    def __init__(self, plan: Plan, cores: Cores) -> None:
        self.cores, self.first, self.shape, used = cores, {}, {}, 0
        coded = {} if plan.spec.encoding == "direct" else {INPUT: plan.spec.input_shape}
        for name, shape in (coded | {p.name: p.shape for p in plan.populations}).items():
            self.first[name], self.shape[name] = used, shape
            used += -(-shape[0] * shape[1] * shape[2] // cores.neurons)
        self.used = used

    def core(self, name: str, channel: int, y: int, x: int) -> int:
        """The core of one neuron."""
        _, height, width = self.shape[name]
        return self.first[name] + (channel * height * width + y * width + x) // self.cores.neurons

    def position(self, core: int) -> tuple[int, int, int]:
        """Chip, column and row of a core."""
        chip, own = divmod(core, self.cores.per_chip or 10**9)
        assert self.cores.mesh is not None
        column, row = divmod(own // self.cores.per_tile, self.cores.mesh[1])
        return chip, column + chip * self.cores.mesh[0], row


def simulate(plan: Plan, weights: Mapping[Synapse, np.ndarray], trains: Trains, cores: Cores) -> list[Sample]:
    """Every event of every sample."""
    chip = Chip(plan, cores)
    samples = [Sample() for _ in next(iter(trains.values()))]
    for name, train in trains.items():
        outgoing = [s for s in plan.synapses if name in s.sources]
        for n, t, c, y, x in np.argwhere(train):
            times, sample = int(train[n, t, c, y, x]), samples[n]
            sample.total["input_spikes" if name == INPUT else "spikes"] += times
            told = set()
            for synapse in outgoing:
                for tap_y, tap_x, down, right in landings(plan, synapse, int(y), int(x)):
                    for out in range(plan.by_name[synapse.target].channels):
                        core = chip.core(synapse.target, out, down, right)
                        told.add(core)
                        sample.total["synops"] += times
                        sample.total["synops_nonzero"] += times * bool(weights[synapse][out, c, tap_y, tap_x] != 0)
                        sample.arrivals[core] += times
            _send(chip, sample, chip.core(name, int(c), int(y), int(x)), told, times)
    return samples


def _send(chip: Chip, sample: Sample, own: int, told: set[int], times: int) -> None:
    sample.fired[own] += times
    sample.sent[own] += times * len(told)
    for core in told:
        sample.total["messages"] += times
        sample.received[core] += times
        here, there = chip.position(own), chip.position(core)
        sample.total["chip_crossings"] += times * (here[0] != there[0])
        sample.total["hops_ew"] += times * abs(here[1] - there[1])
        sample.total["hops_ns"] += times * abs(here[2] - there[2])


def motif_network(motif: str, encoding: str, seed: int = 1, **changes: object) -> Network:
    """Two layers of a motif on 2 x 6 x 5, the second at half the resolution; or DENSE. Some weights are zero."""
    options = {"steps": 3, "channels": 4, "reductions": (1,), "encoding": encoding} | changes
    spec = NetworkSpec((2, 6, 5), classes=3, layers=2, **options)  # type: ignore[arg-type]
    if motif == DENSE:
        plan = dense_plan(encoding=encoding, tau=spec.tau, neuron=spec.neuron)
    else:
        plan = decode(motif_genome(motif, motif, cross=2), spec)
    network = Network(plan, seed, lif="norse")
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in network.weights:
            weight[torch.rand(weight.shape, generator=rng) < 0.3] = 0
        for norm in network.norms.values():
            norm.bias.fill_(0.4)
            norm.bias[0] = 0.0
    return network.eval()


def frames_for(plan: Plan, samples: int, seed: int = 0) -> torch.Tensor:
    """Frames [T or 1, N, C, H, W] as the encoding of the plan gives them; events up to 3 in a pixel."""
    rng, spec = np.random.default_rng(seed), plan.spec
    shape = (spec.steps, samples, *spec.input_shape)
    if spec.encoding == "direct":
        return torch.from_numpy(rng.normal(size=(1, *shape[1:])).astype(np.float32))
    if spec.encoding == "latency":
        first = rng.integers(0, 2 * spec.steps, shape[1:])
        return torch.from_numpy((np.arange(spec.steps)[:, None, None, None, None] == first).astype(np.float32))
    most = 3 if spec.encoding == "events" else 1
    counts = rng.integers(1, most, shape, endpoint=True) * (rng.random(shape) < 0.3)
    return torch.from_numpy(counts.astype(np.float32))


@torch.no_grad()
def run(network: Network, frames: torch.Tensor) -> dict[str, np.ndarray]:
    """Spike trains of a network on some frames."""
    trains: dict[str, np.ndarray] = {}
    network(frames, lambda name, spikes: trains.update({name: spikes.float().numpy().swapaxes(0, 1).astype(int)}))
    if network.plan.spec.encoding != "direct":
        trains[INPUT] = frames.float().numpy().swapaxes(0, 1).astype(int)
    return trains


def weights_of(network: Network) -> dict[Synapse, np.ndarray]:
    """Weights as they act."""
    return {s: network.weight(s).detach().numpy() for s in network.plan.synapses}
