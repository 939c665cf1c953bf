"""The limits of a chip, taken from its hardware profile, as a rule; see `Capacity` for what each limit means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from export.targets import chip_sizes as sizes
from export.targets import chip_wiring as wiring
from export.targets.cores import core_memories
from export.targets.finding import Finding, Rule
from export.targets.view import View
from msenas.hardware.capacity import LIMITS, Capacity
from msenas.hardware.fit import RULES

Judge = Callable[[View, Any, Capacity], Iterable[Finding]]

JUDGES: Mapping[str, Judge] = {
    "neuron_models": wiring.neuron_models,
    "resets": wiring.resets,
    "encodings": wiring.encodings,
    "recurrence": wiring.recurrence,
    "convolutions": wiring.convolutions,
    "merging": wiring.merging,
    "delay_steps": wiring.delay_steps,
    "kernels": sizes.kernels,
    "strides": sizes.strides,
    "padding_max": sizes.padding_max,
    "input_sides": sizes.input_sides,
    "inputs_max": sizes.inputs_max,
    "outputs_max": sizes.outputs_max,
    "channels_max": sizes.channels_max,
    "map_side_max": sizes.map_side_max,
    "synapses_per_population_max": wiring.synapses_per_population_max,
    "destinations_max": wiring.destinations_max,
    "neurons_max": sizes.neurons_max,
    "memory_bits_max": sizes.memory_bits_max,
    "weight_bits": sizes.weight_bits,
    "state_bits": sizes.state_bits,
    "readout_pooling": sizes.readout_pooling,
    "cores": core_memories,
}
"""What each limit means for a graph."""
PER_CORE = ("kernel_words_per_core", "neuron_words_per_core", "biases_per_core")
"""Limits that `core_memories` judges together with the number of cores."""


def limits(capacity: Capacity) -> Rule:
    """All limits of a chip as one rule."""

    def rule(view: View) -> Iterator[Finding]:
        for name, judge in JUDGES.items():
            limit = getattr(capacity, name)
            if limit is not None:
                yield from judge(view, limit, capacity)

    return rule


def unjudged(capacity: Capacity) -> tuple[str, ...]:
    """What a check of a graph leaves open, in words."""
    judged = set(JUDGES) - (set() if capacity.kernel_words_per_core else {"cores"})
    judged |= set(PER_CORE) if capacity.kernel_words_per_core else set()
    open_limits = [name for name in LIMITS if name not in capacity.no_limit]
    unknown = [RULES[name].title for name in open_limits if getattr(capacity, name) is None]
    left = [RULES[name].title for name in open_limits if getattr(capacity, name) is not None and name not in judged]
    lines = [f"no limit was published: {', '.join(unknown)}"] if unknown else []
    lines += [f"left to `msenas fit`: {', '.join(left)}"] if left else []
    return (*lines, *capacity.unchecked)
