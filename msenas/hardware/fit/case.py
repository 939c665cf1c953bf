"""A plan together with the limits of a chip, and what several rules derive from the two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from msenas.hardware.capacity import Capacity
from msenas.hardware.fanout import pairs
from msenas.hardware.fit.layer_cores import CoreLayer, assignment, core_layers
from msenas.hardware.fit.shared_cores import Share, spread
from msenas.phenotype.plan import Plan, Synapse


@dataclass(frozen=True)
class Case:
    """One question: does this plan fit these limits? A plan without read-out is a part of a network."""

    plan: Plan
    capacity: Capacity

    @cached_property
    def core_layers(self) -> tuple[CoreLayer, ...]:
        """The layers of a chip whose cores hold one layer each."""
        return core_layers(self.plan, self.capacity)

    @cached_property
    def assignment(self) -> dict[int, int]:
        """The core of each of these layers, by index; not all have one where they do not fit."""
        return assignment(self.core_layers, self.capacity)

    @cached_property
    def shares(self) -> tuple[Share, ...]:
        """The populations over cores that each hold a part of one; empty where `neurons_per_core` is not known."""
        return spread(self.plan, self.capacity) if self.capacity.neurons_per_core else ()

    @cached_property
    def synapse_count(self) -> int:
        """Synapses when every convolution is written out; each source population has its own."""
        return sum(
            int(pairs(self.plan, s).sum())
            * self.plan.source_channels(s)
            * self.plan.by_name[s.target].channels
            * len(s.sources)
            for s in self.plan.synapses
        )

    def synapses(self) -> Iterator[tuple[Synapse, str]]:
        """Every synapse with its name in a report."""
        for synapse in self.plan.synapses:
            yield synapse, f"{'+'.join(synapse.sources)}{'-|' if synapse.inhibitory else '->'}{synapse.target}"
