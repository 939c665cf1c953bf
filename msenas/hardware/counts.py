"""Exact operation counts of a network, from its Plan and the spikes that it fired. Integers, no estimates.

What is counted, summed over the samples:
    spikes         spikes of the neurons; those of the input are kept apart as input_spikes.
    synops         delivered events: for every spike, the target neurons that it reaches, exact at borders and
                   for strides. Zero weights count, so the number does not depend on training. A spike at the
                   last time step counts for a delayed synapse too: it is sent, though no step is left to
                   integrate it.
    synops_dense   the same as if every source fired at every time step.
    updates        neurons times time steps. A neuron is active in the steps in which it fires and idle in the
                   others; this is the definition inside the search, which needs no trace of the currents.
    macs_input     multiply-accumulates of the convolutions that read an analog input ("direct" encoding),
                   without the taps that fall on padding. Once per inference: the input is the same at every
                   time step, so its current is computed once and kept.
    macs_readout   one per channel and class and inference: the read-out is applied once, after averaging.

Not counted: the sums in front of the read-out, leak and bias (part of an update), the encoding of the input.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from msenas.errors import InputError, unknown
from msenas.phenotype.plan import INPUT, Plan, Synapse

IntMap = npt.NDArray[np.int64]
MAX_EVENTS = 1 << 36
"""Most spikes in one place of a map; sums over maps of up to 2048 x 2048 then fit 64 bits."""


@dataclass(frozen=True)
class SpikeCounts:
    """Spikes that a network fired on some samples.

    Attributes:
        samples: number of inferences.
        maps: population name to spikes of integer type [H, W], summed over channels, time steps and samples.
            The input is under plan.INPUT when it is spikes (encodings "poisson", "latency", "events", whose
            frames may hold several per pixel) and absent when it is analog ("direct").
    """

    samples: int
    maps: Mapping[str, IntMap]


@dataclass(frozen=True)
class Tally:
    """Whole numbers summed over the samples."""

    samples: int

    def sums(self) -> dict[str, int]:
        """Every count by name, without the number of samples."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "samples"}

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
    synops_dense: int
    macs: int


@dataclass(frozen=True)
class Totals(Tally):
    """Counts of the whole network."""

    spikes: int
    input_spikes: int
    synops: int
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


def fan_out(plan: Plan, synapse: Synapse) -> IntMap:
    """Target neurons that one spike at (y, x) of any channel of the source reaches.

    These are the pairs of an output position and a kernel tap that read (y, x), times the output channels;
    they factorise into rows times columns. Padding, stride and borders are exact.

    Returns:
        int64 [H, W] of the source's map.
    """
    return _reach(plan, synapse) * plan.by_name[synapse.target].channels


def count(plan: Plan, spikes: SpikeCounts) -> Counts:
    """Count the operations of a network on the samples that gave these spikes.

    Raises:
        InputError: The spikes are not those of this plan: a population is missing or unknown, a map has
            another shape or type, or holds a number of spikes that the population cannot fire.
    """
    maps, n, spec = _checked(plan, spikes), spikes.samples, plan.spec
    populations = {}
    for p in plan.populations:
        fired, updates = int(maps[p.name].sum()), p.neurons * spec.steps * n
        populations[p.name] = PopulationCounts(n, fired, updates, fired, updates - fired)
    synapses = tuple((s, _synapse_counts(plan, s, maps, n)) for s in plan.synapses)
    total = Totals(
        samples=n,
        spikes=sum(p.spikes for p in populations.values()),
        input_spikes=int(maps[INPUT].sum()) if INPUT in maps else 0,
        synops=sum(s.synops for _, s in synapses),
        synops_dense=sum(s.synops_dense for _, s in synapses),
        updates=sum(p.updates for p in populations.values()),
        updates_active=sum(p.updates_active for p in populations.values()),
        updates_idle=sum(p.updates_idle for p in populations.values()),
        macs_input=sum(s.macs for _, s in synapses),
        macs_readout=plan.by_name[plan.readout[0]].channels * spec.classes * n,
    )
    return Counts(populations, synapses, total)


def _synapse_counts(plan: Plan, synapse: Synapse, maps: Mapping[str, IntMap], samples: int) -> SynapseCounts:
    reach = _reach(plan, synapse)
    targets = plan.by_name[synapse.target].channels
    dense = int(reach.sum()) * targets * plan.source_channels(synapse) * samples
    if synapse.sources[0] not in maps:
        return SynapseCounts(samples, synops=0, synops_dense=0, macs=dense)
    delivered = sum(int((reach * maps[source]).sum()) for source in synapse.sources) * targets
    return SynapseCounts(samples, delivered, dense * len(synapse.sources) * plan.spec.steps, macs=0)


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
        if given.dtype.kind not in "iu" or given.shape != tuple(side):
            raise InputError(f"spikes of {name!r} must be integers {side}, not {given.dtype} {list(given.shape)}")
        several = name == INPUT and spec.encoding == "events"
        most = MAX_EVENTS if several else min(MAX_EVENTS, channels * spec.steps * spikes.samples)
        if given.min() < 0 or given.max() > most:
            raise InputError(f"spikes of {name!r} must be 0 to {most} in one place; found {given.max()}")
        maps[name] = given.astype(np.int64, copy=False)
    return maps


def _reach(plan: Plan, synapse: Synapse) -> IntMap:
    """Pairs of output position and kernel tap that read each place of the source, [H, W]."""
    _, height, width = plan.source_shape(synapse)
    target = plan.by_name[synapse.target]
    kernel = (synapse.kernel, synapse.stride, synapse.padding)
    return _pairs((height, width), (target.height, target.width), *kernel)


@lru_cache(maxsize=256)
def _pairs(source: tuple[int, int], target: tuple[int, int], kernel: int, stride: int, padding: int) -> IntMap:
    rows, columns = (_pairs_along(*sides, kernel, stride, padding) for sides in zip(source, target, strict=True))
    pairs = np.outer(rows, columns)
    pairs.flags.writeable = False  # it is shared by all callers through the cache
    return pairs


def _pairs_along(source: int, target: int, kernel: int, stride: int, padding: int) -> IntMap:
    """Pairs (o, k) with o * stride - padding + k = y, for every y of one axis."""
    read = np.add.outer(np.arange(target) * stride - padding, np.arange(kernel)).ravel()
    inside = read[(read >= 0) & (read < source)]
    return np.bincount(inside, minlength=source).astype(np.int64)
