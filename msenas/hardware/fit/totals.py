"""Rules about sums over the whole network, precision, and what goes in and comes out."""

from __future__ import annotations

from msenas.hardware.fit.case import Case, taps
from msenas.hardware.fit.finding import Verdict, at_most
from msenas.phenotype.plan import Plan, Synapse

SMALLER = "fewer --channels or --layers, or a smaller input"


def inputs_max(case: Case, limit: int) -> Verdict:
    """Values of the input at one time step."""
    channels, height, width = case.plan.spec.input_shape
    return at_most([(channels * height * width, "input")], limit, "a smaller input (--size)")


def outputs_max(case: Case, limit: int) -> Verdict:
    """Classes of the read-out."""
    return at_most([(case.plan.spec.classes, "read-out")], limit, "a data set with fewer classes")


def fan_in_max(case: Case, limit: int) -> Verdict:
    """Synapses onto one neuron, at the place of the map where they are most."""
    plan = case.plan
    onto = ((sum(_fan_in(plan, s) for s in synapses), name) for name, synapses in plan.incoming.items())
    return at_most(onto, limit, "fewer --channels, 3x3 kernels, one live E population in the layer before")


def _fan_in(plan: Plan, synapse: Synapse) -> int:
    rows, columns = taps(plan, synapse)
    sources = plan.source_channels(synapse) * len(synapse.sources) * synapse.pool**2
    return int(rows.max()) * int(columns.max()) * sources


def neurons_max(case: Case, limit: int) -> Verdict:
    """Neurons of the network."""
    return at_most([(case.plan.neurons, "")], limit, SMALLER)


def synapses_max(case: Case, limit: int) -> Verdict:
    """Synapses of the network, every convolution written out."""
    return at_most([(case.synapse_count, "")], limit, SMALLER)


def memory_bits_max(case: Case, limit: int) -> Verdict:
    """Weights and potentials that the chip must hold at the least: programs, tables and copies are not counted."""
    plan, cap = case.plan, case.capacity
    weights = sum(map(plan.weights_of, plan.synapses))
    bits = weights * (cap.weight_bits[1] if cap.weight_bits else 1) + plan.neurons * (cap.state_bits or 1)
    return at_most([(bits, "weights and potentials")], limit, SMALLER)


def weight_bits(case: Case, limit: tuple[int, int]) -> Verdict:
    """Weights are rounded to what the chip stores."""
    return Verdict("approximated", "float32", limit[1], instead=f"weights are rounded to {limit[1]} bits")


def state_bits(case: Case, limit: int) -> Verdict:
    """Potentials are rounded to what the chip stores."""
    return Verdict("approximated", "float32", limit, instead=f"potentials are rounded to {limit} bits")


def readout_side_max(case: Case, limit: int) -> Verdict:
    """Side of the maps that the read-out averages."""
    maps = [(max(p.height, p.width), p.name) for p in case.plan.populations if p.name in case.plan.readout]
    return at_most(maps, limit, "more reductions (--layers)")
