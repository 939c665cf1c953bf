"""NIR to a network: the plan, and its weights under the names of `Network.state_dict()`.

Weights are taken as they are. What neurons and biases ask for goes into the normalisation of each population, which is
otherwise the identity: its scale is the gain of the neurons, its shift their bias.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import nir
import numpy as np
from numpy.typing import NDArray

from export.labels import family, labelled, named
from export.linear import Array, identity, squared
from export.neurons import Dynamics, Gain, dynamics, gain
from export.nir_check import Checked, at_node, checked
from export.readout import Readout, readout_of
from export.single import single
from export.terms import NEURONS, Map, Term, Wiring, follow
from export.told import Told, told_by
from msenas.errors import InputError
from msenas.genotype.genome import Genome
from msenas.genotype.motifs import INTERNEURONS
from msenas.phenotype.check import check_plan
from msenas.phenotype.plan import INPUT, Plan, Population, Synapse
from msenas.phenotype.spec import NetworkSpec

UNIT_VARIANCE = np.float32(1) - np.float32(1e-5)
"""With the epsilon of the normalisation added, its square root is exactly 1 in float32."""
IMAGE_STEPS, EVENT_STEPS = 4, 10
"""Time steps where neither the user nor the file names them."""
EVENT_CHANNELS = 2
"""Events come in two polarities; an input of so many channels is taken for events."""

Weights = dict[Synapse, Array]
Tensors = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Wishes:
    """What the user says about a graph; None leaves it to the metadata, or to a default.

    Attributes:
        input_shape: [C, H, W] of the frames, for a graph whose input is a vector.
        steps: time steps of an inference.
        encoding: of the input.
        dt: time step in seconds that the graph is meant for.
    """

    input_shape: Map | None = None
    steps: int | None = None
    encoding: str | None = None
    dt: float | None = None


@dataclass(frozen=True, eq=False)
class Imported:
    """A network read from NIR.

    Attributes:
        plan: its structure.
        tensors: its weights, by the names of `Network.state_dict()`.
        genome: that describes the plan, where the file tells one.
        told: what the file tells about it.
        dynamics: constants of the neurons, with the time step that they are counted in.
    """

    plan: Plan
    tensors: Tensors
    genome: Genome | None
    told: Told
    dynamics: Dynamics


def import_graph(graph: nir.NIRGraph, wishes: Wishes | None = None) -> Imported:
    """The network of a NIR graph of Conv2d, Affine, Linear, Scale, SumPool2d, AvgPool2d, Flatten, and IF or LIF.

    Which edges of loops are late is what `export.nir_order` says.

    Args:
        graph: as `export.nir_read.read_nir` gives it, or made by hand.
        wishes: what the user says about it.

    Raises:
        InputError: The graph is damaged, or no network here computes the same; the message names the node.
    """
    wishes, whole, told = wishes or Wishes(), checked(graph), told_by(graph)
    wiring = follow(whole, _input_map(whole, wishes))
    neurons = {n: whole.graph.nodes[n] for n in whole.order.nodes if isinstance(whole.graph.nodes[n], NEURONS)}
    common = dynamics(neurons, wiring.maps, told, wishes.dt)
    readout = readout_of(wiring, whole.input, whole.output)
    spec = _spec(wiring.maps[whole.input], len(readout.weight), common, told, wishes)
    names = named(list(neurons), told)
    gains = {names[node]: gain(node, neurons[node], wiring.maps[node], told, common) for node in names}
    plan, weights = _wired(wiring, names, readout, spec, told)
    plan, genome = labelled(plan, {name: node for node, name in names.items()}, told)
    constants = {name: wiring.received[node].constant for node, name in names.items()}
    return Imported(plan, _tensors(plan, weights, gains, constants, readout), genome, told, common)


def _input_map(graph: Checked, wishes: Wishes) -> Map:
    """[C, H, W] of the input."""
    shape, wished = graph.shapes[graph.input], wishes.input_shape
    if len(shape) == 3 and wished in (None, shape):
        return shape[0], shape[1], shape[2]
    if len(shape) == 1 and wished is None:
        return shape[0], 1, 1
    if len(shape) == 1 and wished is not None and np.prod(wished) == shape[0]:
        return wished
    if wished is None:
        raise InputError(f"the input is {list(shape)}; maps [C, H, W] and vectors can be imported")
    raise InputError(
        f"the input of the graph is {list(shape)}; --input-shape {','.join(map(str, wished))} does not fit"
    )


def _spec(shape: Map, classes: int, common: Dynamics, told: Told, wishes: Wishes) -> NetworkSpec:
    guess = "events" if shape[0] == EVENT_CHANNELS else "direct"
    encoding: Any = _first(wishes.encoding, told.encoding, guess)
    steps = _first(wishes.steps, told.steps, EVENT_STEPS if encoding == "events" else IMAGE_STEPS)
    own = family(told)
    return NetworkSpec(
        input_shape=shape,
        classes=classes,
        layers=own.layers,
        steps=steps,
        channels=own.channels,
        reductions=own.reductions,
        neuron="if" if common.tau is None else "lif",
        tau=own.tau if common.tau is None else common.tau,
        v_th=common.v_th,
        encoding=encoding,
    )


def _first(*values: Any) -> Any:  # noqa: ANN401
    """The first that is not None."""
    return next(value for value in values if value is not None)


def _wired(
    wiring: Wiring, names: Mapping[str, str], readout: Readout, spec: NetworkSpec, told: Told
) -> tuple[Plan, Weights]:
    """The plan without labels, and the weights of its synapses as they are in the file."""
    layers = list(dict.fromkeys(name.partition(".")[0] for name in names.values()))
    populations = tuple(
        Population(name, *wiring.maps[node], _stage(wiring.maps[node], spec), layers.index(name.partition(".")[0]), "")
        for node, name in names.items()
    )
    weights: Weights = {}
    for synapse, weight in _synapses(wiring, names, told):
        weights[synapse] = weights[synapse] + weight if synapse in weights else weight
    heard = tuple(name for node, name in names.items() if node in readout.sources)
    weights = _one_source_in_loops(Plan(spec, populations, tuple(weights), heard), weights)
    order = {name: i for i, name in enumerate([INPUT, *names.values()])}
    weights = dict(sorted(weights.items(), key=lambda item: _place(item[0], order)))
    return check_plan(Plan(spec, populations, tuple(weights), heard)), weights


def _place(s: Synapse, order: Mapping[str, int]) -> tuple[Any, ...]:
    """Sorts synapses as `decode` does."""
    sources = [order[name] for name in s.sources]
    return order[s.target], s.inhibitory, s.delayed, sources, s.kernel, s.stride, s.padding, s.pool


def _stage(shape: Map, spec: NetworkSpec) -> int:
    """How often the sides of the input are halved; where they are not, the power of two that comes nearest."""
    height, width = spec.input_shape[1:]
    for stage in range(height.bit_length() + width.bit_length()):
        if (height, width) == shape[1:]:
            return stage
        height, width = -(-height // 2), -(-width // 2)
    ratio = min(spec.input_shape[1] / shape[1], spec.input_shape[2] / shape[2])
    return max(0, round(float(np.log2(ratio))))


def _synapses(wiring: Wiring, names: Mapping[str, str], told: Told) -> Iterator[tuple[Synapse, Array]]:
    """The synapses with their weights; several may be the same, and their weights then add up.

    In files of this package some synapses of zeros only tell other readers which edge is late (see `export.lower`).
    """
    order = {node: i for i, node in enumerate(names)}
    for node, target in names.items():
        for term in wiring.received[node].terms:
            sources = tuple(names.get(n, INPUT) for n in sorted(term.sources, key=lambda n: order.get(n, -1)))
            with at_node(node):
                synapse, weight = _synapse(wiring, node, term, sources, target)
            if weight.any() or not (told.own and _closes(synapse)):
                yield synapse, weight


def _closes(synapse: Synapse) -> bool:
    """Whether a synapse of zeros has the form of those that close loops, so that the network does without it."""
    return synapse.kernel == 1 or synapse.sources == (synapse.target,)


def _synapse(wiring: Wiring, node: str, term: Term, sources: tuple[str, ...], target: str) -> tuple[Synapse, Array]:
    shape, gives = wiring.maps[term.sources[0]], wiring.maps[node]
    what = f"what it hears of {term.sources[0]!r}"
    if term.gives != gives:
        raise InputError(f"{what} is a map {list(term.gives)}, its own is {list(gives)}")
    (pool, across), linear = term.linear.pool, term.linear
    if pool != across:
        raise InputError(f"{what} is summed over windows of {pool}x{across}; square ones can be imported")
    if linear.weight is None:
        linear = linear.convolved(identity(shape[0]))
    try:
        square = squared(linear, (shape[1] // pool, shape[2] // pool), gives[1:])
    except InputError as error:
        raise InputError(f"{what} {error}") from None
    inhibitory = sources[0].rpartition(".")[2] in INTERNEURONS
    if inhibitory and (square.weight > 0).any():
        raise InputError(f"{what} excites, though the metadata call it {sources[0]}")
    kernel = square.weight.shape[2]
    return Synapse(
        sources, target, kernel, square.stride, inhibitory, term.late, None, square.padding, pool
    ), square.weight


def _one_source_in_loops(plan: Plan, weights: Weights) -> Weights:
    """Within a loop each source has a synapse of its own, with the same weights: spikes cannot be summed there."""
    block = {name: block for block in plan.schedule for name in block.populations}
    found: Weights = {}
    for synapse, weight in weights.items():
        loop = block[synapse.target]
        inside = loop.recurrent and set(loop.populations) & set(synapse.sources)
        for sources in [(name,) for name in synapse.sources] if inside else [synapse.sources]:
            own = replace(synapse, sources=sources)
            found[own] = found[own] + weight if own in found else weight
    return found


def _tensors(
    plan: Plan,
    weights: Weights,
    gains: Mapping[str, Gain],
    constants: Mapping[str, Array | None],
    readout: Readout,
) -> Tensors:
    tensors: Tensors = {}
    for index, (synapse, weight) in enumerate(weights.items()):
        scale = gains[synapse.target].gain[:, None, None, None] if synapse.inhibitory else 1.0
        tensors[f"weights.{index}"] = _rounded(np.abs(weight) * scale if synapse.inhibitory else weight, synapse.target)
    for population in plan.populations:
        own, constant = gains[population.name], constants[population.name]
        shift = own.shift if constant is None else own.shift + own.gain * constant
        key = f"norms.{population.name.replace('.', '_')}"
        tensors |= {
            f"{key}.weight": _rounded(own.gain, population.name),
            f"{key}.bias": _rounded(shift, population.name),
            f"{key}.running_mean": np.zeros(population.channels, np.float32),
            f"{key}.running_var": np.full(population.channels, UNIT_VARIANCE),
            f"{key}.num_batches_tracked": np.array(0),
        }
    tensors["readout.weight"] = _rounded(readout.weight, "the read-out")
    tensors["readout.bias"] = _rounded(readout.bias, "the read-out")
    return tensors


def _rounded(values: Array, where: str) -> NDArray[np.float32]:
    return single(values, f"weights or biases of {where} leave the range of float32")
