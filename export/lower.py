"""Plan and weights to the lowered graph, in an order from which every reader tells which synapses are late.

Delayed synapses come last of all. What that order alone does not settle, a synapse of zero weights does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import networkx as nx
import numpy as np

from export.fold import Fold, Tensors
from export.graph import INPUT, OUTPUT, READOUTS, Conv, Flatten, Graph, Neurons, Node, SumPool
from msenas.errors import InputError, unknown
from msenas.phenotype.plan import INPUT as PLAN_INPUT
from msenas.phenotype.plan import Plan, Synapse

READ_THRESHOLD = 1.0
"""Score at which a neuron of the spiking read-out fires in each step."""
SCORES = "scores"
"""Population of the spiking read-out."""


def lower(
    plan: Plan,
    tensors: Tensors,
    read: str = "current",
    about: Mapping[str, Any] | None = None,
    read_threshold: float = READ_THRESHOLD,
) -> Graph:
    """The lowered graph of a trained network.

    Args:
        plan: the structure.
        tensors: what `Network.state_dict()` holds, as numpy arrays by the same names.
        read: "current": spikes of `plan.readout` -> sum over the map -> affine map -> class scores of each step, whose
            mean over the steps is the score of the network. "spikes": behind it one integrate-and-fire neuron per
            class, reset to 0, for chips whose last layer must spike. The score of a class is then its number of
            spikes: an approximation that ranks classes by a coarse and one-sided (never negative) version of their
            scores. What accuracy is left has to be measured.
        about: what is told about the network; the encoding of the input is added to it.
        read_threshold: threshold of the spiking read-out, in units of the score. Lower ones tell classes with small
            scores apart, higher ones those with large scores, which below them fire in every step alike.

    Raises:
        InputError: A tensor is missing, has another shape, or is not finite; folded weights leave the range of
            float32; the plan has a delayed synapse or a population that no reader of exported graphs could run.
    """
    if read not in READOUTS:
        raise InputError(unknown("read-out", read, READOUTS))
    if not 0 < read_threshold < np.inf:
        raise InputError(f"the threshold of the read-out must be positive, not {read_threshold}")
    fold = Fold(plan, tensors)
    loops = _close_loops(plan)
    draft = _Draft(len(plan.populations) + len(plan.synapses) + len(loops.closings) + 4)
    node_of = {PLAN_INPUT: INPUT}
    for name in loops.order:
        node_of[name] = _add_population(draft, plan, fold, loops, node_of, name)
    _add_readout(draft, plan, fold, [node_of[name] for name in plan.readout], read, read_threshold)
    _add_delayed(draft, plan, fold, loops, node_of)
    told = {"encoding": plan.spec.encoding, **(about or {})}
    return Graph(plan.spec.input_shape, plan.spec.steps, tuple(draft.nodes), tuple(draft.edges), read, told)


@dataclass
class _Draft:
    """Nodes and edges in the making; a node is named by its place in the order and what it is."""

    most: int
    nodes: list[Node] = field(default_factory=list)
    edges: list[tuple[str, str]] = field(default_factory=list)

    def add(self, label: str, sources: Iterable[str], make: Callable[[str], Node]) -> str:
        """Append a node that reads `sources`; its name."""
        tail = re.sub(r"\W", "_", label, flags=re.ASCII)
        name = f"n{len(self.nodes):0{max(2, len(str(self.most)))}}_{tail}"
        self.nodes.append(make(name))
        self.edges += [(source, name) for source in sources]
        return name


@dataclass(frozen=True)
class _Loops:
    """The order of populations, and what makes each delayed synapse part of a loop.

    Attributes:
        order: populations, each after all that it reads at once, closings included.
        closings: for each delayed synapse without a loop the population that a synapse of zero weights must reach
            from its target: its source; or None for the delayed synapse itself.
    """

    order: tuple[str, ...]
    closings: Mapping[Synapse, str | None]


def _close_loops(plan: Plan) -> _Loops:
    """Find the delayed synapses that lie on no loop.

    A graph of NIR does not say which edge is late. Readers take the one whose source is not computed yet, but only on
    a loop; an edge on no loop acts at once, or lets them wait for ever. A synapse of zero weights from the target of
    such a delayed synapse to its source closes the loop, so that every reader keeps the delay. Where the source
    reaches the target at once, that would be a loop without a delay, and it leads to the delayed synapse instead.
    """
    instant = nx.DiGraph()
    instant.add_nodes_from(p.name for p in plan.populations)
    for synapse in plan.synapses:
        if not synapse.delayed:
            instant.add_edges_from((source, synapse.target) for source in synapse.sources if source != PLAN_INPUT)
    closings: dict[Synapse, str | None] = {}
    for synapse in (s for s in plan.synapses if s.delayed):
        if synapse.from_input:
            raise InputError(f"the delayed synapse {_path(synapse)} cannot be exported: it reads the input")
        reached = nx.descendants(instant, synapse.target) | {synapse.target}
        if reached.isdisjoint(synapse.sources):
            _check_closable(plan, synapse)
            source = synapse.sources[0]
            before = nx.has_path(instant, source, synapse.target)
            closings[synapse] = None if before else source
            if not before:
                instant.add_edge(synapse.target, source)
    rank = {p.name: i for i, p in enumerate(plan.populations)}
    try:
        return _Loops(tuple(nx.lexicographical_topological_sort(instant, key=rank.__getitem__)), closings)
    except nx.NetworkXUnfeasible:
        raise InputError("a loop of populations has no delayed synapse; it cannot be computed") from None


def _check_closable(plan: Plan, synapse: Synapse) -> None:
    """Weights of zero can only lead back to a map of the same sides."""
    source, target = plan.source_shape(synapse), plan.by_name[synapse.target].shape
    if (synapse.stride, synapse.pool) != (1, 1) or source[1:] != target[1:]:
        raise InputError(
            f"the delayed synapse {_path(synapse)} cannot be exported: it is on no loop and changes the resolution"
        )


def _path(synapse: Synapse) -> str:
    return f"{'+'.join(synapse.sources)} -> {synapse.target}"


def _add_population(draft: _Draft, plan: Plan, fold: Fold, loops: _Loops, node_of: Mapping[str, str], name: str) -> str:
    """Append a population behind its synapses that act at once; the name of its node."""
    population, currents, biased = plan.by_name[name], [], False
    for synapse in plan.incoming[name]:
        if synapse.delayed:
            continue
        carries = not synapse.inhibitory and not biased
        biased |= carries
        sources = _read(draft, plan, synapse, node_of)
        currents.append(draft.add(_label(synapse), sources, partial(fold.conv, synapse, carries)))
    if not biased:
        raise InputError(f"population {name} cannot be exported: no excitatory synapse reaches it at once")
    for synapse, closed in loops.closings.items():
        if closed == name:
            label = f"{synapse.target} closes {name}"
            currents.append(draft.add(label, [node_of[synapse.target]], partial(_closing, plan, synapse)))
    spec = plan.spec
    constants = spec.neuron, float(spec.tau), float(spec.v_th)
    return draft.add(name, currents, lambda node: Neurons(node, name, population.shape, *constants))


def _read(draft: _Draft, plan: Plan, synapse: Synapse, node_of: Mapping[str, str]) -> list[str]:
    """The nodes that a convolution reads: its sources, or what pools their spikes."""
    sources, side = [node_of[source] for source in synapse.sources], (synapse.pool, synapse.pool)
    if synapse.pool == 1:
        return sources
    label = f"sum of {' '.join(synapse.sources)}"
    return [draft.add(label, sources, lambda name: SumPool(name, plan.source_shape(synapse), side))]


def _add_readout(draft: _Draft, plan: Plan, fold: Fold, heard: list[str], read: str, read_threshold: float) -> None:
    shape, classes = plan.by_name[plan.readout[0]].shape, plan.spec.classes
    pooled = draft.add("sum", heard, lambda name: SumPool(name, shape, (shape[1], shape[2])))
    flat = draft.add("flatten", [pooled], lambda name: Flatten(name, (shape[0], 1, 1)))
    last = draft.add("readout", [flat], fold.affine)
    if read == "spikes":
        last = draft.add(SCORES, [last], lambda name: Neurons(name, SCORES, (classes,), "if", 1.0, read_threshold))
    draft.edges.append((last, OUTPUT))


def _add_delayed(draft: _Draft, plan: Plan, fold: Fold, loops: _Loops, node_of: Mapping[str, str]) -> None:
    """Append the delayed synapses, last of all so that no reader has computed them when their targets are due."""
    delayed = [synapse for synapse in plan.synapses if synapse.delayed]
    closed = {
        synapse: [draft.add(f"{synapse.target} closes", [node_of[synapse.target]], partial(_closing, plan, synapse))]
        for synapse in delayed
        if synapse in loops.closings and loops.closings[synapse] is None
    }
    for synapse in delayed:
        sources = _read(draft, plan, synapse, node_of) + closed.get(synapse, [])
        name = draft.add(f"{_label(synapse)} late", sources, partial(fold.conv, synapse, False))
        draft.edges.append((name, node_of[synapse.target]))


def _closing(plan: Plan, synapse: Synapse, name: str) -> Conv:
    """Zero weights from the target of a delayed synapse to (the shape of) its source."""
    target, channels = plan.by_name[synapse.target], plan.source_channels(synapse)
    weight = np.zeros((channels, target.channels, 1, 1), np.float32)
    return Conv(name, weight, np.zeros(channels, np.float32), 1, 0, target.shape, target.inhibitory)


def _label(synapse: Synapse) -> str:
    return f"{' '.join(synapse.sources)} to {synapse.target}"
