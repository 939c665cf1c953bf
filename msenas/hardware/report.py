"""The report on a network: exact counts, then energy and time on one or several chips, and what can be said of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from msenas.errors import ProfileError
from msenas.hardware.assumptions import of_network, of_profile
from msenas.hardware.causes import CAUSES, LEFT_OUT
from msenas.hardware.census import Census
from msenas.hardware.energy import Energy, estimate, price
from msenas.hardware.latency import Latency, Scene, latency
from msenas.hardware.placement import Cores
from msenas.hardware.price import Band
from msenas.hardware.profile import Profile, load_profile
from msenas.hardware.twin import Twin, twin
from msenas.hardware.workload import Loads, chip_loads, has_memory, loads_of_census, memory_loads
from msenas.phenotype.plan import Plan

SPREAD = (5, 50, 95)
"""Percentiles of the samples that are reported."""
INDEX = "generic-45nm"
"""Profile of the compute-only index."""
WORD = 32
"""Bits of a weight or of a state where a profile does not say."""


@dataclass(frozen=True)
class Memory:
    """What must be stored; weights and biases of the folded network, one potential per neuron."""

    weights: int
    biases: int
    states: int
    weight_bits: int
    state_bits: int

    @property
    def bits(self) -> dict[str, int]:
        """Bits of weights (with biases) and of states."""
        return {"weights": (self.weights + self.biases) * self.weight_bits, "states": self.states * self.state_bits}


@dataclass(frozen=True)
class ChipEstimate:
    """One network on one profile.

    Attributes:
        profile: prices and limits.
        energy: of one inference.
        latency: time of one inference, where the profile has figures for a model.
        memory: what must be stored, with the word sizes of the chip.
        cores: cores in use under the simple placement; None where the profile has no cores.
        chips: chips in use.
        twin: the artificial twin, where the profile prices multiply-accumulates.
    """

    profile: Profile
    energy: Energy
    latency: Latency | None
    memory: Memory
    cores: int | None
    chips: int
    twin: Twin | None

    @property
    def energy_delay(self) -> Band | None:
        """Energy times time of an inference, J s."""
        return None if self.latency is None else self.energy.joule.product(self.latency.seconds)

    @property
    def inferences_per_second(self) -> float | None:
        """One inference after the other, nominal."""
        return 1.0 / self.latency.seconds.nominal if self.latency and self.latency.seconds.nominal else None

    @property
    def static_share(self) -> float | None:
        """Share of the static power in the nominal energy; None where it is not in it."""
        static = [t.joule.nominal for t in self.energy.terms if t.group == "static"]
        return sum(static) / self.energy.joule.nominal if static and self.energy.joule.nominal else None

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What holds for these prices, in words."""
        return of_profile(self.profile, self.memory.weight_bits, self.memory.state_bits)

    @property
    def spread(self) -> dict[str, float] | None:
        """Percentiles of the nominal energy over the samples, J."""
        return None if self.energy.per_sample is None else percentiles(self.energy.per_sample)

    def to_dict(self) -> dict[str, Any]:
        """The estimate as data for JSON."""
        delay = self.energy_delay
        return {
            **self.energy.to_dict(),
            "title": self.profile.title,
            "spread_joule": self.spread,
            "latency": None if self.latency is None else {"model": self.latency.model, **_band(self.latency.seconds)},
            "inferences_per_second": self.inferences_per_second,
            "energy_delay_joule_second": None if delay is None else _band(delay),
            "static_share": self.static_share,
            "memory": asdict(self.memory) | {"bits": self.memory.bits},
            "cores": self.cores,
            "chips": self.chips,
            "twin": None if self.twin is None else self.twin.to_dict(),
            "assumptions": list(self.assumptions),
            "note": self.profile.note,
        }


@dataclass(frozen=True)
class Ranking:
    """Profiles from the least nominal energy to the largest.

    Attributes:
        order: names of the profiles.
        winner: the first one, if its band lies below all others; None if bands overlap or are open.
        reason: why there is no winner; empty if there is one.
    """

    order: tuple[str, ...]
    winner: str | None
    reason: str


