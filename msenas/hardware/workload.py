"""What an inference makes a chip do, by cause and by place: the counts that prices are multiplied with.

Loads come from a network's counts alone (inside the search), or from a census with the traffic between cores and the
time of an inference. Memory is a load of its own only where operations are priced without it:

    accesses [64 bit] = (synops + macs) * (BITS / 64) to the weights, twice that to the potentials,
                        + updates * 2 * (BITS / 64) to the potentials

each to a memory that holds one population's weights or potentials. Its size lies between two of the priced sizes
(8 kB, 32 kB, 1 MB), and the price is interpolated linearly, which splits the accesses between the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from msenas.hardware.census import Census
from msenas.hardware.counts import Counts
from msenas.hardware.placement import Cores
from msenas.hardware.price import Band
from msenas.hardware.profile import Profile
from msenas.phenotype.plan import Plan

FloatArray = npt.NDArray[np.float64]
BITS = 32
"""Bits of a weight and of a potential in the memory model: the word of 32-bit arithmetic."""
MEMORIES = {"sram_8k": 8 * 1024, "sram_32k": 32 * 1024, "sram_1m": 1024 * 1024}
"""Loads of the memory model, by the size in bytes that their price holds for."""
READOUT, CHIP = "readout", "chip"
"""Places besides the populations and the input."""


@dataclass(frozen=True)
class Load:
    """How often something happens, or how long it lasts, in one inference.

    Attributes:
        amount: mean over the samples; without spread for counts.
        by_place: the nominal amount by population, plan.INPUT, READOUT or CHIP.
        per_sample: the amount for each sample, float64 [N]; None where it is the same for all, or not known.
    """

    amount: Band
    by_place: Mapping[str, float] = field(default_factory=dict)
    per_sample: FloatArray | None = None

    @classmethod
    def of(cls, by_place: Mapping[str, float], per_sample: FloatArray | None = None) -> Load:
        """A load that is counted exactly."""
        total = float(sum(by_place.values()))
        return cls(Band(total, total, total), by_place, per_sample)


Loads = Mapping[str, Load]


def loads_of_counts(plan: Plan, counts: Counts) -> dict[str, Load]:
    """What follows from the counts alone."""
    n = counts.samples
    populations = {name: tally.per_inference for name, tally in counts.populations.items()}
    incoming: dict[str, dict[str, float]] = {p.name: {} for p in plan.populations}
    for synapse, tally in counts.synapses:
        for name, value in tally.sums().items():
            incoming[synapse.target][name] = incoming[synapse.target].get(name, 0.0) + value / n
    loads = {
        name: Load.of({p: values[name] for p, values in populations.items()})
        for name in ("updates_active", "updates_idle", "spikes")
    }
    for name in ("synops", "synops_nonzero", "synops_dense"):
        if all(name in values for values in incoming.values()):
            loads[name] = Load.of({p: values[name] for p, values in incoming.items()})
    macs = {p: values["macs"] for p, values in incoming.items()}
    readout = counts.total.macs_readout / n
    loads["macs_input"] = Load.of({p: value for p, value in macs.items() if value})
    loads["macs_readout"] = Load.of({READOUT: readout})
    dense = {p: values["macs"] + values["synops_dense"] for p, values in incoming.items()}
    loads["macs_dense"] = Load.of(dense | {READOUT: readout})
    return loads


def loads_of_census(plan: Plan, census: Census, cores: Cores | None) -> dict[str, Load]:
    """As `loads_of_counts`, with the amounts of every sample and the messages between cores.

    Args:
        plan: the network.
        census: its counts; with the traffic between these cores, if there are any.
        cores: the kind of cores; None leaves traffic out.
    """
    samples = dict(census.per_sample)
    loads = loads_of_counts(plan, census.counts)
    if cores is not None:
        samples |= census.sent[cores]
        for name, maps in census.traffics[cores].per_spike.items():
            sent = {p: float((maps[p] * fired).sum()) for p, fired in census.spikes.maps.items()}
            loads[name] = Load.of({p: value / census.counts.samples for p, value in sent.items()})
    return {
        name: replace(load, per_sample=samples[name].astype(np.float64)) if name in samples else load
        for name, load in loads.items()
    }


def memory_loads(plan: Plan, loads: Loads, updates: bool = True) -> dict[str, Load]:
    """Accesses of 64 bits to memories of the priced sizes; of the synaptic events alone without `updates`."""
    wanted, word = [], BITS / 64
    for population in plan.populations:
        events = _at(loads, population.name, "synops", *(("macs_input",) if updates else ()))
        changes = _at(loads, population.name, "updates_active", "updates_idle") if updates else 0.0
        weights = sum(plan.weights_of(s) for s in plan.incoming[population.name])
        wanted.append(Access(population.name, weights * BITS, events * word))
        wanted.append(Access(population.name, population.neurons * BITS, 2 * (events + changes) * word))
    return accesses(wanted)


def has_memory(profile: Profile) -> bool:
    """Whether a profile prices memory apart from operations."""
    return any(f"{name}_64b" in profile.prices for name in MEMORIES)


@dataclass(frozen=True)
class Access:
    """Accesses of 64 bits to one memory.

    Attributes:
        place: that they are for.
        bits: size of the memory.
        number: per inference.
    """

    place: str
    bits: int
    number: float


def accesses(wanted: Iterable[Access]) -> dict[str, Load]:
    """Accesses as loads of the priced sizes."""
    found: dict[str, dict[str, float]] = {name: {} for name in MEMORIES}
    for access in wanted:
        for name, share in _shares(access.bits // 8).items():
            found[name][access.place] = found[name].get(access.place, 0.0) + share * access.number
    return {name: Load.of(by_place) for name, by_place in found.items()}


def _at(loads: Loads, place: str, *names: str) -> float:
    return sum(loads[name].by_place.get(place, 0.0) for name in names)


def _shares(size: int) -> dict[str, float]:
    """How a memory of some bytes lies between the priced sizes; smaller and larger ones take the nearest price."""
    names, sizes = list(MEMORIES), list(MEMORIES.values())
    if size <= sizes[0]:
        return {names[0]: 1.0}
    for i in range(1, len(sizes)):
        if size <= sizes[i]:
            above = (size - sizes[i - 1]) / (sizes[i] - sizes[i - 1])
            return {names[i - 1]: 1.0 - above, names[i]: above}
    return {names[-1]: 1.0}


def chip_steps(plan: Plan) -> int:
    """Time steps of one inference on a chip where every spike arrives one step after it was sent."""
    return plan.spec.steps + plan.depth


def chip_loads(plan: Plan, seconds: Band | None, chips: int, clock_second: float | None = None) -> dict[str, Load]:
    """What goes with the time steps and with the time of an inference on a chip.

    Args:
        plan: the network.
        seconds: time of an inference; None where it is not known.
        chips: chips in use.
        clock_second: one cycle of the clock, where it is known.
    """
    steps, barriers = float(plan.spec.steps), float(chip_steps(plan))
    loads = {"io_steps": Load.of({CHIP: steps}), "barriers": Load.of({CHIP: barriers})}
    if seconds is not None:
        spent = seconds.times(chips)
        loads["chip_seconds"] = Load(spent, {CHIP: spent.nominal})
        if clock_second:
            cycles = spent.times(1.0 / clock_second)
            loads["clock_cycles"] = Load(cycles, {CHIP: cycles.nominal})
    return loads
