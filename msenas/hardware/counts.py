"""Exact operation counts of a network, from its Plan and the spikes that it fired. Integers, no estimates.

What is counted, summed over the samples:
    spikes         spikes of the neurons; those of the input are kept apart as input_spikes.
    synops         delivered events: for every spike, the target neurons that it reaches, exact at borders and
                   for strides. Zero weights count, so the number does not depend on training. A spike at the
                   last time step counts for a delayed synapse too: it is sent, though no step is left to
                   integrate it.
    synops_nonzero the same through weights that are not zero; known where the weights are.
    synops_dense   the same as synops if every source fired at every time step.
    updates        neurons times time steps. A neuron is active in a step in which it has something to integrate:
                   a current, its bias included, or a potential that is not at rest; otherwise it is idle. The shift
                   of a folded batch norm is a bias, so all updates are active unless activity is given.
    macs_input     multiply-accumulates of the convolutions that read an analog input ("direct" encoding), pooled
                   where it is, without the taps that fall on padding. Once per inference: the input is the
                   same at every time step, so its current is computed once and kept.
    macs_readout   one per channel and class and inference: the read-out is applied once, after averaging.

Not counted: the sums in front of the read-out, leak and bias (part of an update), the encoding of the input.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from msenas.errors import InputError, unknown
from msenas.hardware.fanout import IntMap, fan_out, fan_out_nonzero
from msenas.phenotype.plan import INPUT, Plan, Synapse

MAX_EVENTS = 1 << 36
"""Most spikes in one place of a map; sums over maps of up to 2048 x 2048 then fit 64 bits."""
Weights = Mapping[Synapse, npt.NDArray[np.float32]]
"""Weight [C_out, C_in, k, k] of each synapse."""


@dataclass(frozen=True)
class SpikeCounts:
    """Spikes that a network fired on some samples.

    Attributes:
        samples: number of inferences.
        maps: population name to spikes of integer type, [C, H, W] or summed over channels [H, W], summed over time
            steps and samples. The input is under plan.INPUT when it is spikes (encodings "poisson", "latency",
            "events", whose frames may hold several per pixel) and absent when it is analog ("direct").
        active: population name to its active updates, summed over samples; all are where it is absent.
    """

    samples: int
    maps: Mapping[str, IntMap]
    active: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Tally:
    """Whole numbers summed over the samples."""

    samples: int

    def sums(self) -> dict[str, int]:
        """Every count that is known by name, without the number of samples."""
        known = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "samples"}
        return {name: value for name, value in known.items() if value is not None}

    @property
    def per_inference(self) -> dict[str, float]:
        """Mean of every count over the samples, by name."""
        return {name: value / self.samples for name, value in self.sums().items()}


@dataclass(frozen=True)
class PopulationCounts(Tally):
    """Counts of one population."""

    spikes: int
    updates: int
    updates_active: int
    updates_idle: int


@dataclass(frozen=True)
class SynapseCounts(Tally):
    """Counts of one synapse; an analog one has macs and no synops."""

    synops: int
    synops_nonzero: int | None
    synops_dense: int
    macs: int


@dataclass(frozen=True)
class Totals(Tally):
    """Counts of the whole network."""

    spikes: int
    input_spikes: int
    synops: int
    synops_nonzero: int | None
    synops_dense: int
    updates: int
    updates_active: int
    updates_idle: int
    macs_input: int
    macs_readout: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the analog input and of the read-out."""
        return self.macs_input + self.macs_readout


@dataclass(frozen=True)
class Counts:
    """Counts of a network by population, by synapse, and in total.

    Attributes:
        populations: counts for each population name.
        synapses: each synapse of the plan with its counts, in plan order.
        total: sums over both, and the read-out.
    """

    populations: Mapping[str, PopulationCounts]
    synapses: tuple[tuple[Synapse, SynapseCounts], ...]
    total: Totals

    @property
    def samples(self) -> int:
        """Number of inferences that the sums are over."""
        return self.total.samples

    def to_dict(self) -> dict[str, Any]:
        """The sums as data for JSON, with the means per inference of the totals."""
        return {
            "samples": self.samples,
            "total": self.total.sums(),
            "per_inference": self.total.per_inference,
            "populations": {name: tally.sums() for name, tally in self.populations.items()},
            "synapses": [
                {"sources": list(s.sources), "target": s.target, "kernel": s.kernel, **tally.sums()}
                for s, tally in self.synapses
            ],
        }


