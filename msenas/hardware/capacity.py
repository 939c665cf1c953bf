"""The limits of a chip: the `[capacity]` table of a hardware profile.

Every limit is data; what it means for a network is decided by the rule of the same name in `msenas.hardware.fit`.
A limit that is absent was not published, unless `no_limit` names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Literal

import msgspec

from msenas.errors import unknown
from msenas.hardware.price import Text

Natural = Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1 << 40)]
Counts = Annotated[tuple[Count, ...], msgspec.Meta(min_length=1, max_length=1024)]
Filters = Annotated[tuple[tuple[Count, Count, Count], ...], msgspec.Meta(max_length=64)]
Neurons = Mapping[Literal["lif", "if", "relu"], Text]
Resets = Mapping[Literal["zero", "subtract"], Text]
Encodings = Mapping[Literal["direct", "poisson", "latency", "events"], Text]
EXACT = "exact"
"""The word in a table of what a chip supports for "as in the network"; any other text says what differs."""
ADDENDA = (
    "first_kernels",
    "first_strides",
    "strided_kernels",
    "population_axon_slots",
    "no_limit",
    "unchecked",
    "source",
)
"""Fields that no rule is named after: they qualify other limits or speak to people."""


@dataclass(frozen=True)
class Capacity:
    """What one chip can hold and do. A limit that is None was not published.

    Attributes:
        source: where the limits were published.
        neuron_models, resets, encodings: what is supported, each EXACT or what the chip does instead.
        recurrence: whether cycles of populations are possible.
        convolutions: whether convolutions are possible at all, if only by listing every synapse.
        merging: whether the spikes of several populations can be summed in front of one synapse.
        delay_steps: least and most time steps from a spike to its effect; most 0 is a chip without delays.
        kernels, strides: sides of a kernel and strides that are possible.
        poolings: sides of the windows over which spikes can be summed in front of a synapse. A chip on which each
            synapse can be listed has no such limit.
        first_kernels, first_strides: the same for synapses that read the input, where they differ.
        strided_kernels: kernels that are possible with a stride above 1, where they differ.
        first_filters: rows of input channels, kernel, and most channels of the first layer.
        padding_max: pixels of padding on each side.
        input_sides: least and most pixels along each axis of the input.
        inputs_max, outputs_max: values that go in and classes that come out.
        channels_max, map_side_max: channels of a feature map, and pixels along each of its axes.
        synapses_per_population_max: synapses onto one population; 1 where a core holds one kernel.
        destinations_max: synapses that one population (or the input) can send its spikes to.
        fan_in_max: synapses onto one neuron.
        neurons_max, synapses_max, memory_bits_max: of the whole chip, weights and potentials together.
        weight_bits, state_bits: precision of a weight, and of a potential.
        readout_pooling: sum pooling that is possible in front of a read-out which is a layer of the chip.
        readout_side_max: pixels along each axis of a map that the read-out can average.
        kernel_words_per_core, neuron_words_per_core, biases_per_core: memories of cores that hold one layer each.
        neurons_per_core, synaptic_memory_bits_per_core, input_axons_per_core, output_axons_per_core: of cores over
            which a population is spread.
        population_axon_slots: output axons that one axon takes which the channels of a position share; None where
            each neuron has axons of its own.
        cores: cores of the chip.
        no_limit: limits above that the chip does not have.
        unchecked: further limits that no rule can judge, in words.
    """

    source: Text
    neuron_models: Neurons | None = None
    resets: Resets | None = None
    encodings: Encodings | None = None
    recurrence: bool | None = None
    convolutions: bool | None = None
    merging: bool | None = None
    delay_steps: tuple[Natural, Natural] | None = None
    kernels: Counts | None = None
    strides: Counts | None = None
    poolings: Counts | None = None
    first_filters: Filters | None = None
    padding_max: Natural | None = None
    input_sides: tuple[Count, Count] | None = None
    inputs_max: Count | None = None
    outputs_max: Count | None = None
    channels_max: Count | None = None
    map_side_max: Count | None = None
    synapses_per_population_max: Count | None = None
    destinations_max: Count | None = None
    fan_in_max: Count | None = None
    neurons_max: Count | None = None
    synapses_max: Count | None = None
    memory_bits_max: Count | None = None
    weight_bits: tuple[Count, Count] | None = None
    state_bits: Count | None = None
    readout_pooling: Counts | None = None
    readout_side_max: Count | None = None
    kernel_words_per_core: Counts | None = None
    neuron_words_per_core: Counts | None = None
    biases_per_core: Count | None = None
    neurons_per_core: Count | None = None
    synaptic_memory_bits_per_core: Count | None = None
    input_axons_per_core: Count | None = None
    output_axons_per_core: Count | None = None
    cores: Count | None = None
    first_kernels: Counts | None = None
    first_strides: Counts | None = None
    strided_kernels: Counts | None = None
    population_axon_slots: Count | None = None
    no_limit: tuple[str, ...] = ()
    unchecked: tuple[Text, ...] = ()

    def __post_init__(self) -> None:
        for name in self.no_limit:
            if name not in LIMITS:
                raise ValueError(f"no_limit: {unknown('limit', name, LIMITS)}")
            if getattr(self, name) is not None:
                raise ValueError(f"no_limit: {name} is given")
        kernel, neuron = self.kernel_words_per_core, self.neuron_words_per_core
        if (kernel is None) != (neuron is None):
            raise ValueError("kernel_words_per_core and neuron_words_per_core belong together")
        if kernel and neuron and not len(kernel) == len(neuron) == self.cores:
            raise ValueError("kernel_words_per_core and neuron_words_per_core need one number for each of `cores`")


LIMITS: tuple[str, ...] = tuple(f.name for f in fields(Capacity) if f.name not in ADDENDA)
"""Names of the limits, in the order of a report."""
