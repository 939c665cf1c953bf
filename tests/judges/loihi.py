"""Networks on the Loihi architecture of SANA-FE, built from a plan without the project's own counting.

A spike reaches the next neuron one step later in SANA-FE. There are two ways around that:
    replayed  every population hears recorded spikes of the others, so that all work at the same step. For every plan.
    whole     populations hear each other, for plans in which each hears the one before it only.

Its LIF neuron is v <- trunc(v * leak * 64) / 64 + I, fires at v > threshold and is reset to 0. `on_grid` makes networks
for which that is exactly the arithmetic of Norse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from msenas.hardware.placement import Placement
from msenas.phenotype.network import Network
from msenas.phenotype.plan import INPUT, Plan, Synapse

sanafe = pytest.importorskip("sanafe", reason="sanafe is not installed; `make judges` does")

SYNAPSE = "loihi_conv_synapse"
LARGEST = 1 << 12
"""Weights are even integers up to twice this: sums of them are exact in float32, and hardly ever 0."""


@dataclass
class Run:
    """What SANA-FE counted.

    Attributes:
        fired: spikes of each population, bool [T, neurons].
        events: synaptic events.
        messages: spikes sent, one for each core of destination.
        hops_ew, hops_ns: routers that the messages passed.
        fires, updates: spikes and active updates, with those of the senders of recorded spikes.
        second: time that Loihi would take.
        joule: J of synapses, somas, network, and in total.
    """

    fired: dict[str, np.ndarray]
    events: int = 0
    messages: int = 0
    hops_ew: int = 0
    hops_ns: int = 0
    fires: int = 0
    updates: int = 0
    second: float = 0.0
    joule: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("synapse", "soma", "network", "total"), 0.0))

    @property
    def spikes(self) -> int:
        """Spikes of the populations."""
        return sum(int(train.sum()) for train in self.fired.values())

    @property
    def active(self) -> int:
        """Active updates of the populations; a sender is active exactly when it sends."""
        return self.updates - (self.fires - self.spikes)

    @classmethod
    def of(cls, plan: Plan) -> Run:
        """Nothing has happened yet."""
        return cls({p.name: np.zeros((plan.spec.steps, p.neurons), bool) for p in plan.populations})

    def advance(
        self,
        chip: Any,
        steps: int,
        window: Mapping[str, int],
        names: Mapping[str, str] | None = None,
        soma: bool = True,
    ) -> None:
        """Simulate, and add to the counts.

        Args:
            chip: the loaded chip.
            steps: time steps.
            window: populations whose spikes are written down, with the step of the network that comes first.
            names: population of each group; None for groups that are called like their population.
            soma: whether the energy of the somas is part of the run.
        """
        result = chip.sim(steps, timing_model="simple", message_trace=True, spike_trace=True)
        self.events += result["spikes"]
        self.messages += result["packets_sent"]
        self.fires += result["neurons_fired"]
        self.updates += result["neurons_updated"]
        for m in (m for step in result["message_trace"] for m in step if not m["placeholder"]):
            self.hops_ew += abs(m["src_x"] - m["dest_x"])
            self.hops_ns += abs(m["src_y"] - m["dest_y"])
        self.second += result["sim_time"]
        energy = result["energy"]
        for part in self.joule:
            self.joule[part] += energy[part] * (soma or part != "soma")
        self.joule["total"] -= energy["soma"] * (not soma)
        for t, spikes in enumerate(result["spike_trace"]):
            for group, _, neuron in (str(address).rpartition(".") for address in spikes):
                name = names[group] if names else group
                self.fired[name][window[name] + t, int(neuron)] = True


@torch.no_grad()
def on_grid(network: Network, rng: np.random.Generator, bias: int = 0) -> Network:
    """Give a network weights that are even integers, and a normalisation that only adds a bias.

    With tau = 2 and at most 6 steps every potential is then a multiple of 1/64, where SANA-FE's rounding does nothing.
    """
    for weight in network.weights:
        sizes = rng.integers(1, LARGEST, tuple(weight.shape)) * rng.choice([-2, 2], tuple(weight.shape))
        weight.copy_(torch.from_numpy(sizes))
    for norm in network.norms.values():
        norm.eps = 0.0
        norm.bias.fill_(bias)
    return network


def edges(plan: Plan, synapse: Synapse, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Source neuron, target neuron and weight of every connection, neurons counted channel by channel."""
    _, height, width = plan.source_shape(synapse)
    target = plan.by_name[synapse.target]
    where = np.indices((*weight.shape, target.height, target.width)).reshape(6, -1)
    to_channel, from_channel, tap_y, tap_x, row, column = where
    y, x = (o * synapse.stride - synapse.padding + k for o, k in ((row, tap_y), (column, tap_x)))
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    source = (from_channel * height + y) * width + x
    landed = (to_channel * target.height + row) * target.width + column
    return source[inside], landed[inside], weight[tuple(where[:4])][inside]


