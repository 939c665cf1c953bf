"""Rules about what a network is made of: neuron, code, convolutions, wiring.

Each rule takes the case and the chip's limit and gives a verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msenas.hardware.capacity import EXACT
from msenas.hardware.fit.case import Case
from msenas.hardware.fit.finding import Verdict, at_most, within
from msenas.phenotype.plan import INPUT, Synapse

RESET = "zero"
"""How every network of this tool resets (see `NetworkSpec.v_th`)."""
ANOTHER_CHIP = "another chip"


def neuron_models(case: Case, allowed: Mapping[str, str]) -> Verdict:
    """The neuron of the network is one of the chip's."""
    own = [name for name in ("lif", "if") if name in allowed]
    return _supported(case.plan.spec.neuron, allowed, f"--neuron {own[0]}" if own else ANOTHER_CHIP)


def resets(case: Case, allowed: Mapping[str, str]) -> Verdict:
    """The chip resets a potential as the network does."""
    return _supported(RESET, allowed, ANOTHER_CHIP)


def encodings(case: Case, allowed: Mapping[str, str]) -> Verdict:
    """The input comes in a form that the chip takes; an analog input needs a chip that multiplies it."""
    images = [name for name in ("poisson", "latency") if name in allowed]
    return _supported(case.plan.spec.encoding, allowed, f"--encoding {images[0]}" if images else "another data set")


def _supported(name: str, allowed: Mapping[str, str], advice: str) -> Verdict:
    if name not in allowed:
        return Verdict("fail", name, ", ".join(allowed) or "none", advice=advice)
    if allowed[name] != EXACT:
        return Verdict("approximated", name, ", ".join(allowed), instead=allowed[name])
    return Verdict("pass", name, ", ".join(allowed))


def recurrence(case: Case, possible: bool) -> Verdict:
    """Cycles of populations need a chip that allows them."""
    cycles = [block for block in case.plan.schedule if block.recurrent]
    if not cycles or possible:
        return Verdict("pass", len(cycles))
    where = ", ".join(cycles[0].populations)
    return Verdict("fail", len(cycles), 0, where=where, advice="no cycle: leave out one of its synapses")


def convolutions(case: Case, possible: bool) -> Verdict:
    """Synapses are convolutions, dense ones apart; some chips and their tools have none."""
    figure = sum(not case.plan.is_dense(synapse) for synapse in case.plan.synapses)
    return Verdict("pass", figure) if possible or not figure else Verdict("fail", figure, 0, advice=ANOTHER_CHIP)


def merging(case: Case, possible: bool) -> Verdict:
    """Spikes of several populations are summed in front of one synapse."""
    merged = [where for synapse, where in case.synapses() if len(synapse.sources) > 1]
    if not merged or possible:
        return Verdict("pass", len(merged))
    return Verdict("fail", len(merged), 0, where=merged[0], advice="one live E population per layer")


def kernels(case: Case, limit: tuple[int, ...]) -> Verdict:
    """Sides of the kernels, where the first layer and strided layers may have rules of their own."""
    cap = case.capacity

    def allowed(synapse: Synapse) -> tuple[int, ...]:
        if synapse.from_input:
            return cap.first_kernels or limit
        return cap.strided_kernels or limit if synapse.stride > 1 else limit

    return _each_among(case, [s.kernel for s in case.plan.synapses], allowed, limit, "other kernels")


def strides(case: Case, limit: tuple[int, ...]) -> Verdict:
    """Strides of the convolutions, where the first layer may have rules of its own."""

    def allowed(synapse: Synapse) -> tuple[int, ...]:
        return case.capacity.first_strides or limit if synapse.from_input else limit

    return _each_among(case, [s.stride for s in case.plan.synapses], allowed, limit, "fewer cross-layer synapses")


def poolings(case: Case, limit: tuple[int, ...]) -> Verdict:
    """Sides of the windows over which spikes are summed in front of a synapse; 1 is no pooling."""
    allowed = (1, *(side for side in limit if side > 1))
    return _each_among(case, [s.pool for s in case.plan.synapses], lambda _: allowed, allowed, "convolutions instead")


def _each_among(
    case: Case,
    figures: Sequence[int],
    allowed: Callable[[Synapse], tuple[int, ...]],
    limit: tuple[int, ...],
    advice: str,
) -> Verdict:
    """A number of every synapse is among those allowed for it; the first that is not decides."""
    for figure, (synapse, where) in zip(figures, case.synapses(), strict=True):
        if figure not in allowed(synapse):
            return Verdict("fail", figure, allowed(synapse), where=where, advice=advice)
    return Verdict("pass", tuple(sorted(set(figures))), limit)


def first_filters(case: Case, rows: tuple[tuple[int, int, int], ...]) -> Verdict:
    """Channels of the first layer, by channels of the input and kernel; a pair that is not listed is impossible."""
    most = {(channels, kernel): filters for channels, kernel, filters in rows}
    worst = Verdict("pass")
    for synapse, where in case.synapses():
        if not synapse.from_input:
            continue
        channels, figure = case.plan.source_channels(synapse), case.plan.by_name[synapse.target].channels
        limit = most.get((channels, synapse.kernel))
        if limit is None:
            text = f"{channels} channels, kernel {synapse.kernel}"
            listed = "; ".join(f"{c} channels, kernel {k}" for c, k in most)
            return Verdict("fail", text, listed, where=where, advice="another kernel or data set")
        verdict = at_most([(figure, where)], limit, "fewer --channels")
        worst = max(worst, verdict, key=lambda v: v.used or 0.0)
    return worst


def padding_max(case: Case, limit: int) -> Verdict:
    """Padding of the convolutions."""
    return within(((s.padding, where) for s, where in case.synapses()), limit, "smaller kernels")


def channels_max(case: Case, limit: int) -> Verdict:
    """Channels of the feature maps, the input's included."""
    maps = [(p.channels, p.name) for p in case.plan.populations]
    return at_most([*maps, (case.plan.spec.input_shape[0], INPUT)], limit, "fewer --channels")


def map_side_max(case: Case, limit: int) -> Verdict:
    """Larger side of the feature maps that the neurons form."""
    maps = ((max(p.height, p.width), p.name) for p in case.plan.populations)
    return at_most(maps, limit, "smaller input (--size)")


def input_sides(case: Case, limit: tuple[int, int]) -> Verdict:
    """Sides of the input."""
    sides = case.plan.spec.input_shape[1:]
    if all(limit[0] <= side <= limit[1] for side in sides):
        return Verdict("pass", sides, f"{limit[0]} to {limit[1]}", max(sides) / limit[1])
    return Verdict("fail", sides, f"{limit[0]} to {limit[1]}", max(sides) / limit[1], INPUT, "another --size")


def synapses_per_population_max(case: Case, limit: int) -> Verdict:
    """Synapses onto one population; where a core has one kernel, that of its own neurons, there can be one."""
    onto = ((len(synapses), name) for name, synapses in case.plan.incoming.items())
    return within(onto, limit, "leave out synapses onto it (micro genes, cross-layer synapses)")


def destinations_max(case: Case, limit: int) -> Verdict:
    """Synapses that a population or the input sends to, a read-out that is a layer of the chip included."""
    readers: dict[str, int] = {}
    for synapse in case.plan.synapses:
        for source in synapse.sources:
            readers[source] = readers.get(source, 0) + 1
    if case.capacity.readout_pooling:
        for name in case.plan.readout:
            readers[name] = readers.get(name, 0) + 1
    return within(((n, name) for name, n in readers.items()), limit, "fewer synapses out of it")
