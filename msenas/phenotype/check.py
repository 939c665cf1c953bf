"""What must hold of a plan that no genome made, so that everything which reads plans can rely on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import networkx as nx

from msenas.errors import SHOWN, InputError, unknown
from msenas.genotype.motifs import ROLES
from msenas.phenotype.plan import INPUT, Plan, Population, Synapse

NAME = re.compile(rf"(?P<layer>[A-Za-z][A-Za-z0-9_]{{0,{SHOWN}}})\.(?:{'|'.join(ROLES)})")
"""A population's name: that of its layer, and its role."""
MOST_POPULATIONS, MOST_SYNAPSES = 1 << 12, 1 << 14
MOST_NEURONS, MOST_WEIGHTS = 1 << 26, 1 << 28
"""Of a network; far beyond what a search makes, and within the memory of a computer."""
LARGEST_SIDE = 1 << 16
"""Of a kernel, a stride, a padding or a window."""


def check_plan(plan: Plan) -> Plan:
    """The plan itself, once it is known to be one that can be computed.

    Raises:
        InputError: It is not; the message names the first population or synapse that is wrong.
    """
    _check_sizes(plan)
    _check_names(plan)
    for synapse in plan.synapses:
        _check_synapse(plan, synapse)
    if len(set(plan.synapses)) < len(plan.synapses):
        raise InputError("two synapses are the same: same sources, target, sizes, sign and delay")
    if sum(map(plan.weights_of, plan.synapses)) > MOST_WEIGHTS:
        raise InputError(f"the network has more than {MOST_WEIGHTS:,} weights")
    for name, synapses in plan.incoming.items():
        if all(s.inhibitory for s in synapses):
            raise InputError(f"population {name} has no excitatory synapse, so it can never fire")
    _check_readout(plan)
    _check_loops(plan)
    return plan


def _check_sizes(plan: Plan) -> None:
    amounts = {
        "populations": (len(plan.populations), MOST_POPULATIONS),
        "synapses": (len(plan.synapses), MOST_SYNAPSES),
    }
    amounts["neurons"] = plan.neurons, MOST_NEURONS
    for what, (number, most) in amounts.items():
        if not 1 <= number <= most:
            raise InputError(f"the network has {number:,} {what}; 1 to {most:,} are possible")


def _check_names(plan: Plan) -> None:
    for population in plan.populations:
        name = population.name
        found = NAME.fullmatch(name)
        if found is None or found["layer"] == INPUT:
            wanted = f"LAYER.ROLE, with letters, digits and _ for the layer and {', '.join(ROLES)} for the role"
            raise InputError(f"population {name[:SHOWN]!r}: a name is {wanted}")
        if min(population.shape) < 1:
            raise InputError(f"population {name}: its map is {list(population.shape)}")
    if twice := _twice(p.name for p in plan.populations):
        raise InputError(f"two populations are called {twice}")


def _check_synapse(plan: Plan, synapse: Synapse) -> None:
    sources, target = synapse.sources, synapse.target
    where = f"synapse {'+'.join(sources)[:SHOWN]} to {target[:SHOWN]}"
    for name in (*sources, target):
        if name not in plan.by_name and not (name == INPUT and synapse.from_input):
            raise InputError(f"{where}: {unknown('population', name, plan.by_name)}")
    if not sources or _twice(sources):
        raise InputError(f"{where}: its sources must be different populations, at least one")
    if len({_form(plan, name) for name in sources}) > 1:
        raise InputError(f"{where}: sources whose spikes are summed need one shape and one sign")
    if synapse.inhibitory != _form(plan, sources[0])[1]:
        raise InputError(f"{where}: it is inhibitory if and only if its sources are")
    if synapse.from_input and synapse.delayed:
        raise InputError(f"{where}: the input is not delayed")
    sides = {"kernel": (synapse.kernel, 1), "stride": (synapse.stride, 1), "pool": (synapse.pool, 1)}
    for name, (side, least) in (sides | {"padding": (synapse.padding, 0)}).items():
        if not least <= side <= LARGEST_SIDE:
            raise InputError(f"{where}: {name} must be {least} to {LARGEST_SIDE}, not {side}")
    gives, wanted = list(_map(plan, synapse)), list(plan.by_name[target].shape[1:])
    if gives != wanted:
        raise InputError(f"{where}: the convolution gives a map of {gives}, the population's is {wanted}")


def _form(plan: Plan, name: str) -> tuple[tuple[int, int, int], bool]:
    """Shape and sign of a source."""
    if name == INPUT:
        return plan.spec.input_shape, False
    population: Population = plan.by_name[name]
    return population.shape, population.inhibitory


def _map(plan: Plan, synapse: Synapse) -> Iterator[int]:
    """Height and width of what a convolution gives."""
    for side in plan.read_shape(synapse)[1:]:
        yield map_side(side, synapse.kernel, synapse.stride, synapse.padding)


def map_side(side: int, kernel: int, stride: int, padding: int) -> int:
    """Pixels that a convolution gives along one axis; 0 where the kernel does not fit on the padded map."""
    return max(0, (side + 2 * padding - kernel) // stride + 1)


def _check_readout(plan: Plan) -> None:
    readout = plan.readout
    if not readout or _twice(readout):
        raise InputError("the read-out must name different populations, at least one")
    for name in readout:
        if name not in plan.by_name:
            raise InputError(f"read-out: {unknown('population', name, plan.by_name)}")
    if len({_form(plan, name) for name in readout}) > 1:
        raise InputError(f"read-out: {' and '.join(readout)} need one shape and one sign")
    wires = nx.DiGraph((source, s.target) for s in plan.synapses for source in s.sources)
    heard = set(readout).union(*(nx.ancestors(wires, name) for name in readout if name in wires))
    for population in plan.populations:
        if population.name not in heard:
            raise InputError(f"population {population.name} is not heard: no path leads from it to the read-out")


def _check_loops(plan: Plan) -> None:
    block = {name: block for block in plan.schedule for name in block.populations}
    for synapse in plan.synapses:
        inside = set(synapse.sources) & set(block[synapse.target].populations)
        if len(synapse.sources) > 1 and inside and block[synapse.target].recurrent:
            where = f"synapse {'+'.join(synapse.sources)[:SHOWN]} to {synapse.target}"
            raise InputError(f"{where}: within a loop a synapse has one source; write one for each")


def _twice(names: Iterable[str]) -> str | None:
    """A name that is there twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
