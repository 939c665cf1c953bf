"""A census of a network: it runs on samples, and everything that it does is counted, sample by sample.

A count that goes with spikes is a map of the spikes times a map of what one spike causes (its fan-out, its messages).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msenas.hardware.activity import active_updates, unbiased
from msenas.hardware.counts import Counts, SpikeCounts, Weights, count
from msenas.hardware.fanout import IntMap, fan_out, fan_out_nonzero
from msenas.hardware.placement import Cores, place
from msenas.hardware.traffic import Traffic, traffic
from msenas.phenotype.network import Network
from msenas.phenotype.plan import INPUT, Plan
from msenas.phenotype.trains import summed

EXACT = 1 << 24
"""float32 holds every integer up to here."""
PerSpike = Mapping[str, Mapping[str, IntMap]]
"""Name of a count to what one spike of each neuron adds to it, by population: int64 [C, H, W]."""


@dataclass(frozen=True)
class Census:
    """What a network did on some samples.

    Attributes:
        counts: sums over the samples.
        spikes: the spikes behind them, [C, H, W].
        per_sample: each count in total for every sample, int64 [N].
        traffics: what one spike causes between the cores, for each kind of cores that was asked for.
        sent: what was counted of it for every sample, int64 [N] by name.
        fired: share of each population's neurons (and of INPUT) that fire at all in an inference, mean over samples.
        scores: of the classes, float32 [N, classes].
    """

    counts: Counts
    spikes: SpikeCounts
    per_sample: Mapping[str, IntMap]
    fired: Mapping[str, float]
    scores: NDArray[np.float32]
    traffics: Mapping[Cores, Traffic] = field(default_factory=dict)
    sent: Mapping[Cores, Mapping[str, IntMap]] = field(default_factory=dict)

    @property
    def predicted(self) -> IntMap:
        """Class of the largest score, the first one of equals, int64 [N]."""
        found: IntMap = self.scores.argmax(1)
        return found


@torch.no_grad()
def take_census(network: Network, batches: Iterable[Tensor], cores: Iterable[Cores] = ()) -> Census:
    """Run a network with its running statistics and count.

    Args:
        network: as it would be deployed; it is put into inference mode.
        batches: frames [T, B, C, H, W], or [1, B, C, H, W] for a static input; at least one batch.
        cores: kinds of cores for which messages and hops are counted.

    Raises:
        InputError: The network needs too many cores.
    """
    network.eval()
    plan = network.plan
    weights = {s: network.weight(s).detach().cpu().numpy() for s in plan.synapses}
    traffics = {kind: traffic(plan, place(plan, kind)) for kind in cores}
    names = {kind: {name: f"{name}@{i}" for name in t.per_spike} for i, (kind, t) in enumerate(traffics.items())}
    sent = {names[kind][name]: maps for kind, t in traffics.items() for name, maps in t.per_spike.items()}
    observer = _Observer(plan, _spike_maps(plan, weights) | sent)
    at_rest, scores = unbiased(network), []
    for frames in batches:
        observer.start(frames, keep=bool(at_rest))
        scores.append(network(frames, observer).float().cpu().numpy())
        observer.finish(active_updates(network, observer.kept, at_rest))
    samples = sum(map(len, scores))
    spikes = SpikeCounts(samples, observer.maps, observer.active)
    counts = count(plan, spikes, weights)
    totals = {name: np.concatenate(parts) for name, parts in observer.totals.items()}
    per_sample = {name: values for name, values in totals.items() if name not in sent}
    return Census(
        counts,
        spikes,
        per_sample | _constant(counts, per_sample),
        fired={name: number / (samples * observer.maps[name].size) for name, number in observer.fired.items()},
        scores=np.concatenate(scores),
        traffics=traffics,
        sent={kind: {name: totals[key] for name, key in keys.items()} for kind, keys in names.items()},
    )


def _spike_maps(plan: Plan, weights: Weights) -> dict[str, Mapping[str, IntMap]]:
    """What one spike adds to the spikes and to the synaptic operations."""
    shapes = {p.name: p.shape for p in plan.populations}
    maps = {"spikes": {name: np.ones(shape, np.int64) for name, shape in shapes.items()}}
    if plan.spec.encoding != "direct":
        shapes[INPUT] = plan.spec.input_shape
        maps["input_spikes"] = {INPUT: np.ones(plan.spec.input_shape, np.int64)}
    for name in ("synops", "synops_nonzero"):
        maps[name] = {source: np.zeros(shape, np.int64) for source, shape in shapes.items()}
    for synapse in plan.synapses:
        for source in synapse.sources:
            if source in shapes:
                maps["synops"][source] += fan_out(plan, synapse)
                maps["synops_nonzero"][source] += fan_out_nonzero(plan, synapse, weights[synapse])
    return dict(maps)


def _constant(counts: Counts, known: Mapping[str, IntMap]) -> dict[str, IntMap]:
    """Counts that are the same for every sample."""
    n = counts.samples
    missing = {name: value for name, value in counts.total.sums().items() if name not in known}
    assert all(value % n == 0 for value in missing.values())
    return {name: np.full(n, value // n, np.int64) for name, value in missing.items()}


@dataclass
class _Observer:
    """Adds up what the populations fire, batch after batch."""

    plan: Plan
    per_spike: PerSpike
    totals: dict[str, list[IntMap]] = field(default_factory=dict)
    maps: dict[str, IntMap] = field(default_factory=dict)
    active: dict[str, int] = field(default_factory=dict)
    fired: dict[str, int] = field(default_factory=dict)
    kept: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = {population for maps in self.per_spike.values() for population in maps}
        self._columns = {name: _Columns.of(self.per_spike, name) for name in names}

    def start(self, frames: Tensor, keep: bool) -> None:
        """Begin a batch; `keep` remembers all its spikes."""
        self._sums = {name: np.zeros(frames.shape[1], np.int64) for name in self.per_spike}
        self._keep, self.kept = keep, {}
        if keep:
            self.kept[INPUT] = frames.cpu()
        if self.plan.spec.encoding != "direct":
            self._add(INPUT, frames.sum(0, dtype=torch.float64) * (self.plan.spec.steps // len(frames)))

    def __call__(self, name: str, spikes: Tensor) -> None:
        """Take the spikes [T, B, C, H, W] of one population."""
        if self._keep:
            self.kept[name] = spikes.cpu()
        self._add(name, sum_over_time(spikes))

    def finish(self, active: Mapping[str, Tensor]) -> None:
        """End a batch; `active` holds active updates per sample of the populations that have idle ones."""
        for name, values in self._sums.items():
            self.totals.setdefault(name, []).append(values)
        if active:
            updates = self.plan.spec.steps * sum(p.neurons for p in self.plan.populations if p.name not in active)
            each = torch.stack(list(active.values())).sum(0).numpy() + updates
            everything = self.plan.spec.steps * self.plan.neurons
            self.totals.setdefault("updates_active", []).append(each)
            self.totals.setdefault("updates_idle", []).append(everything - each)
        for name, updates_of in active.items():
            self.active[name] = self.active.get(name, 0) + int(updates_of.sum())

    def _add(self, name: str, fired: Tensor) -> None:
        """Take the spikes [B, C, H, W] of one population, summed over time."""
        rows, most = fired.permute(0, 2, 3, 1), int(fired.max())
        exact = most * max(len(rows), self._columns[name].most) < EXACT
        rows = rows.to(torch.float32 if exact else torch.float64)
        total = rows.sum(0).permute(2, 0, 1).cpu().numpy().astype(np.int64)
        self.maps[name] = self.maps.get(name, 0) + total
        self.fired[name] = self.fired.get(name, 0) + int(torch.count_nonzero(fired))
        for count_name, values in self._columns[name].times(rows).items():
            self._sums[count_name] += values


@dataclass(frozen=True)
class _Columns:
    """What one spike of each neuron of a population adds to several counts: [H, W * C, counts].

    `most` is the largest sum over one row of the map if every neuron there fires once.
    """

    names: tuple[str, ...]
    values: Mapping[torch.dtype, Tensor]
    most: int

    @classmethod
    def of(cls, per_spike: PerSpike, population: str) -> _Columns:
        maps = {name: by[population] for name, by in per_spike.items() if population in by}
        rows = [m.transpose(1, 2, 0).reshape(m.shape[1], -1) for m in maps.values()]
        values = torch.from_numpy(np.stack(rows, -1).astype(np.float64))
        most = int(values.sum(1).max())
        return cls(tuple(maps), {torch.float64: values, torch.float32: values.float()}, most)

    def times(self, rows: Tensor) -> dict[str, IntMap]:
        """Counts of each sample for spikes [B, H, W, C], in a type that holds every sum of a row exactly."""
        batch, height = rows.shape[:2]
        spikes = rows.reshape(batch, height, -1).transpose(0, 1)
        products = torch.bmm(spikes, self.values[rows.dtype].to(rows.device)).sum(0, dtype=torch.float64)
        return dict(zip(self.names, products.T.round().long().cpu().numpy(), strict=True))


def sum_over_time(spikes: Tensor) -> Tensor:
    """Spikes [T, B, C, H, W] summed over the time steps, [B, C, H, W]."""
    steps, batch, channels, height, width = spikes.shape
    rows = spikes.permute(0, 1, 3, 4, 2).reshape(steps, batch, -1)
    return summed(rows, 0).view(batch, height, width, channels).permute(0, 3, 1, 2)