class Builder:
    """Groups of neurons and their connections."""

    def __init__(self, network: Network, placement: Placement) -> None:
        self.network, self.plan, self.placement = network, network.plan, placement
        self.net = sanafe.Network()
        self.units: Counter[int] = Counter()
        self.senders: dict[tuple[str, bool], Any] = {}
        self.neurons: dict[str, Any] = {}

    def send(self, name: str, train: Tensor, late: bool = False) -> None:
        """Neurons that send the recorded spikes [T, C, H, W] of a population, perhaps one step late."""
        rows = np.pad(train.numpy().reshape(len(train), -1), [(int(late), 0), (0, 0)]).T.astype(bool).tolist()
        cores = self.placement.core[name].ravel().tolist()
        group = self.net.create_neuron_group(f"{name} {late}", len(rows), default_synapse_hw_name=SYNAPSE)
        for one, row, core in zip(group, rows, cores, strict=True):
            unit = self.units[core]
            self.units[core] += 1
            one.set_attributes(soma_hw_name=f"loihi_inputs[{unit}]", model_attributes={"spikes": row})
        self.senders[name, late] = group

    def integrate(self, name: str) -> None:
        """LIF neurons of one population."""
        neuron, number = self.network.neuron, self.plan.by_name[name].neurons
        constants = {"threshold": neuron.v_th, "leak_decay": neuron.keep, "reset_mode": "hard"}
        units = {"default_synapse_hw_name": SYNAPSE, "soma_hw_name": "loihi_lif"}
        self.neurons[name] = self.net.create_neuron_group(name, number, model_attributes=constants, **units)
        for one in self.neurons[name]:
            one.set_attributes(log_spikes=True)

    def load(self, source_of: Callable[[str, Synapse], Any]) -> Any:
        """Connect all synapses, and map every neuron to the core that the placement says.

        Args:
            source_of: the group that stands for a source in a synapse.
        """
        for synapse in self.plan.synapses:
            weight = self.network.weight(synapse).detach().numpy() * self.network.neuron.gain
            source, target, values = (part.tolist() for part in edges(self.plan, synapse, weight))
            pairs = list(zip(source, target, strict=True))
            for name in synapse.sources:
                group = source_of(name, synapse)
                group.connect_neurons_sparse(self.neurons[synapse.target], {"w": values}, pairs)
        architecture = sanafe.load_loihi()
        cores = architecture.cores()
        for name, group in (*((name, group) for (name, _), group in self.senders.items()), *self.neurons.items()):
            for one, core in zip(group, self.placement.core[name].ravel().tolist(), strict=True):
                one.map_to_core(cores[core])
        chip = sanafe.SpikingChip(architecture)
        chip.load(self.net)
        return chip

    def bias(self, chip: Any, name: str) -> None:
        """Switch on the bias of a population."""
        values = self.network.bias(name).detach().numpy() * self.network.neuron.gain
        places = self.plan.by_name[name].neurons // len(values)
        for i, one in enumerate(chip.mapped_neuron_groups[name]):
            one.set_attributes(model_attributes={"bias": float(values[i // places])})


def replayed(network: Network, spikes: Mapping[str, Tensor], placement: Placement) -> Run:
    """Simulate every population by itself: it hears what the others were recorded to fire.

    Each core holds the neurons that the placement puts there, and beside them senders of what these neurons fired. One
    population sends twice where it has delayed synapses: on time, and one step late.

    Args:
        network: see `on_grid`.
        spikes: [T, C, H, W] of every population and of INPUT.
        placement: cores of all neurons.
    """
    plan, steps = network.plan, network.plan.spec.steps
    builder = Builder(network, placement)
    for population in plan.populations:
        builder.integrate(population.name)
    heard: dict[tuple[str, str], bool] = {}
    for synapse in plan.synapses:
        for name in synapse.sources:
            assert heard.setdefault((name, synapse.target), synapse.delayed) == synapse.delayed
            if (name, synapse.delayed) not in builder.senders:
                builder.send(name, spikes[name], synapse.delayed)
    chip = builder.load(lambda name, synapse: builder.senders[name, synapse.delayed])
    run = Run.of(plan)
    run.advance(chip, 1, {}, soma=False)  # the first spikes are sent, and heard in the next step
    for population in plan.populations:
        builder.bias(chip, population.name)
    run.advance(chip, steps, dict.fromkeys(run.fired, 0))
    return run


def whole(network: Network, frames: Tensor, placement: Placement, depth: Mapping[str, int]) -> Run:
    """Simulate a chain of populations at once, each `depth` steps after the input.

    Outside of the T steps in which a population works it has no bias and no potential, so it is idle there.

    Args:
        network: see `on_grid`.
        frames: spikes of the input [T, C, H, W].
        placement: cores of all neurons.
        depth: populations with their number in the chain, counted from 1.
    """
    steps = network.plan.spec.steps
    builder = Builder(network, placement)
    builder.send(INPUT, frames)
    for name in depth:
        builder.integrate(name)
    chip = builder.load(lambda name, _: builder.senders[name, False] if name == INPUT else builder.neurons[name])
    run = Run.of(network.plan)
    for t in range(steps + max(depth.values())):
        for name, late in depth.items():
            if t == late:
                builder.bias(chip, name)
            if t == late + steps:
                for one in chip.mapped_neuron_groups[name]:
                    one.set_attributes(model_attributes={"bias": 0.0, "potential": 0.0})
        run.advance(chip, 1, {name: t - late for name, late in depth.items()})
    return run