@dataclass(frozen=True)
class Report:
    """A network on several profiles.

    Attributes:
        plan: the network.
        census: its counts.
        estimates: one for each profile that prices something of it.
        refused: profile to the reason why it cannot price the network.
        ranking: of the chips; None for fewer than two.
        index_joule: the compute-only index (45 nm) of the network, J: 0.9 pJ per addition, 4.6 pJ per MAC.
    """

    plan: Plan
    census: Census
    estimates: tuple[ChipEstimate, ...]
    refused: Mapping[str, str]
    ranking: Ranking | None
    index_joule: float

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What holds on every profile, in words."""
        return of_network(self.plan)

    def to_dict(self) -> dict[str, Any]:
        """The report as data for JSON."""
        per_sample = {name: percentiles(values) for name, values in self.census.per_sample.items()}
        return {
            "assumptions": list(self.assumptions),
            "counts": self.census.counts.to_dict(),
            "per_sample": per_sample,
            "neurons": self.plan.neurons,
            "parameters": self.plan.parameters,
            "estimates": {e.profile.name: e.to_dict() for e in self.estimates},
            "refused": dict(self.refused),
            "compute_only_index_45nm_joule": self.index_joule,
            "ranking": None if self.ranking is None else asdict(self.ranking),
        }


def kinds_of_cores(profiles: Iterable[Profile]) -> list[Cores]:
    """The different kinds of cores of some profiles: what a census must count traffic for."""
    kinds = [Cores.of(profile) for profile in profiles]
    return list(dict.fromkeys(kind for kind in kinds if kind is not None))


def report(plan: Plan, census: Census, profiles: Sequence[Profile]) -> Report:
    """Price the counts of a network on every profile; a profile that prices nothing of it is refused, with the reason.

    Args:
        plan: the network.
        census: its counts, with the traffic between `kinds_of_cores(profiles)`.
        profiles: prices and limits.

    Raises:
        ProfileError: No profile can price the network.
    """
    estimates, refused = [], {}
    kinds = {profile.name: Cores.of(profile) for profile in profiles}
    loads = {kind: loads_of_census(plan, census, kind) for kind in set(kinds.values())}
    for profile in profiles:
        try:
            estimates.append(estimate_on(plan, census, profile, loads[kinds[profile.name]]))
        except ProfileError as error:
            refused[profile.name] = str(error)
    if not estimates:
        raise ProfileError("; ".join(refused.values()))
    index = estimate(plan, census.counts, load_profile(INDEX)).joule.nominal
    return Report(plan, census, tuple(estimates), refused, rank(estimates), index)


def estimate_on(plan: Plan, census: Census, profile: Profile, loads: Loads) -> ChipEstimate:
    """Energy, time and memory of one inference on one profile.

    Args:
        plan: the network.
        census: its counts.
        profile: prices and limits.
        loads: of the census, for the cores of the profile.

    Raises:
        ProfileError: The profile prices nothing that the network does.
    """
    cores = Cores.of(profile)
    sent = None if cores is None else census.traffics[cores]
    everything = dict(loads)
    if has_memory(profile):
        everything |= memory_loads(plan, loads)
    scene = None if profile.timing is None else Scene(plan, profile.timing, loads, census, sent)
    time = None if scene is None else latency(scene)
    chips = 1 if sent is None else sent.placement.chips
    clock = None if profile.timing is None else profile.timing.clock_second
    everything |= chip_loads(plan, None if time is None else time.seconds, chips, clock)
    energy = price(everything, profile, census.counts.samples)
    other = twin(plan, census.counts, everything, census.fired, energy, profile)
    used = None if sent is None else sent.placement.used
    return ChipEstimate(profile, energy, time, _memory(plan, profile), used, chips, other)


def rank(estimates: Sequence[ChipEstimate]) -> Ranking | None:
    """Order chips by nominal energy; claim a winner only where the bands allow it. Fewer than two are not ranked."""
    chips = [e for e in estimates if not e.profile.abstract]
    if len(chips) < 2:
        return None
    first, *others = ordered = sorted(chips, key=lambda e: e.energy.joule.nominal)
    names = tuple(e.profile.name for e in ordered)
    high = first.energy.joule.high
    if first.energy.at_least or high is None:
        return Ranking(names, None, f"the energy on {names[0]} has no upper bound: a part of it has no published price")
    if omitted := _omitted(first):
        return Ranking(
            names, None, f"the energy on {names[0]} leaves out {', '.join(omitted)}: priced, but not counted"
        )
    overlapping = [e.profile.name for e in others if (e.energy.joule.low or 0.0) <= high]
    if overlapping:
        return Ranking(names, None, f"the band of {names[0]} overlaps with that of {', '.join(overlapping)}")
    return Ranking(names, names[0], "")


def _omitted(estimate: ChipEstimate) -> list[str]:
    """Loads that the profile has a price for, and that could not be counted."""
    usable = {p.kind for p in estimate.profile.prices.values() if p.band is not None and p.scope == "per-term"}
    priced = {term.cause for term in estimate.energy.terms}
    causes = (c for c in CAUSES if c.load in LEFT_OUT and c.load not in priced)
    return [cause.load for cause in causes if usable & set(cause.kinds)]


def percentiles(values: np.ndarray) -> dict[str, float]:
    """Mean and the percentiles of SPREAD."""
    found = dict(zip((f"p{q}" for q in SPREAD), map(float, np.percentile(values, SPREAD)), strict=True))
    return {"mean": float(np.mean(values)), **found}


def _memory(plan: Plan, profile: Profile) -> Memory:
    capacity = profile.capacity
    weight_bits = capacity.weight_bits[1] if capacity and capacity.weight_bits else WORD
    state_bits = capacity.state_bits if capacity and capacity.state_bits else WORD
    weights = sum(map(plan.weights_of, plan.synapses)) + plan.by_name[plan.readout[0]].channels * plan.spec.classes
    biases = sum(p.channels for p in plan.populations) + plan.spec.classes
    return Memory(weights, biases, plan.neurons, weight_bits, state_bits)


def _band(band: Band) -> dict[str, float | None]:
    return {"low": band.low, "nominal": band.nominal, "high": band.high}
