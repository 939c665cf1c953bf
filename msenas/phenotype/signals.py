"""The spikes that populations have fired so far in one forward pass, for those that still read them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from msenas.phenotype.plan import INPUT, Block, Plan


class Signals:
    """Spikes of the populations so far, [T*B, C, H, W] in channels-last order, and their sums."""

    def __init__(self, frames: Tensor, plan: Plan) -> None:
        self.batch = frames.shape[1]
        folded = frames.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        self.sums: dict[tuple[str, ...], Tensor] = {(INPUT,): folded}
        rank = {name: i for i, b in enumerate(plan.schedule) for name in b.populations}
        self.last_use: dict[tuple[str, ...], int] = {plan.readout: len(plan.schedule)}
        for synapse in plan.synapses:
            for sources in {synapse.sources, *((name,) for name in synapse.sources)}:
                self.last_use[sources] = max(self.last_use.get(sources, 0), rank[synapse.target])
        for name in plan.readout:
            self.last_use[(name,)] = len(plan.schedule)
        self.rank = rank

    def add(self, name: str, spikes: Tensor) -> None:
        """Keep the spikes of a population."""
        self.sums[(name,)] = spikes

    def merged(self, sources: tuple[str, ...]) -> Tensor:
        """Spikes summed over the sources; computed once per set of sources."""
        if sources not in self.sums:
            first, *others = (self.sums[(name,)] for name in sources)
            self.sums[sources] = sum(others, start=first)
        return self.sums[sources]

    def delayed(self, sources: tuple[str, ...]) -> Tensor:
        """The merged spikes one step later; nothing arrives in the first step."""
        spikes = self.merged(sources)
        return torch.cat([torch.zeros_like(spikes[: self.batch]), spikes[: -self.batch]])

    def forget(self, block: Block) -> None:
        """Drop what no later block reads."""
        done = self.rank[block.populations[0]]
        self.sums = {key: value for key, value in self.sums.items() if self.last_use.get(key, -1) > done}


def pooled(spikes: Tensor, side: int) -> Tensor:
    """Sums over windows of `side` x `side` that do not overlap, of maps [B, C, H, W]; as float for bytes."""
    if side == 1:
        return spikes
    return F.avg_pool2d(spikes.float() if spikes.dtype == torch.uint8 else spikes, side, divisor_override=1)
