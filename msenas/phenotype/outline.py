"""The outline of a network as a tree for the terminal: layers, populations, and the synapses onto each."""

from __future__ import annotations

from rich.text import Text
from rich.tree import Tree

from msenas.genotype.genome import Genome
from msenas.genotype.motifs import EMPTY, MOTIFS
from msenas.phenotype.picture_parts import layer_of
from msenas.phenotype.plan import INPUT, Plan, Population, Synapse

EXCITE, INHIBIT, CROSS, FAINT = "red", "blue", "magenta", "dim"
"""Colours of the terminal."""


def outline(plan: Plan, genome: Genome | None = None) -> Tree:
    """A network as a tree that also reads well as plain text.

    Args:
        plan: the network.
        genome: where it came from; its layers that are not in the network are then named.
    """
    tree = Tree(_header(plan), guide_style=FAINT)
    layers = list(dict.fromkeys(layer_of(p.name) for p in plan.populations))
    for number, name in enumerate(layers, start=1):
        members = [p for p in plan.populations if layer_of(p.name) == name]
        before = layers[number - 2] if number > 1 else INPUT
        branch = tree.add(_layer_line(number, members))
        for population in members:
            leaf = branch.add(_population_line(population))
            for synapse in plan.incoming[population.name]:
                leaf.add(_synapse_line(plan, synapse, before))
    tree.add(_readout_line(plan))
    if genome is not None and (absent := absent_layers(plan, genome)):
        tree.add(_line(("not in the network: " + ", ".join(absent), FAINT)))
    return tree


def absent_layers(plan: Plan, genome: Genome) -> list[str]:
    """Layers of a genome that its network does not have: bypassed ones, and dead ones (silent or unheard)."""
    live = {p.layer for p in plan.populations}
    absent = [(index, layer.motif) for index, layer in enumerate(genome.layers) if index not in live]
    return [
        f"layer {index + 1} of the genome ({'bypassed' if motif == EMPTY else f'{MOTIFS[motif].name}, dead'})"
        for index, motif in absent
    ]


def _line(*parts: str | tuple[str, str]) -> Text:
    """A label of the tree; it wraps also on consoles that leave wrapping to the terminal, which would cut it off."""
    return Text.assemble(*parts, no_wrap=False, overflow="fold")


def _header(plan: Plan) -> Text:
    spec = plan.spec
    shape = "x".join(map(str, spec.input_shape))
    neuron = f"lif, tau {spec.tau:g}" if spec.neuron == "lif" else spec.neuron
    return _line(
        (f"input {shape}", "bold"),
        f", {spec.encoding} encoding, T = {spec.steps}, {spec.classes} classes, {neuron}, v_th {spec.v_th:g}\n",
        f"{plan.parameters:,} parameters, {plan.neurons:,} neurons, depth {plan.depth}",
    )


def _layer_line(number: int, members: list[Population]) -> Text:
    first = members[0]
    titles = {motif.name: f"{motif.name}, {motif.title}" for motif in MOTIFS}
    title = titles.get(first.motif, first.motif)
    width = max((p.channels for p in members if not p.inhibitory), default=first.channels)
    origin = f"  (layer {first.layer + 1} of the genome)" if first.layer + 1 != number else ""
    return _line(
        (f"layer {number}", "bold"),
        f" · {title} · {first.height}x{first.width}, width {width}",
        (origin, FAINT),
    )


def _population_line(population: Population) -> Text:
    shape = "x".join(map(str, population.shape))
    style = f"bold {INHIBIT if population.inhibitory else EXCITE}"
    return _line((population.role, style), f"  {shape}, {population.neurons:,} neurons")


def _synapse_line(plan: Plan, synapse: Synapse, before: str) -> Text:
    """One synapse; `before` is the layer that precedes its target's."""
    start, target = layer_of(synapse.sources[0]), plan.by_name[synapse.target]
    arrow = f"{'[t-1]' if synapse.delayed else ''} {'-|' if synapse.inhibitory else '->'} {target.role}"
    names = "+".join(synapse.sources)
    if start == layer_of(synapse.target):
        path, style = f"{names.partition('.')[2]}{arrow}", INHIBIT if synapse.inhibitory else ""
    elif start == before:
        path, style = f"in ({names}){arrow}", ""
    else:
        path, style = f"cross-layer ({names}){arrow}", CROSS
    return _line((path, style), f"  {_geometry(synapse)}, {plan.weights_of(synapse):,} weights")


def _geometry(synapse: Synapse) -> str:
    """Pooling, kernel, stride, and padding where it is not half the kernel."""
    pool = f"sum {synapse.pool}x{synapse.pool}, " if synapse.pool > 1 else ""
    stride = f" stride {synapse.stride}" if synapse.stride > 1 else ""
    padding = f" padding {synapse.padding}" if synapse.padding != synapse.kernel // 2 else ""
    return f"{pool}{synapse.kernel}x{synapse.kernel}{stride}{padding}"


def _readout_line(plan: Plan) -> Text:
    classes = plan.spec.classes
    weights = plan.by_name[plan.readout[0]].channels * classes
    return _line(
        ("read-out", "bold"),
        f" · {'+'.join(plan.readout)}, mean over map and time -> {classes} classes, {weights:,} weights",
    )
