"""A plan together with the limits of a chip, and what several rules derive from the two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from msenas.hardware.capacity import Capacity
from msenas.hardware.fit.layer_cores import CoreLayer, assignment, core_layers
from msenas.hardware.fit.shared_cores import Share, spread
from msenas.phenotype.plan import Plan, Synapse

IntRow = npt.NDArray[np.int64]


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
        total = 0
        for synapse in self.plan.synapses:
            rows, columns = taps(self.plan, synapse)
            channels = self.plan.source_channels(synapse) * self.plan.by_name[synapse.target].channels
            total += int(rows.sum()) * int(columns.sum()) * channels * len(synapse.sources) * synapse.pool**2
        return total

    def synapses(self) -> Iterator[tuple[Synapse, str]]:
        """Every synapse with its name in a report."""
        for synapse in self.plan.synapses:
            yield synapse, f"{'+'.join(synapse.sources)}{'-|' if synapse.inhibitory else '->'}{synapse.target}"


def taps(plan: Plan, synapse: Synapse) -> tuple[IntRow, IntRow]:
    """Rows of a kernel that lie on the (pooled) map that it reads, for each row of the target; and for columns.

    Returns:
        int64 [H] and [W] of the target.
    """
    _, height, width = plan.read_shape(synapse)
    target, kernel = plan.by_name[synapse.target], (synapse.kernel, synapse.stride, synapse.padding)
    return _taps(height, target.height, *kernel), _taps(width, target.width, *kernel)


@lru_cache(maxsize=256)
def _taps(source: int, target: int, kernel: int, stride: int, padding: int) -> IntRow:
    first = np.arange(target) * stride - padding
    found: IntRow = np.maximum(np.minimum(first + kernel, source) - np.maximum(first, 0), 0)
    found.flags.writeable = False  # it is shared by all callers through the cache
    return found