def count(plan: Plan, spikes: SpikeCounts, weights: Weights | None = None) -> Counts:
    """Count the operations of a network on the samples that gave these spikes.

    Args:
        plan: the network.
        spikes: what it fired; with weights, the maps must be [C, H, W].
        weights: all weights, for the count that leaves zeros out.

    Raises:
        InputError: The spikes are not those of this plan: a population is missing or unknown, a map has
            another shape or type, or holds a number of spikes that the population cannot fire.
    """
    maps, n, spec = _checked(plan, spikes), spikes.samples, plan.spec
    populations = {}
    for p in plan.populations:
        fired, updates = int(maps[p.name].sum()), p.neurons * spec.steps * n
        active = spikes.active.get(p.name, updates)
        populations[p.name] = PopulationCounts(n, fired, updates, active, updates - active)
    synapses = tuple((s, _synapse_counts(plan, s, maps, n, weights)) for s in plan.synapses)
    nonzero = [s.synops_nonzero for _, s in synapses if s.synops_nonzero is not None]
    total = Totals(
        samples=n,
        spikes=sum(p.spikes for p in populations.values()),
        input_spikes=int(maps[INPUT].sum()) if INPUT in maps else 0,
        synops=sum(s.synops for _, s in synapses),
        synops_nonzero=sum(nonzero) if len(nonzero) == len(synapses) else None,
        synops_dense=sum(s.synops_dense for _, s in synapses),
        updates=sum(p.updates for p in populations.values()),
        updates_active=sum(p.updates_active for p in populations.values()),
        updates_idle=sum(p.updates_idle for p in populations.values()),
        macs_input=sum(s.macs for _, s in synapses),
        macs_readout=plan.by_name[plan.readout[0]].channels * spec.classes * n,
    )
    return Counts(populations, synapses, total)


def _synapse_counts(
    plan: Plan, synapse: Synapse, maps: Mapping[str, IntMap], samples: int, weights: Weights | None
) -> SynapseCounts:
    reach = fan_out(plan, synapse)
    # Every place of a window reaches the same, so a sum over places counts what a window reaches pool^2 times.
    dense = int(reach.sum()) * plan.source_channels(synapse) * samples
    if synapse.sources[0] not in maps:
        return SynapseCounts(samples, synops=0, synops_nonzero=0, synops_dense=0, macs=dense // synapse.pool**2)
    spikes = sum(maps[source] for source in synapse.sources)
    nonzero = None
    if weights is not None:
        nonzero = int((fan_out_nonzero(plan, synapse, weights[synapse]) * spikes).sum())
    dense *= len(synapse.sources) * plan.spec.steps
    return SynapseCounts(samples, int((reach * spikes).sum()), nonzero, dense, macs=0)


def _checked(plan: Plan, spikes: SpikeCounts) -> dict[str, IntMap]:
    """The maps as int64, after checking them against the plan."""
    if spikes.samples < 1:
        raise InputError(f"spike counts need at least 1 sample, not {spikes.samples}")
    spec = plan.spec
    shapes = {p.name: p.shape for p in plan.populations}
    if spec.encoding != "direct":
        shapes[INPUT] = spec.input_shape
    for name in spikes.maps:
        if name not in shapes:
            raise InputError(unknown("population of spike counts", name, shapes))
    maps = {}
    for name, (channels, *side) in shapes.items():
        if name not in spikes.maps:
            raise InputError(f"spike counts lack the population {name!r}")
        given = np.asarray(spikes.maps[name])
        if given.dtype.kind not in "iu" or given.shape not in (tuple(side), (channels, *side)):
            shape = list(given.shape)
            raise InputError(
                f"spikes of {name!r} must be integers {side} or [{channels}, ...], not {given.dtype} {shape}"
            )
        several = name == INPUT and spec.encoding == "events"
        together = channels if given.ndim == 2 else 1
        most = MAX_EVENTS if several else min(MAX_EVENTS, together * spec.steps * spikes.samples)
        if given.min() < 0 or given.max() > most:
            raise InputError(f"spikes of {name!r} must be 0 to {most} in one place; found {given.max()}")
        maps[name] = given.astype(np.int64, copy=False)
    if len({given.ndim for given in maps.values()}) > 1:
        raise InputError("spike counts must be [C, H, W] for all populations, or summed over channels for all")
    return maps
