"""The fair artificial twin of a spiking network, and the firing rate at which the two cost the same.

A network that integrates T binary steps distinguishes T + 1 levels, so the twin has the same topology with activations
of ceil(log2(T + 1)) bits and computes every synapse once (Yan et al. 2024, arXiv:2409.08290). It is priced with the
same profile; where that prices memory apart, each operation reads a weight and an activation and accumulates in a
register, and each activation is written once.

    E(r) = fixed + (r / rate) * variable = E_twin   =>   r* = rate * (E_twin - fixed) / variable

`variable` is what goes with spikes: synaptic operations, spikes, traffic and their memory; all else is `fixed`. A rate
r* <= 0 means that the spiking network cannot cost less at any sparsity.

A processor that computes every synapse in every step has no twin: it never saves anything by spikes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msenas.errors import ProfileError
from msenas.hardware.counts import Counts
from msenas.hardware.energy import Energy, price
from msenas.hardware.fanout import fan_out
from msenas.hardware.price import Band
from msenas.hardware.profile import Profile
from msenas.hardware.workload import BITS, READOUT, Access, Load, Loads, accesses, has_memory, memory_loads
from msenas.phenotype.plan import Plan

WITH_SPIKES = ("synops", "synops_nonzero", "spikes", "messages", "hops_ew", "hops_ns", "chip_crossings")
"""Loads that grow with the firing rate."""


@dataclass(frozen=True)
class Twin:
    """The twin on one profile.

    Attributes:
        bits: of an activation.
        macs: multiply-accumulates of one inference.
        joule: J per inference.
        share_nonzero: mean share of activations that are not zero: of neurons that fire at all in an inference.
        joule_skipping: J per inference if operations on zero activations cost nothing.
        break_even_rate: spikes per neuron and step at which the spiking network costs as much; None if it is silent.
        rate: the actual spikes per neuron and step.
        spikes_per_synapse: synaptic operations per synapse and inference, the actual figure.
    """

    bits: int
    macs: float
    joule: Band
    share_nonzero: float
    joule_skipping: Band
    break_even_rate: float | None
    rate: float
    spikes_per_synapse: float | None

    def to_dict(self) -> dict[str, Any]:
        """The twin as data for JSON."""
        bands = {"joule": self.joule, "joule_skipping": self.joule_skipping}
        numbers = {
            "bits": self.bits,
            "macs": self.macs,
            "share_nonzero": self.share_nonzero,
            "break_even_rate": self.break_even_rate,
            "rate": self.rate,
            "spikes_per_synapse": self.spikes_per_synapse,
        }
        return numbers | {name: [b.low, b.nominal, b.high] for name, b in bands.items()}


def twin(
    plan: Plan, counts: Counts, loads: Loads, fired: Mapping[str, float], energy: Energy, profile: Profile
) -> Twin | None:
    """The twin of a network; None on a dense processor, or without a price of a multiply-accumulate.

    Args:
        plan: the network.
        counts: its counts.
        loads: its loads.
        fired: share of each population's neurons that fire at all in an inference (mean over samples).
        energy: of these loads on the profile.
        profile: prices.
    """
    mac = profile.prices.get("mac")
    if profile.execution == "dense" or mac is None or mac.band is None or mac.scope == "included":
        return None
    rate = counts.total.spikes / counts.total.updates
    bits = math.ceil(math.log2(plan.spec.steps + 1))
    dense, skipping = _macs(plan, {}), _macs(plan, fired)
    joule = _price(plan, dense, bits, profile)
    variable = _variable(plan, loads, profile)
    fixed = energy.joule.nominal - variable
    synapses = counts.total.synops_dense / plan.spec.steps
    total = sum(dense.values())
    return Twin(
        bits=bits,
        macs=total,
        joule=joule,
        share_nonzero=sum(skipping.values()) / total,
        joule_skipping=_price(plan, skipping, bits, profile),
        break_even_rate=rate * (joule.nominal - fixed) / variable if variable > 0 and rate > 0 else None,
        rate=rate,
        spikes_per_synapse=counts.total.synops / synapses if synapses else None,
    )


def _macs(plan: Plan, fired: Mapping[str, float]) -> dict[str, float]:
    """Multiply-accumulates of the twin by target; with `fired`, those on activations that are not zero.

    Merged and pooled spikes are one activation, at most as often not zero as its parts together.
    """
    found = {p.name: 0.0 for p in plan.populations}
    for synapse in plan.synapses:
        window = synapse.pool**2
        share = min(1.0, window * sum(fired.get(source, 1.0) for source in synapse.sources))
        found[synapse.target] += share * float(fan_out(plan, synapse).sum() // window) * plan.source_channels(synapse)
    found[READOUT] = float(plan.by_name[plan.readout[0]].channels * plan.spec.classes)
    return found


def _price(plan: Plan, macs: Mapping[str, float], bits: int, profile: Profile) -> Band:
    loads: dict[str, Load] = {"macs_input": Load.of(macs)}
    if has_memory(profile):
        wanted = []
        for population in plan.populations:
            name, operations = population.name, macs[population.name]
            incoming = plan.incoming[name]
            weights = sum(plan.weights_of(s) for s in incoming)
            read = sum(math.prod(plan.read_shape(s)) for s in incoming)
            wanted.append(Access(name, weights * BITS, operations * BITS / 64))
            wanted.append(Access(name, read * bits, operations * bits / 64))
            wanted.append(Access(name, population.neurons * bits, population.neurons * bits / 64))
        loads |= accesses(wanted)
    return price(loads, profile, 1).joule


def _variable(plan: Plan, loads: Loads, profile: Profile) -> float:
    """Nominal energy of what grows with the firing rate."""
    growing = {name: loads[name] for name in WITH_SPIKES if name in loads}
    if has_memory(profile):
        growing |= memory_loads(plan, loads, updates=False)
    try:
        return price(growing, profile, 1).joule.nominal
    except ProfileError:
        return 0.0
