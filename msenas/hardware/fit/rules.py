"""The rules: one function for each limit of `Capacity`, and the check that applies them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msenas.errors import ProfileError
from msenas.hardware.capacity import LIMITS
from msenas.hardware.fit import cores, structure, timing, totals
from msenas.hardware.fit.case import Case
from msenas.hardware.fit.finding import Finding, Fit, Verdict
from msenas.hardware.profile import Profile
from msenas.phenotype.plan import Plan


@dataclass(frozen=True)
class Rule:
    """What a limit means.

    Attributes:
        title: the limit in a report.
        judge: gives the verdict of a case and the chip's limit.
    """

    title: str
    judge: Callable[[Case, Any], Verdict]


RULES: dict[str, Rule] = {
    "neuron_models": Rule("neuron model", structure.neuron_models),
    "resets": Rule("reset after a spike", structure.resets),
    "encodings": Rule("code of the input", structure.encodings),
    "recurrence": Rule("cycles of populations", structure.recurrence),
    "convolutions": Rule("convolutions", structure.convolutions),
    "merging": Rule("merged sources of a synapse", structure.merging),
    "delay_steps": Rule("delay in time steps", timing.delay_steps),
    "kernels": Rule("kernel sides", structure.kernels),
    "strides": Rule("strides", structure.strides),
    "poolings": Rule("sum pooling of spikes", structure.poolings),
    "first_filters": Rule("channels of the first layer", structure.first_filters),
    "padding_max": Rule("padding", structure.padding_max),
    "input_sides": Rule("sides of the input", structure.input_sides),
    "inputs_max": Rule("input values", totals.inputs_max),
    "outputs_max": Rule("classes", totals.outputs_max),
    "channels_max": Rule("channels of a map", structure.channels_max),
    "map_side_max": Rule("side of a map", structure.map_side_max),
    "synapses_per_population_max": Rule("synapses onto one population", structure.synapses_per_population_max),
    "destinations_max": Rule("destinations of one population", structure.destinations_max),
    "fan_in_max": Rule("synapses onto one neuron", totals.fan_in_max),
    "neurons_max": Rule("neurons", totals.neurons_max),
    "synapses_max": Rule("synapses", totals.synapses_max),
    "memory_bits_max": Rule("bits of memory, at least", totals.memory_bits_max),
    "weight_bits": Rule("bits of a weight", totals.weight_bits),
    "state_bits": Rule("bits of a potential", totals.state_bits),
    "readout_pooling": Rule("kernel of the read-out", cores.readout_pooling),
    "readout_side_max": Rule("map of the read-out", totals.readout_side_max),
    "kernel_words_per_core": Rule("kernel memory of a core in words", cores.kernel_words_per_core),
    "neuron_words_per_core": Rule("neuron memory of a core in words", cores.neuron_words_per_core),
    "biases_per_core": Rule("biases of a core", cores.biases_per_core),
    "neurons_per_core": Rule("neurons on one core", cores.neurons_per_core),
    "synaptic_memory_bits_per_core": Rule("synaptic memory of a core in bits", cores.synaptic_memory_bits_per_core),
    "input_axons_per_core": Rule("input axons of a core", cores.input_axons_per_core),
    "output_axons_per_core": Rule("output axons of a core", cores.output_axons_per_core),
    "cores": Rule("cores", cores.cores),
}
"""Rule for each limit, by its name in `[capacity]`. A new limit is a field of `Capacity` and a row here."""
assert tuple(RULES) == LIMITS


def check(plan: Plan, profile: Profile) -> Fit:
    """Judge a plan by every limit of a chip.

    Args:
        plan: the network; without a read-out it is taken as a part of one.
        profile: the chip.

    Raises:
        ProfileError: The profile has no [capacity].
    """
    capacity = profile.capacity
    if capacity is None:
        raise ProfileError(f"hardware profile {profile.name} has no [capacity]: there are no limits to fit")
    case = Case(plan, capacity)
    findings = []
    for name, rule in RULES.items():
        limit = getattr(capacity, name)
        if name not in capacity.no_limit:
            verdict = Verdict("unchecked") if limit is None else rule.judge(case, limit)
            findings.append(Finding(name, rule.title, verdict))
    return Fit(profile.name, tuple(findings), cores.mapping(case), capacity.unchecked, capacity.source)
