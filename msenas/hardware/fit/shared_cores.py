"""Chips whose cores each hold a part of one population (Loihi, TrueNorth, SpiNNaker).

A population is cut into equal blocks of channels x rows x columns, as large as the limits of a core allow; populations
do not share cores. This is a plain placement and no optimum: a tool-chain may need fewer cores. What a block takes:
    input axons      one for each source neuron that reaches it, and for each synapse that it reaches it through.
    output axons     one for each of its neurons and each core that the neuron's spikes go to.
                     Where a chip has population axons (`population_axon_slots`), the channels of one position, and
                     merged populations, share an input axon, and an output axon that takes so many slots.
    synaptic memory  the kernels onto its channels, stored once: positions share weights. A row holds the weights of
                     one input channel in words of ROW_WORD bits, up to ROW_SYNAPSES weights behind a header of
                     ROW_HEADER bits, each weight as wide as the chip's widest.
Sources: nengo-loihi 1.1.0 for the row format and the axons; Rueckauer et al. 2022 (NxTF), doi:10.1145/3501770, for
shared weights. Assumed: no copies of rows for positions at the border; the input comes from outside the cores; the
read-out is computed outside from spike counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from msenas.hardware.capacity import Capacity
from msenas.phenotype.plan import Plan, Population, Synapse

ROW_SYNAPSES, ROW_HEADER, ROW_WORD = 64, 10, 64
UNLIMITED = 1 << 62
MOST_PIECES = 64
"""Pieces of an axis that are all tried; beyond them only powers of two are."""
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """What one core holds of a population, and what that takes of the core."""

    channels: int
    height: int
    width: int
    memory_bits: int
    input_axons: int
    output_axons: int

    @property
    def neurons(self) -> int:
        """Neurons of the block."""
        return self.channels * self.height * self.width


@dataclass(frozen=True)
class Share:
    """A population with its largest block and the cores that it is spread over."""

    name: str
    block: Block
    cores: int


@dataclass(frozen=True)
class Inflow:
    """A synapse as a block sees it: source neurons are channels x height x width for each of `sources`."""

    sources: int
    channels: int
    height: int
    width: int
    kernel: int
    stride: int
    pool: int


Limits = tuple[int, int, int, int, int, int | None]
"""Neurons, bits of memory, input axons, output axons, bits of a weight, slots of a population axon."""


def row_bits(weights: int | Ints, weight_bits: int) -> Ints:
    """Bits of synaptic memory that one row of weights takes."""
    full, rest = np.divmod(np.asarray(weights, np.int64), ROW_SYNAPSES)
    return np.asarray(full * _words(ROW_SYNAPSES, weight_bits) + np.where(rest > 0, _words(rest, weight_bits), 0))


def _words(weights: int | Ints, weight_bits: int) -> Ints:
    return np.asarray(-(-(weights * weight_bits + ROW_HEADER) // ROW_WORD) * ROW_WORD)


def spread(plan: Plan, capacity: Capacity) -> tuple[Share, ...]:
    """Cut every population, from the read-out to the input: where spikes go must be known to count output axons.

    A population for which no block obeys all limits is cut into single neurons.
    """
    limits = _limits(capacity)
    shares: dict[str, Share] = {}
    readers: dict[str, list[Synapse]] = {p.name: [] for p in plan.populations}
    for synapse in plan.synapses:
        for source in synapse.sources:
            if source in readers:
                readers[source].append(synapse)
    names = [name for block in plan.schedule for name in block.populations]
    for name in reversed(names):
        population = plan.by_name[name]
        inflows = tuple(
            _inflow(plan, s) for s in plan.incoming[name] if plan.spec.encoding != "direct" or not s.from_input
        )
        fan = sum(_destinations(s, plan.by_name[s.target], shares.get(s.target)) for s in readers[name])
        shares[name] = Share(name, *_cut(population.shape, inflows, fan, limits))
    return tuple(shares[p.name] for p in plan.populations)


def _limits(capacity: Capacity) -> Limits:
    bits = capacity.weight_bits[1] if capacity.weight_bits else 1
    amounts = (
        capacity.neurons_per_core,
        capacity.synaptic_memory_bits_per_core,
        capacity.input_axons_per_core,
        capacity.output_axons_per_core,
    )
    neurons, memory, inputs, outputs = (UNLIMITED if amount is None else amount for amount in amounts)
    return neurons, memory, inputs, outputs, bits, capacity.population_axon_slots


def _inflow(plan: Plan, synapse: Synapse) -> Inflow:
    return Inflow(len(synapse.sources), *plan.source_shape(synapse), synapse.kernel, synapse.stride, synapse.pool)


def _destinations(synapse: Synapse, target: Population, share: Share | None) -> int:
    """Most cores that a neuron reaches through a synapse; a target that is not cut yet counts as one."""
    if share is None:
        return 1
    span, block = -(-synapse.kernel // synapse.stride), share.block
    rows, columns = (
        min(-(-whole // part), 1 + -(-(span - 1) // part))
        for whole, part in ((target.height, block.height), (target.width, block.width))
    )
    return -(-target.channels // block.channels) * rows * columns


@lru_cache(maxsize=4096)
def _cut(shape: tuple[int, int, int], inflows: tuple[Inflow, ...], fan: int, limits: Limits) -> tuple[Block, int]:
    """The block that obeys the limits on the fewest cores, and their number."""
    channels, height, width = blocks = _blocks(*shape)
    neurons, memory, inputs, outputs, bits, slots = limits
    held = channels * height * width
    axons, bits_used = np.zeros_like(held), np.zeros_like(held)
    for i in inflows:
        rows, columns = (
            np.minimum(source, ((part - 1) * i.stride + i.kernel) * i.pool)
            for source, part in ((i.height, height), (i.width, width))
        )
        axons += rows * columns * (1 if slots else i.sources * i.channels)
        bits_used += i.channels * row_bits(channels * i.kernel**2, bits)
    sent = float(fan) * (height * width * slots if slots else held)
    cores = _pieces(shape[0], channels) * _pieces(shape[1], height) * _pieces(shape[2], width)
    obeys = (held <= neurons) & (bits_used <= memory) & (axons <= inputs) & (sent <= outputs)
    best = int(np.argmin(np.where(obeys, cores, UNLIMITED))) if obeys.any() else int(np.argmin(held))
    numbers = [int(values[best]) for values in (*blocks, bits_used, axons, sent)]
    return Block(*numbers), int(cores[best])


@lru_cache(maxsize=256)
def _blocks(channels: int, height: int, width: int) -> tuple[Ints, Ints, Ints]:
    """All sizes of blocks that cut a map into equal pieces, largest first."""
    sizes = [np.array(_parts(whole), np.int64) for whole in (channels, height, width)]
    grids = np.meshgrid(*sizes, indexing="ij")
    return grids[0].ravel(), grids[1].ravel(), grids[2].ravel()


def _parts(whole: int) -> Sequence[int]:
    """Sizes of a piece when `whole` is cut into 1 to MOST_PIECES equal pieces, or into powers of two of them."""
    powers = (1 << exponent for exponent in range(whole.bit_length() + 1))
    pieces = {*range(1, MOST_PIECES + 1), *powers}
    return sorted({-(-whole // n) for n in pieces}, reverse=True)


def _pieces(whole: int, part: Ints) -> Ints:
    return -(-whole // part)
