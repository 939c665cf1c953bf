"""Messages between cores: what one spike of each neuron sends, and what arrives on each core.

A spike sends one message to every core that holds at least one of its targets, whatever the number of synapses.
Each message passes routers between the two cores, and may cross from chip to chip.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from msenas.hardware.fanout import IntMap
from msenas.hardware.placement import Placement, deliveries
from msenas.phenotype.plan import Plan

PER_SPIKE = ("messages", "hops_ew", "hops_ns", "chip_crossings")
"""What is counted per spike; hops only where the mesh is known."""


@dataclass(frozen=True)
class Traffic:
    """What one spike of each neuron causes.

    Attributes:
        placement: where the neurons are.
        per_spike: for each name of PER_SPIKE that is known, by population: int64 [C, H, W].
        arrivals: for each population, synaptic events on each core by a spike at (y, x): int64 [used, H, W].
    """

    placement: Placement
    per_spike: Mapping[str, Mapping[str, IntMap]]
    arrivals: Mapping[str, IntMap]


def traffic(plan: Plan, placement: Placement) -> Traffic:
    """Count for all populations (and the input, where it is spikes)."""
    per_spike: dict[str, dict[str, IntMap]] = {"messages": {}}
    arrivals = {}
    for source, core in placement.core.items():
        arrivals[source] = _arrivals(plan, placement, source)
        told = arrivals[source] > 0
        per_spike["messages"][source] = np.broadcast_to(told.sum(0), core.shape)
        for name, sums in _passed(placement, told, core).items():
            per_spike.setdefault(name, {})[source] = sums
    return Traffic(placement, per_spike, arrivals)


def _arrivals(plan: Plan, placement: Placement, source: str) -> IntMap:
    found = np.zeros((placement.used, *placement.core[source].shape[1:]), np.int64)
    for synapse in plan.synapses:
        if source in synapse.sources:
            first, reached = deliveries(plan, placement, synapse)
            found[first : first + len(reached)] += reached
    return found


def _passed(placement: Placement, told: np.ndarray, core: IntMap) -> dict[str, IntMap]:
    """What the messages of one spike pass in total, for each kind of distance [C, H, W].

    Args:
        placement: where the cores are.
        told: whether a core gets a message, bool [used, H, W].
        core: core of each neuron [C, H, W].
    """
    first, own = int(core.min()), np.arange(core.min(), core.max() + 1)
    some = np.flatnonzero(told.reshape(len(told), -1).any(1))
    rows, columns = np.indices(core.shape)[1:]
    found: dict[str, IntMap] = {}
    for name, distance in placement.distances(own, some).items():
        found[name] = np.zeros(core.shape, np.int64)
        if distance.any():
            sums = distance.astype(np.float64) @ told[some].reshape(len(some), -1)
            by_core = np.rint(sums).astype(np.int64).reshape(-1, *told.shape[1:])
            found[name] = by_core[core - first, rows, columns]
    return found
