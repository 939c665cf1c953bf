"""Active updates of a network: neuron and step where there is something to integrate.

A neuron is active in a step if a current reaches it, its bias included, or its potential is not at rest. Where the
batch norm of a channel has a shift, that shift is a bias and every update is active. Elsewhere a neuron is active from
the first event that reaches it, as long as its potential is kept, until it fires and is reset.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from msenas.phenotype.network import Network
from msenas.phenotype.plan import INPUT, Plan, Synapse
from msenas.phenotype.signals import pooled


def unbiased(network: Network) -> dict[str, Tensor]:
    """Populations with channels that have no bias, and which ones these are: bool [C]."""
    found = {}
    for population in network.plan.populations:
        at_rest = network.bias(population.name).detach().cpu() == 0
        if at_rest.any():
            found[population.name] = at_rest
    return found


def active_updates(network: Network, spikes: Mapping[str, Tensor], at_rest: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Active updates of each sample, int64 [B], for the populations in `at_rest`.

    Args:
        network: the network that fired.
        spikes: [T, B, C, H, W] of every population, and the frames [T or 1, B, C, H, W] under INPUT.
        at_rest: what `unbiased` found.
    """
    plan, counts = network.plan, {}
    for name, channels in at_rest.items():
        target = plan.by_name[name]
        biased = (~channels)[:, None, None].expand(target.shape)
        keeps = network.neuron.keep > 0
        held = torch.zeros(spikes[name].shape[1:], dtype=torch.bool)
        total = torch.zeros(held.shape[0], dtype=torch.int64)
        for t in range(plan.spec.steps):
            active = _reached(network, plan, name, spikes, t) | held | biased
            held = active & (spikes[name][t] == 0) & keeps
            total += active.flatten(1).sum(1)
        counts[name] = total
    return counts


def _reached(network: Network, plan: Plan, name: str, spikes: Mapping[str, Tensor], t: int) -> Tensor:
    """Neurons that an event reaches in step t through a weight that is not zero, bool [B, C, H, W]."""
    target = plan.by_name[name]
    reached = torch.zeros((spikes[name].shape[1], *target.shape), dtype=torch.bool)
    for synapse in plan.incoming[name]:
        if synapse.delayed and t == 0:
            continue
        sent = pooled(_sent(spikes, synapse, t - synapse.delayed), synapse.pool)
        taps = (network.weight(synapse).detach().cpu() != 0).float()
        reached |= F.conv2d(sent, taps, stride=synapse.stride, padding=synapse.padding) > 0
    return reached


def _sent(spikes: Mapping[str, Tensor], synapse: Synapse, t: int) -> Tensor:
    """1 where a source of the synapse sends something in step t, float32 [B, C, H, W]."""
    if synapse.from_input:
        frames = spikes[INPUT]
        return (frames[t % frames.shape[0]] != 0).float()
    return (sum(spikes[source][t].float() for source in synapse.sources) > 0).float()  # type: ignore[union-attr]
